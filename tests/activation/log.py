"""The recorded log with a change of rules in its middle, and what it leads to."""

from base64 import b64decode
from functools import cache

from schemas.codec import encode_command
from schemas.commands import DefineInstruments
from schemas.instruments import INSTRUMENTS
from schemas.record import replace
from schemas.units import SECOND
from tests.activating import activate
from tests.audit.logs import MemoryLog, Scribe
from tests.golden.test_recorded_log import LINES
from tests.spec.language import BTC, given, price, sent
from tests.spec.test_rules import TWO_LONGS

AT = 320  # where the activation stands; what stood there follows it and the instruments
SNAPSHOTS_EVERY = 100
WITH_A_NEW_FIELD = DefineInstruments(
    command_id="ages",
    shard=0,
    broadcast="ages",
    instruments=tuple(replace(instrument, open_age_max=3 * SECOND) for instrument in INSTRUMENTS),
)


def recorded_commands() -> list[tuple[int, bytes]]:
    """Give the recorded log: times (µs) and values."""
    return [(int(time), b64decode(value)) for time, value in (line.split() for line in LINES)]


def activating_commands(version: int = 2) -> list[tuple[int, bytes]]:
    """Give the same log with the activation put in, and after it instruments with a field of the new schemas."""
    commands = recorded_commands()
    time, put_in = commands[AT][0], (activate(version), WITH_A_NEW_FIELD)
    return [*commands[:AT], *((time, encode_command(command)) for command in put_in), *commands[AT:]]


@cache
def activated_log() -> MemoryLog:
    """That log as an engine writes it, with a snapshot now and then. Shared: copy to change it."""
    return MemoryLog([written(activating_commands()).part], "the log with an activation")


@cache
def log_of_gaps() -> MemoryLog:
    """Two stops that a gap carries past the liquidation price, before the activation and after it."""
    exchange = given(*TWO_LONGS, price(BTC, 49_200), sent(activate()), price(BTC, 48_200)).exchange
    commands = [(time, encode_command(command)) for time, command in exchange.commands if command is not None]
    return MemoryLog([written(commands).part], "the log with two gaps")


def written(commands: list[tuple[int, bytes]]) -> Scribe:
    """Write a log, and a snapshot after each hundredth command."""
    scribe = Scribe(0, 1)
    for number, (time, value) in enumerate(commands, 1):
        scribe.append(value, time // 1_000)
        if number % SNAPSHOTS_EVERY == 0:
            scribe.snapshot()
    return scribe
