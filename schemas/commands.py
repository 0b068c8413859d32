"""What may be asked of the exchange; each command is one record of `exchange.commands`.

A docstring here is the message's explanation everywhere. Fields are explained in `schemas/avro`, with their units. The
usual ones: money in micros, prices in ticks, quantities in lots, rates in ppm, leverage in hundredths, times in µs UTC.
"""

import msgspec

from schemas.messages import AliveMark, Instrument, MarketStatus, Side, Tick


class _Command(msgspec.Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True, forbid_unknown_fields=True):
    """A request in the imperative."""


class ClientCommand(_Command, frozen=True, kw_only=True):
    """Asked for one account, whose id is the record's key. The deadline bounds when it may be appended."""

    command_id: str
    account_id: str
    deadline: int | None = None


class Broadcast(_Command, frozen=True, kw_only=True):
    """Sent once into every shard, with id uuid5(broadcast, shard)."""

    command_id: str
    shard: int
    broadcast: str


class OpenAccount(ClientCommand, frozen=True, kw_only=True):
    """Open an account with its first money."""

    first_deposit: int


class Deposit(ClientCommand, frozen=True, kw_only=True):
    """Bring money in."""

    amount: int


class Withdraw(ClientCommand, frozen=True, kw_only=True):
    """Take free money out."""

    amount: int


class OpenPosition(ClientCommand, frozen=True, kw_only=True):
    """Open a position at the server's price; exactly one of margin and quantity."""

    symbol: str
    side: Side
    margin: int | None = None
    quantity: int | None = None
    leverage: int
    expected_price: int | None = None
    slippage_bps: int | None = None
    stop_loss: int | None = None
    take_profit: int | None = None
    client_order_id: str | None = None


class ClosePosition(ClientCommand, frozen=True, kw_only=True):
    """Close a position whole."""

    position_id: str


class ReducePosition(ClientCommand, frozen=True, kw_only=True):
    """Close a part of a position."""

    position_id: str
    quantity: int


class ReduceOldest(ClientCommand, frozen=True, kw_only=True):
    """Close lots of the account's oldest positions of a kind, all of them or none."""

    symbol: str
    side: Side
    leverage: int
    quantity: int


class CloseAll(ClientCommand, frozen=True, kw_only=True):
    """Close every open position of the account, or those of one symbol, as far as their markets let them."""

    symbol: str | None = None


class AmendStops(ClientCommand, frozen=True, kw_only=True):
    """Set or take off the stop loss, the take profit, or both."""

    position_id: str
    amend_stop_loss: bool
    stop_loss: int | None = None
    amend_take_profit: bool
    take_profit: int | None = None


class DefineInstruments(Broadcast, frozen=True, kw_only=True):
    """Add instruments, or change what may change of them: all but tick, lot and tick_value."""

    instruments: tuple[Instrument, ...]


class SetMarketStatus(Broadcast, frozen=True, kw_only=True):
    """Open, restrict or halt a market."""

    symbol: str
    status: MarketStatus


class ActivateRules(Broadcast, frozen=True, kw_only=True):
    """Go on by the next version of the rules; events are written with its schemas from then on."""

    version: int


class SetClock(Broadcast, frozen=True, kw_only=True):
    """Let log time be this command's own append time, also where that is before the time of the log."""


class SetAccountLimits(Broadcast, frozen=True, kw_only=True):
    """Set what holds for every account, whatever the instrument."""

    positions_max: int


class AcceptOffsetGap(Broadcast, frozen=True, kw_only=True):
    """Let the ledger go on over offsets before this command that hold no record: an operator looked at why."""

    first_offset: int
    last_offset: int


class SelectFeed(_Command, frozen=True, kw_only=True):
    """Say whose prices count from here on."""

    name: str
    run: str
    live: bool


class UpdatePrices(_Command, frozen=True, kw_only=True):
    """What a feed saw: new ticks, and symbols heard without one."""

    feed: str
    run: str
    sent_at: int
    ticks: tuple[Tick, ...]
    alive: tuple[str, ...]
    marks: tuple[AliveMark, ...] | None = None


# Of one account: those that its clients send.
AccountCommand = (
    OpenAccount
    | Deposit
    | Withdraw
    | OpenPosition
    | ClosePosition
    | ReducePosition
    | ReduceOldest
    | CloseAll
    | AmendStops
)

Command = (
    AccountCommand
    | DefineInstruments
    | SetMarketStatus
    | ActivateRules
    | SetClock
    | SetAccountLimits
    | AcceptOffsetGap
    | SelectFeed
    | UpdatePrices
)

PositionCommand = ClosePosition | ReducePosition | AmendStops  # About one position.

# They only close or amend: a limit must not keep a client in.
EXITS = (ClosePosition, ReducePosition, ReduceOldest, CloseAll, AmendStops)
