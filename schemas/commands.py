"""What may be asked of the exchange; each command is one record of `exchange.commands`."""

import msgspec

from schemas.messages import Instrument, MarketStatus, Side, Tick


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
    """Open an account with its first money, in micros; it may be 0."""

    first_deposit: int


class Deposit(ClientCommand, frozen=True, kw_only=True):
    """Bring money in, in micros."""

    amount: int


class Withdraw(ClientCommand, frozen=True, kw_only=True):
    """Take free money out, in micros."""

    amount: int


class OpenPosition(ClientCommand, frozen=True, kw_only=True):
    """Open a ticket at the server's price. Exactly one of margin (micros) and quantity (lots); prices in ticks."""

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
    """Close a ticket whole."""

    position_id: str


class ReducePosition(ClientCommand, frozen=True, kw_only=True):
    """Close a part of a ticket, in lots; all of them close it whole."""

    position_id: str
    quantity: int


class ReduceOldest(ClientCommand, frozen=True, kw_only=True):
    """Close so many lots of a symbol: of the account's tickets of this side and leverage, the oldest first; or none."""

    symbol: str
    side: Side
    leverage: int
    quantity: int


class AmendStops(ClientCommand, frozen=True, kw_only=True):
    """Set (ticks) or take off (null) the stop loss, the take profit, or both; only what `amend_…` names is meant."""

    position_id: str
    amend_stop_loss: bool
    stop_loss: int | None = None
    amend_take_profit: bool
    take_profit: int | None = None


class DefineInstruments(Broadcast, frozen=True, kw_only=True):
    """Add instruments, or change what may change of them; all but tick, lot and tick_value."""

    instruments: tuple[Instrument, ...]


class SetMarketStatus(Broadcast, frozen=True, kw_only=True):
    """Open, restrict or halt a market."""

    symbol: str
    status: MarketStatus


class ActivateRules(Broadcast, frozen=True, kw_only=True):
    """Go on by this version of the rules, the next one; events are written with its schemas from then on."""

    version: int


class SelectFeed(_Command, frozen=True, kw_only=True):
    """Say whose prices count from here on. A live feed's run is `live`; any other start has a run of its own."""

    name: str
    run: str
    live: bool


class UpdatePrices(_Command, frozen=True, kw_only=True):
    """What the feed saw: at most one new tick a symbol, and the symbols heard without one. sent_at: µs, its clock."""

    feed: str
    run: str
    sent_at: int
    ticks: tuple[Tick, ...]
    alive: tuple[str, ...]


Command = (
    OpenAccount
    | Deposit
    | Withdraw
    | OpenPosition
    | ClosePosition
    | ReducePosition
    | ReduceOldest
    | AmendStops
    | DefineInstruments
    | SetMarketStatus
    | ActivateRules
    | SelectFeed
    | UpdatePrices
)

PositionCommand = ClosePosition | ReducePosition | AmendStops  # About one position.

# They only close or amend: a limit must not keep a client in.
EXITS = (ClosePosition, ReducePosition, ReduceOldest, AmendStops)
