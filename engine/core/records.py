"""What the parts of a ledger are: accounts, open positions, markets and what was remembered."""

import msgspec

from schemas.messages import MarketStatus, Side


class _Record(msgspec.Struct, kw_only=True, array_like=True, gc=False):
    """A part of the state that `apply` changes in place. Snapshots have its fields in this order: add at the end."""


class _Fact(msgspec.Struct, frozen=True, kw_only=True, array_like=True, gc=False):
    """A part of the state that is only ever replaced."""


class Remembered(_Fact, frozen=True, kw_only=True):
    """A command id that was decided: where, when (µs), and on which content."""

    offset: int
    time: int
    content: bytes


class Position(_Record, kw_only=True):
    """An open position, with the rates it was opened under. Prices in ticks, quantity in lots, money in micros."""

    position_id: str
    number: int
    account_id: str
    symbol: str
    side: Side
    quantity: int
    entry_price: int
    entry_notional: int
    margin: int
    leverage: int
    fee_rate: int
    maintenance_rate: int
    margin_floor_rate: int
    liquidation_fee_rate: int
    liquidation_price: int | None
    stop_loss: int | None
    take_profit: int | None
    opened_at: int


class Account(_Record, kw_only=True):
    """A client's account. cash and margin (of all its positions) in micros; seq: of its last event.

    number: how many accounts were opened before it in its shard.
    """

    account_id: str
    number: int
    opened_at: int
    seq: int = 0
    cash: int = 0
    margin: int = 0
    open_notional: dict[str, int] = {}  # micros at entry, by symbol
    deposit_day: int = 0  # whole days since 1970 in log time
    deposited: int = 0  # micros on that day
    commands: dict[str, Remembered] = {}  # in order of time
    exits: dict[str, Remembered] = {}  # of commands that only close, cancel or amend
    positions: dict[str, Position] = {}  # its open ones
    client_order_ids: dict[str, int] = {}  # that opened a position, and when (µs); in order of time


class Quote(_Record, kw_only=True):
    """The last accepted tick. offset: of its command; heard_at: log time of it or of its last alive mark."""

    bid: int
    ask: int
    source_time: int
    update_id: int
    offset: int
    heard_at: int
    stale: bool = False


class Candidate(_Fact, frozen=True, kw_only=True):
    """A held tick that waits to be confirmed."""

    bid: int
    ask: int
    source_time: int
    update_id: int


class Market(_Record, kw_only=True):
    """One instrument's market in this shard. Notionals: at entry, in micros; house_quantity: signed, in lots."""

    symbol: str
    status: MarketStatus = "open"
    quote: Quote | None = None
    candidate: Candidate | None = None
    last_source_time: int | None = None
    last_update_id: int | None = None
    long_notional: int = 0
    short_notional: int = 0
    house_quantity: int = 0


class Feed(_Fact, frozen=True, kw_only=True):
    """Whose prices count."""

    name: str
    run: str
    live: bool
