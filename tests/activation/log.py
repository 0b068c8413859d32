"""The recorded log with a change of rules in its middle, and what it leads to."""

from base64 import b64decode
from functools import cache

from schemas.codec import encode_command
from tests.audit.logs import MemoryLog, Scribe
from tests.golden.test_recorded_log import LINES
from tests.second_rules import activate, second_rules

AT = 320  # where the activation stands; what stood there follows it
SNAPSHOTS_EVERY = 100


def recorded_commands() -> list[tuple[int, bytes]]:
    """Give the recorded log: times (µs) and values."""
    return [(int(time), b64decode(value)) for time, value in (line.split() for line in LINES)]


def activating_commands(version: int = 2) -> list[tuple[int, bytes]]:
    """Give the same log with the activation put in."""
    commands = recorded_commands()
    return [*commands[:AT], (commands[AT][0], encode_command(activate(version))), *commands[AT:]]


@cache
def activated_log() -> MemoryLog:
    """That log as an engine of the newer code writes it, with a snapshot now and then. Shared: copy to change it."""
    with second_rules():
        return MemoryLog([written(activating_commands()).part], "the log with an activation")


def written(commands: list[tuple[int, bytes]]) -> Scribe:
    """Write a log, and a snapshot after each hundredth command."""
    scribe = Scribe(0, 1)
    for number, (time, value) in enumerate(commands, 1):
        scribe.append(value, time // 1_000)
        if number % SNAPSHOTS_EVERY == 0:
            scribe.snapshot()
    return scribe
