"""How an account's events of before are sent once more, from PostgreSQL."""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple, assert_never, get_args

from sqlalchemy import Connection

from api.accounts.schemas import LedgerLine
from api.accounts.service import line_of
from api.app_state import AppState
from api.http.amounts import money, money_or_null, price_or_null, quantity
from api.log.event_bus import AccountEvent
from api.positions.schemas import PositionReply
from api.positions.views import after, position_of_event, position_of_row
from api.stream.account_state import account_update, order_after
from api.stream.schemas import AccountUpdate
from projector import queries
from schemas.event_groups import PositionEvent
from schemas.events import Event, PositionClosed, PositionOpened, PositionReduced, StopsAmended
from schemas.messages import Instrument
from schemas.plain_data import from_builtins

MISSED_MAX: Final = 500  # beyond it a snapshot says the same with less
_TYPES: Final[dict[str, Any]] = {event_type.__name__: event_type for event_type in get_args(Event)}
_CHANGED: Final = (StopsAmended.__name__, PositionReduced.__name__)
_NOT_CLOSED: Final[dict[str, Any]] = {
    "status": "open",
    "close_price": None,
    "realized_pnl": None,
    "close_reason": None,
    "closed_at": None,
    "receipt_id": None,
}


class ReplayedEvent(NamedTuple):
    """An event as a message, its number, and its log time (µs)."""

    seq: int
    time: int
    update: AccountUpdate


class _FoundEvents(NamedTuple):
    events: list[queries.EventRow]
    positions: dict[str, queries.PositionRow]
    lines: dict[str, list[LedgerLine]]
    realized: dict[str, int | None]  # on a position up to an event


async def events_after(state: AppState, account_id: str, after_seq: int, before_seq: int) -> list[ReplayedEvent]:
    """Give the events between two numbers, as far as they are projected; without the account's figures.

    A position is shown as the event left it; where only stops were amended and nothing before is sent, its size is
    that of now.
    """
    found = await state.database.ask_consistently(lambda db: _find(db, account_id, after_seq, before_seq))
    left: dict[str, PositionReply] = {}
    return [_replayed(row, found, left, state) for row in found.events]


def _find(db: Connection, account_id: str, after_seq: int, before_seq: int) -> _FoundEvents:
    page = queries.account_events(db, account_id, after=after_seq, limit=max(1, before_seq - after_seq - 1))
    events = [row for row in page.items if row.account_seq < before_seq]
    positions: dict[str, queries.PositionRow] = {}
    for row in events:
        position_id = row.event.get("position_id")
        if position_id is not None and position_id not in positions:
            position = queries.position(db, account_id, position_id)
            assert position is not None, "a projected event's position is projected"
            positions[position_id] = position
    lines: dict[str, list[LedgerLine]] = {}
    if events:
        first, last = events[0].event["seq"], events[-1].event["seq"]
        size, end = queries.LINES_MAX * len(events), (last + 1) * queries.LINES_MAX
        found = queries.ledger(db, account_id, limit=size, before=end)
        for line in reversed(found.items):
            if _seq_of(line.event_id) >= first:
                lines.setdefault(line.event_id, []).append(line_of(line))
    realized = {
        row.event_id: queries.realized_pnl(db, row.event["position_id"], row.event["seq"])
        for row in events
        if row.type in _CHANGED
    }
    return _FoundEvents(events, positions, lines, realized)


def _replayed(
    row: queries.EventRow, found: _FoundEvents, left: dict[str, PositionReply], state: AppState
) -> ReplayedEvent:
    """Give one event as a message. left: each position as the events before have left it."""
    instruments = state.prices.instruments
    event: Event = from_builtins(row.event, _TYPES[row.type])
    account_event = AccountEvent(int(row.event_id.partition("-")[0]), event)
    position_id = row.event.get("position_id")
    position = None
    if position_id is not None:
        now = position_of_row(found.positions[position_id], instruments)
        before = left.get(position_id, _reopened(now))
        position = _as_left(now, before, account_event, found.realized.get(row.event_id), instruments)
        left[position_id] = position
    lines = found.lines.get(row.event_id, [])
    order = order_after(event, instruments, state.sent)
    update = account_update(account_event, order=order, position=position, account=None, ledger=lines)
    return ReplayedEvent(row.account_seq, row.time, update)


def _as_left(
    now: PositionReply,
    before: PositionReply,
    account_event: AccountEvent,
    realized_pnl: int | None,
    instruments: Mapping[str, Instrument],
) -> PositionReply:
    event = account_event.event
    assert isinstance(event, PositionEvent), "it names a position"
    match event:
        case PositionOpened():
            opened = position_of_event(event, instruments)
            return opened.model_copy(update={"unrealized_pnl": now.unrealized_pnl})
        case StopsAmended():
            amended = after(before, event, account_event.shard, instruments)
            return amended.model_copy(update={"realized_pnl": money_or_null(realized_pnl)})
        case PositionReduced():
            instrument = instruments[event.symbol]
            return before.model_copy(
                update={
                    "quantity": quantity(instrument, event.quantity_left),
                    "margin": money(event.margin_left),
                    "liquidation_price": price_or_null(instrument, event.liquidation_price),
                    "realized_pnl": money_or_null(realized_pnl),
                }
            )
        case PositionClosed():
            return now  # Nothing comes after a close.
        case _:
            assert_never(event)


def _reopened(position: PositionReply) -> PositionReply:
    return position if position.status == "open" else position.model_copy(update=_NOT_CLOSED)


def _seq_of(event_id: str) -> int:
    return int(event_id.partition("-")[2])
