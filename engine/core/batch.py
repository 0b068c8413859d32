"""Commands of the log that follow each other: executed, and their events as records of the log."""

from collections.abc import Sequence
from typing import Final, Protocol

from engine.core.state import State
from schemas.codec import command_in, encode_and_chain
from schemas.commands import Command
from schemas.events import Event

MICROSECONDS_PER_MILLISECOND: Final = 1_000

# Of so many commands one is timed in the core: what that costs is nothing then, and their p99 is that of all.
TIMED_OF: Final = 16

# An event's record: key and value.
Output = tuple[bytes | None, bytes]
# What came of a command: the rules version before it, by which its events are written, and the events.
Executed = tuple[int, list[Event]]


class CommandRecord(Protocol):
    """A record of the commands' topic. timestamp: of its append (ms)."""

    @property
    def offset(self) -> int: ...
    @property
    def timestamp(self) -> int: ...
    @property
    def value(self) -> bytes | None: ...


class Step(Protocol):
    """Executes one command on a ledger and gives its events."""

    def __call__(self, state: State, command: Command | None, *, offset: int, time: int) -> list[Event]: ...


def execute(
    step: Step, timed_step: Step, state: State, records: Sequence[CommandRecord], executed: list[Executed]
) -> None:
    """Execute commands and add the events of each; an exception leaves those of the commands before it.

    timed_step: executes one of 16. All are decoded, then all are executed, then `encode` encodes all: that takes
    an eighth less time than one command after the other.
    """
    rules_version = state.rules_version
    commands = [command_in(record.value, rules_version) for record in records]
    for record, command in zip(records, commands, strict=True):
        rules = state.rules_version
        if rules != rules_version:  # A command before it changed what is decodable.
            command = command_in(record.value, rules)  # noqa: PLW2901
        offset, time = record.offset, record.timestamp * MICROSECONDS_PER_MILLISECOND
        execute_one = step if offset % TIMED_OF else timed_step
        executed.append((rules, execute_one(state, command, offset=offset, time=time)))


def encode(executed: Sequence[Executed], digest: bytes, encoded: list[list[Output]]) -> None:
    """Add the records of each command's events. digest: of the event before the first."""
    for rules_version, events in executed:
        outputs: list[Output] = []
        for event in events:
            value, digest = encode_and_chain(event, digest, rules_version)
            account_id = event.account_id
            outputs.append((None if account_id is None else account_id.encode(), value))
        encoded.append(outputs)
