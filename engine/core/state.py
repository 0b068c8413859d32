"""What a shard of the exchange consists of. Only `apply` changes it."""

from collections import deque
from typing import NamedTuple, Protocol

import msgspec

from engine.core.bounds import POSITIONS_MAX
from engine.core.records import NOTHING, Account, Feed, Market, Position, Remembered
from engine.core.triggers import TriggerIndex
from schemas.messages import Instrument
from schemas.units import Micros, Timestamp


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


class State(msgspec.Struct, kw_only=True, gc=False):
    """One shard's ledger. seq, time (µs) and next_offset say how far it is; the books are in micros."""

    shard: int
    shards: int
    seq: int = 0
    time: Timestamp = Timestamp(0)
    next_offset: int = 0
    house: Micros = NOTHING
    fees: Micros = NOTHING
    insurance: Micros = NOTHING
    external: Micros = NOTHING
    feed: Feed | None = None
    clock_suspect: bool = False
    next_position: int = 1
    rules_version: int = 1  # by which the next command is decided, and its events written
    instruments: dict[str, Instrument] = {}  # in the order they are served
    markets: dict[str, Market] = {}
    accounts: dict[str, Account] = {}
    broadcasts: dict[str, Remembered] = {}  # for ever
    positions_max: int = POSITIONS_MAX  # open ones an account
    # What follows is derived from the accounts, or about them.
    accounts_by_number: list[Account] = []
    positions: dict[str, Position] = {}  # the open ones of all accounts
    triggers: dict[str, TriggerIndex] = {}  # by symbol
    remembered: deque[RememberedId] = msgspec.field(default_factory=deque)  # oldest first; none under version 1
    copying: CopyInProgress | None = None


def genesis(shard: int, shards: int) -> State:
    """Give the ledger before its first command."""
    return State(shard=shard, shards=shards)
