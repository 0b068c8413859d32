"""What the parts of a ledger are: accounts, open positions, markets and what was remembered."""

from typing import Final

import msgspec

from schemas.messages import MarketStatus, Side
from schemas.units import Hundredths, Lots, Micros, Ppm, Ticks, Timestamp

NOTHING: Final = Micros(0)
NO_LOTS: Final = Lots(0)
BEFORE_ALL_TIME: Final = Timestamp(0)


class _Record(msgspec.Struct, kw_only=True, array_like=True, gc=False):
    """A part of the state that `apply` changes in place. Snapshots have its fields in this order: add at the end."""


class _Fact(msgspec.Struct, frozen=True, kw_only=True, array_like=True, gc=False):
    """A part of the state that is only ever replaced."""


class Remembered(_Fact, frozen=True, kw_only=True):
    """A command id that was decided: where, when (µs), and on which content."""

    offset: int
    time: Timestamp
    content: bytes


class Position(_Record, kw_only=True):
    """An open position, with the rates it was opened under. Prices in ticks, quantity in lots, money in micros."""

    position_id: str
    number: int
    account_id: str
    symbol: str
    side: Side
    quantity: Lots
    entry_price: Ticks
    entry_notional: Micros
    margin: Micros
    leverage: Hundredths
    fee_rate: Ppm
    maintenance_rate: Ppm
    margin_floor_rate: Ppm
    liquidation_fee_rate: Ppm
    liquidation_price: Ticks | None
    stop_loss: Ticks | None
    take_profit: Ticks | None
    opened_at: Timestamp


class Account(_Record, kw_only=True):
    """A client's account. cash and margin (of all its positions) in micros; seq: of its last event.

    number: how many accounts were opened before it in its shard.
    """

    account_id: str
    number: int
    opened_at: Timestamp
    seq: int = 0
    cash: Micros = NOTHING
    margin: Micros = NOTHING
    open_notional: dict[str, Micros] = {}  # micros at entry, by symbol
    deposit_day: int = 0  # whole days since 1970 in log time
    deposited: Micros = NOTHING  # micros on that day
    commands: dict[str, Remembered] = {}  # in order of time
    exits: dict[str, Remembered] = {}  # of commands that only close, cancel or amend
    positions: dict[str, Position] = {}  # its open ones
    client_order_ids: dict[str, Timestamp] = {}  # that opened a position, and when (µs); in order of time
    # Of commands by what they came to; empty under version 1, which counts by the kind of the command.
    closes: dict[str, Remembered] = {}
    amendments: dict[str, Remembered] = {}
    withdrawals: dict[str, Remembered] = {}


class Quote(_Record, kw_only=True):
    """The last accepted tick. offset: of its command; heard_at: log time of it or of its last alive mark.

    contradicted: a newer tick was refused since, so that no mark vouches for this one; false under version 1.
    """

    bid: Ticks
    ask: Ticks
    source_time: Timestamp
    update_id: int
    offset: int
    heard_at: Timestamp
    stale: bool = False
    contradicted: bool = False


class Candidate(_Fact, frozen=True, kw_only=True):
    """A held tick that waits to be confirmed. held_at: log time."""

    bid: Ticks
    ask: Ticks
    source_time: Timestamp
    update_id: int
    held_at: Timestamp = BEFORE_ALL_TIME


class Market(_Record, kw_only=True):
    """One instrument's market in this shard. Notionals: at entry, in micros; house_quantity: signed, in lots."""

    symbol: str
    status: MarketStatus = "open"
    quote: Quote | None = None
    candidate: Candidate | None = None
    last_source_time: Timestamp | None = None
    last_update_id: int | None = None
    long_notional: Micros = NOTHING
    short_notional: Micros = NOTHING
    house_quantity: Lots = NO_LOTS


class Feed(_Fact, frozen=True, kw_only=True):
    """Whose prices count."""

    name: str
    run: str
    live: bool
