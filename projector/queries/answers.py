"""What the projection's answers about accounts look like."""

from typing import Any, Generic, Literal, NamedTuple, TypeVar

from schemas.derived import LedgerKind
from schemas.events import PositionClosed, PositionReduced
from schemas.messages import CloseReason, Side

Row = TypeVar("Row")


class Page(NamedTuple, Generic[Row]):
    """Some rows, newest first, and what to pass as `before` for the next ones; null at the end."""

    items: list[Row]
    next_cursor: int | None


def page_of(items: list[Row], limit: int, cursors: list[int]) -> Page[Row]:
    """Cut the extra row that says whether more follow."""
    return Page(items[:limit], cursors[limit - 1] if len(items) > limit else None)


class AccountRow(NamedTuple):
    """balance = cash + used_margin; unrealized_pnl of the open positions at shard 0's last prices, 0 without one."""

    account_id: str
    shard: int
    cash: int
    balance: int
    used_margin: int
    unrealized_pnl: int
    opened_at: int
    account_seq: int


class AccountSummary(NamedTuple):
    """An account among all. unrealized_pnl: as in AccountRow."""

    account_id: str
    cash: int
    used_margin: int
    opened_at: int
    open_positions: int
    unrealized_pnl: int


class PositionRow(NamedTuple):
    """A position. exit_price and unrealized_pnl: at shard 0's last price, null when closed or without one.

    command_id is the order id of the opening. receipt_id is the closing event's id.
    """

    position_id: str
    account_id: str
    opened_seq: int
    symbol: str
    side: Side
    status: Literal["open", "closed"]
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
    command_id: str | None
    client_order_id: str | None
    close_price: int | None
    realized_pnl: int | None
    close_reason: CloseReason | None
    closed_at: int | None
    receipt_id: str | None
    exit_price: int | None
    unrealized_pnl: int | None


class FillRow(NamedTuple):
    """One execution. side is the position's; order_id: the command that asked for it, null where a trigger closed it.

    realized_pnl, before the fee, and reason: null for an opening. fee: closing or liquidation fee, never negative.
    """

    event_id: str
    account_id: str
    time: int
    order_id: str | None
    position_id: str
    symbol: str
    side: Side
    action: Literal["open", "close"]
    price: int
    quantity: int
    fee: int
    realized_pnl: int | None
    reason: CloseReason | None


class LedgerRow(NamedTuple):
    """A signed change of the balance. line_id: `event_id.line`."""

    line_id: str
    event_id: str
    account_id: str
    time: int
    kind: LedgerKind
    amount: int
    balance_after: int
    position_id: str | None


class CommandRow(NamedTuple):
    """A command's outcome. type: the command's name, null when unknown; rejection: a Rejection's number.

    command_hash: the command's content as the engine remembers it, null where it does not. position_id: of what was
    opened, amended, reduced or closed; warnings: as the event gave them.
    """

    command_id: str
    account_id: str | None
    type: str | None
    status: Literal["done", "rejected"]
    rejection: int | None
    event_id: str
    position_id: str | None
    client_order_id: str | None
    warnings: list[str]
    first_offset: int
    time: int
    command_hash: bytes | None
    shard: int
    seq: int


class TickClosingRow(NamedTuple):
    """A close that a tick caused, whoever's it was. place: its place among its shard's, from 1."""

    place: int
    event_id: str
    account_id: str
    side: Side
    quantity: int
    price: int
    reason: CloseReason


class TickClosingRows(NamedTuple):
    """What one command closed of a symbol. total: in the shard; elsewhere: by the same tick in the other shards."""

    total: int
    rows: list[TickClosingRow]
    elsewhere: int


class ReceiptRow(NamedTuple):
    """Why a position or a part of it was closed: the whole event."""

    event_id: str
    event: PositionClosed | PositionReduced


class EventRow(NamedTuple):
    """An event of an account's own sequence. event: its fields, in the ledger's units."""

    event_id: str
    account_seq: int
    time: int
    type: str
    event: dict[str, Any]


class ProjectionProgress(NamedTuple):
    """How far a shard has been projected. time: log time of its last event; next_offset is of `exchange.events`.

    current_at: the projector's clock (µs) when it last held all that was committed; 0 if it never did. A quiet shard
    has an old time and a young current_at.
    """

    shard: int
    seq: int
    next_offset: int
    time: int
    current_at: int
