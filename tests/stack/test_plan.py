"""The ports of an instance: the requested port, else the usual one where it is free."""

from pathlib import Path

import pytest

from cli.main import call
from runtime.settings import SEED_PORTS, Settings
from stack.feed_choice import FeedChoice
from stack.start import StartOptions, _plan

FEED = FeedChoice("simulated", "1", loop=False, spread_bps=2, change=False)
BROKERS = "a.example:9092"


def options(port: int = 8000, *, seed_ports: bool = False) -> StartOptions:
    return StartOptions(Path(), port, 1, standby=False, seed_ports=seed_ports, detach=True, feed=FEED)


def only_taken(monkeypatch: pytest.MonkeyPatch, *taken: int) -> None:
    """A machine on which these ports have a server, and every other is free."""
    for module in ("ports", "start"):
        monkeypatch.setattr(f"stack.{module}.is_free", lambda port: port not in taken)


@pytest.mark.parametrize(
    ("arguments", "variable", "port"),
    [
        ([], None, 8000),
        ([], "3001", 3001),
        (["--port", "4444"], None, 4444),
        (["--port", "4444"], "3001", 4444),
    ],
)
def test_the_port_is_taken_from_the_command_line_or_the_variable_or_is_8000(
    arguments: list[str],
    variable: str | None,
    port: int,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PORT", raising=False)
    if variable is not None:
        monkeypatch.setenv("PORT", variable)
    only_taken(monkeypatch, port)
    assert call(["up", "--detach", "--data", str(tmp_path / "x"), *arguments]) == 1
    assert f"Port {port} is taken. Name another with --port." in capsys.readouterr().err


def test_the_broker_uses_port_9092_if_free_and_another_port_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KAFKA_BROKERS", raising=False)
    only_taken(monkeypatch)
    free = _plan(Settings(), options(), FEED)
    assert (free.kafka_port, free.kafka_brokers) == (9092, "127.0.0.1:9092")
    only_taken(monkeypatch, 9092)
    taken = _plan(Settings(), options(), FEED)
    assert taken.kafka_port not in (None, 9092)
    assert taken.kafka_brokers == f"127.0.0.1:{taken.kafka_port}"


def test_a_configured_broker_is_used_and_no_broker_is_started() -> None:
    named = _plan(Settings.model_validate({"kafka_brokers": BROKERS}), options(), FEED)
    assert (named.kafka_port, named.kafka_brokers) == (None, BROKERS)


@pytest.mark.parametrize(
    ("port", "taken", "listens"),
    [
        (8000, (), [*SEED_PORTS]),
        (8000, (3002, 4000), [3001, 3005]),
        # As the `.env` of seed 003 has it.
        (3001, (), [3002, 3005, 4000]),
    ],
)
def test_the_api_listens_on_the_free_ports_of_the_seeds_except_its_own(
    port: int, taken: tuple[int, ...], listens: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    only_taken(monkeypatch, *taken)
    assert _plan(Settings(), options(port, seed_ports=True), FEED).seed_ports == listens
    assert _plan(Settings(), options(port), FEED).seed_ports == []
