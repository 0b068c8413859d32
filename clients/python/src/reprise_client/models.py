"""What the exchange answers, as types: money, prices and quantities are exact decimals, times are in UTC.

Members that a newer exchange adds are ignored; words that may grow in number (a status, a reason) are plain text.
Longer than 300 lines because each answer of the exchange has its type here.
"""

from datetime import datetime
from decimal import Decimal
from typing import Any, Generic, Literal, TypeVar

import msgspec

Side = Literal["long", "short"]
Scope = Literal["read", "trade"]


class _Answer(msgspec.Struct, frozen=True, kw_only=True):
    """A part of an answer."""


class User(_Answer, frozen=True, kw_only=True):
    """Who is signed in. account_id: their account in the ledger."""

    id: str
    email: str
    account_id: str
    name: str | None = None
    roles: tuple[str, ...] = ()


class Token(_Answer, frozen=True, kw_only=True):
    """An access token. expires_in: seconds."""

    access_token: str
    expires_in: float


class Instrument(_Answer, frozen=True, kw_only=True):
    """What may be traded, in steps of tick_size and lot_size."""

    symbol: str
    status: str
    tick_size: Decimal
    lot_size: Decimal
    quantity_min: Decimal
    quantity_max: Decimal
    leverage_min: Decimal
    leverage_max: Decimal
    maintenance_rate: Decimal
    slippage_bps: int
    price_decimals: int
    quantity_decimals: int
    fee_rate: Decimal
    margin_floor_rate: Decimal
    liquidation_fee_rate: Decimal
    notional_max: Decimal
    account_notional_max: Decimal
    side_notional_max: Decimal
    spread_max: Decimal
    jump_max: Decimal
    stale_after_ms: int
    open_age_max_ms: int | None = None


class Ticker(_Answer, frozen=True, kw_only=True):
    """A symbol's price; only one whose state is `fresh` trades. The prices are null while there is none."""

    symbol: str
    state: str
    bid: Decimal | None = None
    ask: Decimal | None = None
    mid: Decimal | None = None
    time: datetime | None = None
    age_ms: int | None = None
    feed: str | None = None
    change_24h: Decimal | None = None
    high_24h: Decimal | None = None
    low_24h: Decimal | None = None


class Candle(_Answer, frozen=True, kw_only=True):
    """The mid within an interval. closed: no more ticks come into it."""

    symbol: str
    interval: str
    start: datetime
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    ticks: int
    closed: bool
    source: str


class Order(_Answer, frozen=True, kw_only=True):
    """An order: pending, filled, cancelled, rejected (`code` says why) or expired."""

    order_id: str
    command_id: str
    status: str
    code: str | None = None
    type: str = "market"
    client_order_id: str | None = None
    position_id: str | None = None
    symbol: str | None = None
    side: Side | None = None
    price: Decimal | None = None
    quantity: Decimal | None = None
    margin: Decimal | None = None
    leverage: Decimal | None = None
    liquidation_price: Decimal | None = None
    warnings: tuple[str, ...] = ()
    decided_at: datetime | None = None


class PreviewRefusal(_Answer, frozen=True, kw_only=True):
    """A reason why an order would be refused now. details: the bound, and what was sent."""

    code: str
    detail: str
    details: dict[str, Any] | None = None


class OrderPreview(_Answer, frozen=True, kw_only=True):
    """What an order would come to now: filled, or rejected for each of the refusals. loss_max: it can cost no more."""

    status: str
    refusals: tuple[PreviewRefusal, ...]
    symbol: str
    side: Side
    leverage: Decimal
    free_margin_before: Decimal
    price: Decimal | None = None
    price_age_ms: int | None = None
    quantity: Decimal | None = None
    notional: Decimal | None = None
    margin: Decimal | None = None
    fee: Decimal | None = None
    close_fee: Decimal | None = None
    liquidation_price: Decimal | None = None
    loss_max: Decimal | None = None
    free_margin_after: Decimal | None = None
    warnings: tuple[str, ...] = ()


