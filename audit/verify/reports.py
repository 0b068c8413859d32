"""What each judge reports of one shard, so that reports can be compared."""

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

import msgspec

from audit.log.differences import Difference
from engine.core.fingerprint import state_digest
from engine.core.state import State

# What the core or a row function may raise over a log that no engine wrote.
CORE_ERRORS = (AssertionError, ArithmeticError, AttributeError, LookupError, TypeError, ValueError)

Advance = Callable[[int], None]


class JudgeStart(NamedTuple):
    """A ledger, and the digest of its last event."""

    state: State
    digest: bytes


class LedgerPoint(msgspec.Struct, frozen=True):
    """A ledger after event `seq`. chain: that event's digest; ledger: the digest of the state."""

    seq: int
    next_offset: int
    time: int
    accounts: int
    positions: int
    chain: bytes
    ledger: bytes


class JudgeReport(msgspec.Struct):
    """commands, events: how many were looked at.

    points: the ledger at each snapshot's event. end: the ledger at the end, null where the judge stopped before it.
    shared: what must be the same in every shard, broadcasts, markets and rules; shared_at: its log time (µs).
    rows: of PostgreSQL; reached: the event its tables are at; behind_since: the log time (µs) of the first event they
    do not have, null where they have all; not_compared: what else is in it. acts: how many there are of each kind.
    """

    judge: str
    shard: int
    commands: int = 0
    events: int = 0
    seconds: float = 0.0
    points: dict[int, LedgerPoint] = {}
    end: LedgerPoint | None = None
    shared: dict[str, str] = {}
    shared_at: dict[str, int] = {}
    rows: int = 0
    reached: int | None = None
    behind_since: int | None = None
    not_compared: list[str] = []
    acts: dict[str, int] = {}
    differences: list[Difference] = []


def point_of(state: State, chain: bytes) -> LedgerPoint:
    """Take a ledger's digests."""
    return LedgerPoint(
        seq=state.seq,
        next_offset=state.next_offset,
        time=state.time,
        accounts=len(state.accounts),
        positions=len(state.positions),
        chain=chain,
        ledger=state_digest(state),
    )


@contextmanager
def collection_paused() -> Iterator[None]:
    """Keep the garbage collector from walking through a ledger of millions again and again."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
