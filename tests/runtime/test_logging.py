"""A service's log is one JSON object a line on stderr, its own lines and those of its libraries alike."""

import json
import logging
import sys
from collections.abc import Iterator

import pytest
import structlog

from runtime.logging import VERBOSE_LOGGERS, configure


@pytest.fixture(autouse=True)
def _configured() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    levels = {name: logging.getLogger(name).level for name in ("librdkafka", *VERBOSE_LOGGERS)}
    yield
    root.handlers, root.level = handlers, level
    for name, before in levels.items():
        logging.getLogger(name).setLevel(before)
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


def test_a_log_line_names_service_level_time_and_event(capsys: pytest.CaptureFixture[str]) -> None:
    configure("projector", "info")
    structlog.get_logger("reprise.somewhere").info("batch written", events=3)
    logging.getLogger("library").warning("it said %s", "so")
    structlog.get_logger("reprise.somewhere").debug("not at this level")
    own, foreign = (json.loads(line) for line in capsys.readouterr().err.splitlines())
    assert own | {"time": ""} == {
        "service": "projector",
        "level": "info",
        "logger": "reprise.somewhere",
        "event": "batch written",
        "events": 3,
        "time": "",
    }
    assert (foreign["service"], foreign["level"], foreign["event"]) == ("projector", "warning", "it said so")


def test_an_exception_is_logged_with_its_traceback_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    configure("engine", "INFO")
    try:
        int("a bug")
    except ValueError:
        logging.getLogger("reprise").exception("frozen")
    (line,) = capsys.readouterr().err.splitlines()
    assert "ValueError: invalid literal" in json.loads(line)["exception"]


def test_a_traceback_on_a_terminal_does_not_show_the_values_of_variables(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    configure("api", "INFO")

    def fail(password: str) -> None:
        raise ValueError(f"of {len(password)} characters")

    try:
        fail("correct horse " + "battery")
    except ValueError:
        structlog.get_logger("reprise").exception("unexpected")
    shown = capsys.readouterr().err
    assert "ValueError: of 21 characters" in shown
    assert "correct horse battery" not in shown


def test_closed_connections_of_librdkafka_are_not_logged(capsys: pytest.CaptureFixture[str]) -> None:
    configure("api", "DEBUG")
    logging.getLogger("librdkafka").info("connection closed")
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    "library", ["httpcore.http11", "httpx", "uvicorn.error", "websockets.client", "websockets.server"]
)
def test_a_library_that_logs_whole_messages_stays_silent_at_debug_too(
    library: str, capsys: pytest.CaptureFixture[str]
) -> None:
    configure("venue", "DEBUG")
    logging.getLogger(library).debug("> GET /?token=a-token-of-somebody")
    logging.getLogger("reprise.somewhere").debug("our own")
    (line,) = capsys.readouterr().err.splitlines()
    assert json.loads(line)["event"] == "our own"