class Position(_Answer, frozen=True, kw_only=True):
    """A position, open or closed. receipt_id: of its close, for `receipt()`.

    etag: names what it was when `position` or `amend` gave it, for `amend(..., if_match=)`; null from a list.
    """

    id: str
    symbol: str
    side: Side
    status: str
    quantity: Decimal
    entry_price: Decimal
    margin: Decimal
    leverage: Decimal
    opened_at: datetime
    liquidation_price: Decimal | None = None
    stop_loss: Decimal | None = None
    take_profit: Decimal | None = None
    unrealized_pnl: Decimal | None = None
    close_price: Decimal | None = None
    realized_pnl: Decimal | None = None
    close_reason: str | None = None
    closed_at: datetime | None = None
    receipt_id: str | None = None
    etag: str | None = None


class Closing(_Answer, frozen=True, kw_only=True):
    """What became of the close of one position: done, or rejected (`code` says why)."""

    position_id: str
    command_id: str
    status: str
    code: str | None = None
    position: Position | None = None


class Account(_Answer, frozen=True, kw_only=True):
    """Balance is cash and margins; equity adds the unrealised profit; free margin is cash."""

    account_id: str
    balance: Decimal
    equity: Decimal
    used_margin: Decimal
    free_margin: Decimal
    unrealized_pnl: Decimal
    margin_level: Decimal | None = None


class LedgerLine(_Answer, frozen=True, kw_only=True):
    """A signed change of the balance; all of them sum to it."""

    id: str
    time: datetime
    kind: str
    amount: Decimal
    balance_after: Decimal
    event_id: str
    position_id: str | None = None


class Fill(_Answer, frozen=True, kw_only=True):
    """An execution. side: the position's; order_id: null for a liquidation, a stop or a take."""

    id: str
    time: datetime
    position_id: str
    symbol: str
    side: Side
    action: str
    price: Decimal
    quantity: Decimal
    fee: Decimal
    event_id: str
    order_id: str | None = None
    realized_pnl: Decimal | None = None
    reason: str | None = None


class Command(_Answer, frozen=True, kw_only=True):
    """What became of a command: pending, done, rejected (`code` says why) or unknown."""

    command_id: str
    status: str
    code: str | None = None
    order: Order | None = None
    position: Position | None = None


class Deposit(_Answer, frozen=True, kw_only=True):
    """Demo money that came in."""

    command_id: str
    amount: Decimal
    event_id: str | None = None


class Withdrawal(_Answer, frozen=True, kw_only=True):
    """What became of a wish for money. rejected: by an administrator; refused: by the log, `code` says why."""

    id: str
    amount: Decimal
    status: str
    created_at: datetime
    note: str | None = None
    code: str | None = None
    event_id: str | None = None


class ReceiptTick(_Answer, frozen=True, kw_only=True):
    """The tick a position was closed at. command_offset: its place in the shard's log."""

    bid: Decimal
    ask: Decimal
    source_time: datetime
    command_offset: int


class Shortfall(_Answer, frozen=True, kw_only=True):
    """A loss beyond the margin, and who paid it."""

    amount: Decimal
    insurance_paid: Decimal
    written_off: Decimal


class Receipt(_Answer, frozen=True, kw_only=True):
    """Why and how a position was closed, enough to check it with a calculator. rule: what closed it.

    open_price: the price nearest to trigger_price at which the rule would have left it open.
    """

    event_id: str
    time: datetime
    position_id: str
    symbol: str
    side: Side
    rule: str
    tick: ReceiptTick
    quantity: Decimal
    entry_price: Decimal
    close_price: Decimal
    entry_notional: Decimal
    close_notional: Decimal
    margin: Decimal
    profit: Decimal
    equity: Decimal
    requirement: Decimal
    fee: Decimal
    liquidation_fee: Decimal
    margin_returned: Decimal
    realized_pnl: Decimal
    shortfall: Shortfall
    command_offset: int
    opened_at: datetime
    trigger_price: Decimal | None = None
    open_price: Decimal | None = None
    command_id: str | None = None


class TickClosing(_Answer, frozen=True, kw_only=True):
    """One of the closes of a tick. place: in the shard's ledger, from 1; yours: whether it is your own."""

    place: int
    yours: bool
    side: Side
    quantity: Decimal
    close_price: Decimal
    rule: str


