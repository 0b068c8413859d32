"""What a shard of the exchange consists of. Only `apply` changes it."""

from collections import deque
from typing import Any, Final, NamedTuple, Protocol

from engine.core.bounds import NOTHING, POSITIONS_MAX
from engine.core.triggers import NoTriggers, Triggers
from schemas.ledger_records import Account, Feed, Market, Position, Remembered
from schemas.messages import Instrument
from schemas.units import Timestamp


class CopyInProgress(Protocol):
    """A copy of a ledger that goes on meanwhile: it gets each account before that changes."""

    def keep(self, account: Account) -> None:
        """Keep an account as it is now."""


class RememberedId(NamedTuple):
    """A command id that is remembered, and for whom; sorts by the offset of its command. time: µs."""

    offset: int
    time: Timestamp
    account_id: str
    command_id: str


# What a ledger is made of, but for what only its execution needs.
PARTS: Final = (
    *("seq", "time", "next_offset", "house", "fees", "insurance", "external", "feed", "clock_suspect"),
    *("next_position", "rules_version", "instruments", "markets", "accounts", "broadcasts", "positions_max"),
    *("accounts_by_number", "positions", "remembered"),
)


class State:
    """One shard's ledger. seq, time (µs) and next_offset say how far it is; the books are in micros."""

    def __init__(self, *, shard: int, shards: int) -> None:
        """Begin with the ledger before its first command."""
        self.shard = shard
        self.shards = shards
        self.seq = 0
        self.time = Timestamp(0)
        self.next_offset = 0
        self.house = NOTHING
        self.fees = NOTHING
        self.insurance = NOTHING
        self.external = NOTHING
        self.feed: Feed | None = None
        self.clock_suspect = False
        self.next_position = 1
        self.rules_version = 1  # by which the next command is decided, and its events written
        self.instruments: dict[str, Instrument] = {}  # in the order they are served
        self.markets: dict[str, Market] = {}
        self.accounts: dict[str, Account] = {}
        self.broadcasts: dict[str, Remembered] = {}  # for ever
        self.positions_max = POSITIONS_MAX  # open ones an account
        # What follows is derived from the accounts, or about them.
        self.accounts_by_number: list[Account] = []
        self.positions: dict[str, Position] = {}  # the open ones of all accounts
        self.triggers = Triggers()
        self.remembered: deque[RememberedId] = deque()  # oldest first; none under version 1
        self.copying: CopyInProgress | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        """Let `deepcopy` give one that goes on by itself: that folds, and so has no triggers."""
        return _folding, (self.shard, self.shards, {name: getattr(self, name) for name in PARTS})


def _folding(shard: int, shards: int, parts: dict[str, Any]) -> State:
    state = State(shard=shard, shards=shards)
    for name, value in parts.items():
        setattr(state, name, value)
    state.triggers = NoTriggers()
    return state


def genesis(shard: int, shards: int) -> State:
    """Give the ledger before its first command."""
    return State(shard=shard, shards=shards)
