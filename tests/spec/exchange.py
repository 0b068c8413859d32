"""One shard under test: every command goes through `step`, and every event through the codec, the fold and the laws."""

from contextvars import ContextVar
from typing import Final

from engine.core.apply import apply
from engine.core.fingerprint import state_digest
from engine.core.laws import broken
from engine.core.state import State, genesis
from engine.core.step import go_over, step
from schemas.codec import decode_event, encode_and_chain, expected_digest, first_digest
from schemas.commands import Command, DefineInstruments
from schemas.events import CommandRejected, Event
from schemas.instruments import FIRST_BROADCAST, INSTRUMENTS
from schemas.messages import Instrument
from schemas.offset_gaps import OffsetGap
from schemas.rejections import Rejection
from schemas.units import DAY

MIDNIGHT: Final = 20_454 * DAY  # 2026-01-01 00:00 UTC, where every test begins
PACE: Final = 1_000  # µs of log time from one command to the next


# The version of the rules that shards begin with here; tests/spec/conftest.py runs each test under every version.
RULES: Final = ContextVar("rules", default=1)


def born(shard: int, shards: int, rules_version: int) -> State:
    """Give a shard before its first command that has these rules already, so that offsets are alike under all."""
    state = genesis(shard, shards)
    state.rules_version = rules_version
    return state


class Exchange:
    """A shard, its clock, and the record of all its events. unseen: events `then` has not matched yet."""

    def __init__(self, shard: int = 0, shards: int = 1) -> None:
        self.first_rules = RULES.get()
        self.state: State = born(shard, shards, self.first_rules)
        self.now = MIDNIGHT
        self.commands: list[tuple[int, Command | None]] = []
        self.rules: dict[int, int] = {}  # in force before each command, by its offset
        self.events: list[Event] = []
        self.values: list[bytes] = []
        self.unseen: list[Event] = []
        self.last: list[Event] = []
        self._account_seqs: dict[str, int] = {}
        self._ids = 0

    def new_id(self) -> str:
        """Give an unused command id."""
        self._ids += 1
        return f"command-{self._ids}"

    def send(self, command: Command | None, *, at: int | None = None, gap: int = 0) -> list[Event]:
        """Append a command (at: µs; by default a millisecond after the last), and check law 7 on what it gives.

        gap: so many offsets before it hold no record.
        """
        self.now = self.now + PACE if at is None else at
        if gap:
            go_over(self.state, OffsetGap(self.state.shard, self.state.next_offset, self.state.next_offset + gap - 1))
        offset = self.state.next_offset
        rules = self.state.rules_version
        events = step(self.state, command, offset=offset, time=self.now)
        self.rules[offset] = rules
        assert events, "every command gives at least one event"
        self.commands.append((self.now, command))
        for index, event in enumerate(events):
            assert event.seq == len(self.events) + 1, "law 7: seq has a gap"
            assert (event.command_offset, event.index) == (offset, index), "law 7: events stand in the command's order"
            self._check_account_seq(event)
            self.events.append(event)
        self.last = events
        self.unseen.extend(events)
        return events

    def succeed(self, command: Command) -> list[Event]:
        """Send a command that must not be refused."""
        events = self.send(command)
        refused = [Rejection(event.rejection).name for event in events if isinstance(event, CommandRejected)]
        assert not refused, f"{refused}: {command}"
        return events

    def define(self, *instruments: Instrument, broadcast: str = FIRST_BROADCAST) -> None:
        """Broadcast instruments; by default the table of the rules."""
        self.succeed(
            DefineInstruments(
                command_id=self.new_id(),
                shard=self.state.shard,
                broadcast=broadcast,
                instruments=instruments or INSTRUMENTS,
            )
        )

    def check(self) -> None:
        """Hold every law; law 9: the events alone, read back from their bytes, give the same state."""
        assert broken(self.state) == []
        previous = self._digest_before()
        for event in self.events[len(self.values) :]:
            value, digest = encode_and_chain(event, previous, self.rules[event.command_offset])
            assert digest == expected_digest(value, previous)
            assert decode_event(value) == event
            self.values.append(value)
            previous = digest
        assert state_digest(self.folded()) == state_digest(self.state), "law 9: the fold gives another state"

    def folded(self) -> State:
        """Give the state the events alone lead to."""
        state = born(self.state.shard, self.state.shards, self.first_rules)
        for event in self.events:
            apply(state, event)
        return state

    def _digest_before(self) -> bytes:
        return self.values[-1][-16:] if self.values else first_digest(self.state.shard)

    def _check_account_seq(self, event: Event) -> None:
        if event.account_id is None or event.account_id not in self.state.accounts:
            assert event.account_seq is None, "an event with no known account has no account_seq"
            return
        if event.account_seq is not None:
            expected = self._account_seqs.get(event.account_id, 0) + 1
            assert event.account_seq == expected, "law 7: account_seq has a gap"
            self._account_seqs[event.account_id] = expected