class TickClosings(_Answer, frozen=True, kw_only=True):
    """What closed together with a position, in the ledger's order: the receipt's close, 50 before and 50 after it.

    count: the shard's closes at this tick; elsewhere: those of the other shards, beside which there is no order.
    """

    symbol: str
    place: int
    count: int
    items: tuple[TickClosing, ...]
    elsewhere: int


class Alert(_Answer, frozen=True, kw_only=True):
    """A price alert. status: active, or triggered, once; triggered_price: the mid that reached it."""

    id: str
    symbol: str
    direction: Literal["above", "below"]
    price: Decimal
    status: str
    created_at: datetime
    note: str | None = None
    triggered_at: datetime | None = None
    triggered_price: Decimal | None = None


class Statement(_Answer, frozen=True, kw_only=True):
    """The changes of the balance in [start, end), newest first; opening_balance and they sum to closing_balance."""

    account_id: str
    end: datetime = msgspec.field(name="to")
    opening_balance: Decimal
    closing_balance: Decimal
    items: tuple[LedgerLine, ...]
    start: datetime | None = msgspec.field(name="from", default=None)
    next_cursor: str | None = None


class AccountEvent(_Answer, frozen=True, kw_only=True):
    """An event as the log has it. seq: the account's own, as on the stream; data: in the ledger's integer units."""

    event_id: str
    seq: int
    time: datetime
    type: str
    data: dict[str, Any]


class Session(_Answer, frozen=True, kw_only=True):
    """A sign-in that is going on. network: the first part of its address; last_seen_at: to a quarter of an hour."""

    id: str
    created_at: datetime
    last_seen_at: datetime
    expires_at: datetime
    current: bool
    device: str | None = None
    network: str | None = None


class SavedKey(_Answer, frozen=True, kw_only=True):
    """An API key as the exchange keeps it. public_key: in base64; last_used_at: to the minute, null while unused."""

    id: str
    public_key: str
    scopes: tuple[Scope, ...]
    created_at: datetime
    name: str | None = None
    last_used_at: datetime | None = None


class VenueKeys(_Answer, frozen=True, kw_only=True):
    """Whether keys of the venue are stored."""

    stored: bool


class VenueOrder(_Answer, frozen=True, kw_only=True):
    """An order at the venue, in its words. executed_price: the average, None before; updated_at: when it last told."""

    order_id: str
    status: str
    symbol: str
    side: Literal["buy", "sell"]
    type: str
    quantity: Decimal
    executed_quantity: Decimal
    created_at: datetime
    updated_at: datetime
    venue_order_id: int | None = None
    price: Decimal | None = None
    stop_price: Decimal | None = None
    time_in_force: str | None = None
    executed_price: Decimal | None = None
    code: str | None = None
    message: str | None = None


class VenuePosition(_Answer, frozen=True, kw_only=True):
    """What is held of a symbol at the venue, net."""

    symbol: str
    quantity: Decimal
    realized_pnl: Decimal
    average_entry_price: Decimal | None = None


class Venue(_Answer, frozen=True, kw_only=True):
    """How the exchange keeps to the venue for you. undone_fills: executions that a reset of the venue undid."""

    keys_stored: bool
    compared_every_ms: int
    open_orders: int
    undone_fills: int
    positions: tuple[VenuePosition, ...]


class AccountSnapshot(_Answer, frozen=True, kw_only=True):
    """How an account stands. account: null until it is open in the ledger."""

    account: Account | None = None
    positions: tuple[Position, ...] = ()
    orders: tuple[Order, ...] = ()


class AccountUpdate(_Answer, frozen=True, kw_only=True):
    """One event of the account, and what it changed. event: its type; code: why a command was refused."""

    event_id: str
    event: str
    command_id: str | None = None
    code: str | None = None
    order: Order | None = None
    position: Position | None = None
    account: Account | None = None
    ledger: tuple[LedgerLine, ...] = ()


Item = TypeVar("Item")


class Page(msgspec.Struct, Generic[Item], frozen=True, kw_only=True):
    """A part of a list, newest first. next_cursor: where the next part begins; null at the end."""

    items: tuple[Item, ...]
    next_cursor: str | None = None
