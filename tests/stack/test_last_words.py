"""Why a process ended is read from what it wrote and from the manager's log, and a manager outlives a full disk."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from stack import supervisor
from stack.instance import InstanceFolder
from stack.last_words import WORDS_MAX, ends_of, last_words
from stack.programs import INSTANCE_VARIABLE, Program
from tests.processes import eventually

JAVA = b"ERROR Exiting Kafka\njava.net.BindException: Address already in use\n\tat sun.nio\n\t... 5 more\n"
PYTHON = b"Traceback (most recent call last):\n  File 'x', line 1\n    raise\nValueError: no such thing\n"


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[InstanceFolder]:
    made = InstanceFolder(tmp_path / "data")
    made.make()
    yield made
    supervisor.stop(made, print)


@pytest.mark.parametrize(
    ("output", "words"),
    [
        (b"", ""),
        (b"one\ntwo\n\n", "two"),
        (b"reprise: Port 1 is taken.\n", "Port 1 is taken."),
        (JAVA, "java.net.BindException: Address already in use"),
        (PYTHON, "ValueError: no such thing"),
        (
            json.dumps({"event": "failed", "exception": PYTHON.decode()}).encode(),
            "failed: ValueError: no such thing",
        ),
        (json.dumps({"event": "stopped", "level": "info"}).encode(), "stopped"),
        (b"reprise: It ended.\n" + json.dumps({"event": "Unclosed Consumer\nconsumer: <x>"}).encode(), "It ended."),
        (b"x" * 1_000, "x" * WORDS_MAX + "…"),
    ],
)
def test_the_last_words_of_a_process_are_its_last_line_that_says_something(output: bytes, words: str) -> None:
    assert last_words(output) == words


def test_starts_are_counted_and_the_last_end_of_each_program_is_explained() -> None:
    log = """\
2026-01-31 12:00:00,000 INFO spawned: 'api' with pid 1
2026-01-31 12:00:01,000 INFO exited: api (exit status 1; not expected)
2026-01-31 12:00:02,000 INFO last words of api "the first"
2026-01-31 12:00:03,000 INFO spawned: 'api' with pid 2
2026-01-31 12:00:04,000 INFO exited: api (exit status 1; not expected)
2026-01-31 12:00:05,000 INFO last words of api "the \\"second\\""
2026-01-31 12:00:06,000 INFO spawned: 'kafka' with pid 3
2026-01-31 12:00:07,000 INFO exited: kafka (terminated by SIGKILL; not expected)
"""
    assert ends_of(log) == (
        {"api": 2, "kafka": 1},
        {"api": 'exit status 1: the "second"', "kafka": "terminated by SIGKILL"},
    )


def test_a_program_that_fails_is_shown_with_the_last_line_it_wrote(folder: InstanceFolder) -> None:
    failing = Program("failing", [sys.executable, "-c", "import sys; print('started'); sys.exit('no such thing')"], 10)
    manager = supervisor.start(folder, [failing], {INSTANCE_VARIABLE: str(folder.data)}, detach=True)
    eventually(lambda: supervisor.why_ended(folder, "failing"), lambda why: why == "exit status 1: no such thing")
    (process,) = eventually(lambda: supervisor.processes(folder), lambda found: found[0].restarts > 0)
    assert process.why == "exit status 1: no such thing"
    assert not supervisor.is_up(folder, "no such program")
    supervisor.stop(folder, print)
    manager.wait(60)
