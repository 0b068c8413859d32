"""What a report of the venue adds to what is known of an order, as events."""

import time
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from schemas.venue import (
    VenueEvent,
    VenueOrderAccepted,
    VenueOrderCancelled,
    VenueOrderExpired,
    VenueOrderFilled,
    VenueOrderPartiallyFilled,
    VenueOrderRejected,
    VenueTrade,
)
from venue.book import Entry
from venue.reports import CANCELED, EXPIRED, REJECTED, Report


def header(entry: Entry) -> dict[str, Any]:
    """Give what every event of an order begins with; the log gives it its number."""
    return {
        "seq": 0,
        "command_offset": None,
        "account_id": entry.account.account_id,
        "time": now(),
        "order": entry.order,
    }


def now() -> int:
    """Give this machine's time, µs UTC."""
    return time.time_ns() // 1_000


def new_trades(entry: Entry, trades: Sequence[VenueTrade]) -> list[VenueTrade]:
    """Give those that no event told of."""
    return [trade for trade in trades if trade.trade_id not in entry.trade_ids]


def executed_with(entry: Entry, trades: Sequence[VenueTrade]) -> Decimal:
    """Give how much is executed with these new trades."""
    return entry.executed + sum((Decimal(trade.quantity) for trade in trades), Decimal(0))


def events_of(entry: Entry, report: Report, new: Sequence[VenueTrade]) -> list[VenueEvent]:
    """Give what follows from a report and the trades that are new.

    An order ends only when every execution the report counts is known: until then the rest is asked for again.
    """
    if report.status == REJECTED:
        return [VenueOrderRejected(**header(entry), code=REJECTED, message=report.reason)]
    events: list[VenueEvent] = []
    number = report.venue_order_id
    if entry.venue_order_id is None:
        events.append(VenueOrderAccepted(**header(entry), venue_order_id=number))
    executed = executed_with(entry, new)
    quote = entry.quote + sum((Decimal(trade.price) * Decimal(trade.quantity) for trade in new), Decimal(0))
    amounts: dict[str, Any] = {
        "venue_order_id": number,
        "executed_quantity": f"{executed:f}",
        "executed_quote": f"{quote:f}",
    }
    if new:
        is_whole = executed >= Decimal(entry.order.quantity)
        kind = VenueOrderFilled if is_whole else VenueOrderPartiallyFilled
        events.append(kind(**header(entry), **amounts, trades=tuple(new)))
    if executed == report.executed:
        if report.status == CANCELED:
            events.append(VenueOrderCancelled(**header(entry), **amounts))
        elif report.status in EXPIRED:
            events.append(VenueOrderExpired(**header(entry), **amounts, reason=report.reason))
    return events
