"""Which events follow from an execution report of the venue."""

import time
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from schemas.venue_messages import (
    VenueEvent,
    VenueOrderAccepted,
    VenueOrderCancelled,
    VenueOrderExpired,
    VenueOrderFilled,
    VenueOrderPartiallyFilled,
    VenueOrderRejected,
    VenueTrade,
)
from venue.order_cache import CachedOrder
from venue.reports import CANCELED, EXPIRED, REJECTED, ExecutionReport


def event_header(cached: CachedOrder) -> dict[str, Any]:
    """Give the fields every event of an order has; the log sets `seq`."""
    return {
        "seq": 0,
        "command_offset": None,
        "account_id": cached.account.account_id,
        "time": now(),
        "order": cached.order,
    }


def now() -> int:
    """Give this machine's time, µs UTC."""
    return time.time_ns() // 1_000


def new_trades(cached: CachedOrder, trades: Sequence[VenueTrade]) -> list[VenueTrade]:
    """Give those that no event names yet."""
    return [trade for trade in trades if trade.trade_id not in cached.trade_ids]


def executed_after(cached: CachedOrder, trades: Sequence[VenueTrade]) -> Decimal:
    """Give how much is executed with these new trades."""
    return cached.executed + sum((Decimal(trade.quantity) for trade in trades), Decimal(0))


def events_of_report(cached: CachedOrder, report: ExecutionReport, trades: Sequence[VenueTrade]) -> list[VenueEvent]:
    """Give what follows from a report and its trades, which are new.

    An order ends only when every execution the report counts is known: until then the others are queried.
    """
    if report.status == REJECTED:
        return [VenueOrderRejected(**event_header(cached), code=REJECTED, message=report.reason)]
    events: list[VenueEvent] = []
    venue_order_id = report.venue_order_id
    if cached.venue_order_id is None:
        events.append(VenueOrderAccepted(**event_header(cached), venue_order_id=venue_order_id))
    executed = executed_after(cached, trades)
    quote = cached.quote + sum((Decimal(trade.price) * Decimal(trade.quantity) for trade in trades), Decimal(0))
    amounts: dict[str, Any] = {
        "venue_order_id": venue_order_id,
        "executed_quantity": f"{executed:f}",
        "executed_quote": f"{quote:f}",
    }
    if trades:
        is_whole = executed >= Decimal(cached.order.quantity)
        kind = VenueOrderFilled if is_whole else VenueOrderPartiallyFilled
        events.append(kind(**event_header(cached), **amounts, trades=tuple(trades)))
    if executed == report.executed:
        if report.status == CANCELED:
            events.append(VenueOrderCancelled(**event_header(cached), **amounts))
        elif report.status in EXPIRED:
            events.append(VenueOrderExpired(**event_header(cached), **amounts, reason=report.reason))
    return events
