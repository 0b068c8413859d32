"""An execution report of the venue in one form, whether it came as a reply or as an event of the stream."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final, NamedTuple

from schemas.venue_messages import VenueTrade

# The venue's words. Any other is an order that goes on.
FILLED: Final = "FILLED"
CANCELED: Final = "CANCELED"
REJECTED: Final = "REJECTED"
EXPIRED: Final = frozenset({"EXPIRED", "EXPIRED_IN_MATCH"})
MICROS_PER_MS: Final = 1_000


class ExecutionReport(NamedTuple):
    """An order's state at the venue. trades: those of this report; executed and quote are of all."""

    symbol: str
    order_id: str
    venue_order_id: int
    status: str
    executed: Decimal
    quote: Decimal
    trades: tuple[VenueTrade, ...]
    reason: str

    @property
    def is_final(self) -> bool:
        return self.status in {FILLED, CANCELED, REJECTED} | EXPIRED


def report_of_reply(reply: Mapping[str, Any]) -> ExecutionReport:
    """Read the reply to placing, cancelling or asking about an order."""
    at = int(reply.get("transactTime", reply.get("updateTime", 0))) * MICROS_PER_MS
    return ExecutionReport(
        symbol=reply["symbol"],
        order_id=reply.get("origClientOrderId") or reply["clientOrderId"],
        venue_order_id=int(reply["orderId"]),
        status=reply["status"],
        executed=Decimal(reply["executedQty"]),
        quote=Decimal(reply["cummulativeQuoteQty"]),
        trades=tuple(
            VenueTrade(
                trade_id=int(fill["tradeId"]),
                time=at,
                price=fill["price"],
                quantity=fill["qty"],
                commission=fill["commission"],
                commission_asset=fill["commissionAsset"],
            )
            for fill in reply.get("fills", ())
        ),
        reason=reply.get("expiryReason") or reply["status"],
    )


def report_of_event(event: Mapping[str, Any]) -> ExecutionReport:
    """Read an `executionReport`. A cancellation has a client order id of its own; the order's is then in `C`."""
    trade: tuple[VenueTrade, ...] = ()
    if event["x"] == "TRADE":
        trade = (
            VenueTrade(
                trade_id=int(event["t"]),
                time=int(event["T"]) * MICROS_PER_MS,
                price=event["L"],
                quantity=event["l"],
                commission=event["n"],
                commission_asset=event["N"] or "",
            ),
        )
    return ExecutionReport(
        symbol=event["s"],
        order_id=event["C"] or event["c"],
        venue_order_id=int(event["i"]),
        status=event["X"],
        executed=Decimal(event["z"]),
        quote=Decimal(event["Z"]),
        trades=trade,
        reason=event.get("eR") or (event["r"] if event["r"] != "NONE" else event["X"]),
    )


def trade_of_row(row: Mapping[str, Any]) -> VenueTrade:
    """Read a row of `myTrades`."""
    return VenueTrade(
        trade_id=int(row["id"]),
        time=int(row["time"]) * MICROS_PER_MS,
        price=row["price"],
        quantity=row["qty"],
        commission=row["commission"],
        commission_asset=row["commissionAsset"],
    )
