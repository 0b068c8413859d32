"""What is held of a symbol at the venue, and at what cost: its executions, folded one after another.

Net: a sale beyond what was bought makes it negative. Costs are averages; what closes is realized against them.
"""

from decimal import Decimal
from typing import Final, NamedTuple

ZERO: Final = Decimal(0)


class Holding(NamedTuple):
    """quantity: net, of the base asset; cost: what the open part was entered at in all, with the quantity's sign."""

    quantity: Decimal
    cost: Decimal
    realized_pnl: Decimal


class VenueFill(NamedTuple):
    """One trade, as far as it changes what is held."""

    symbol: str
    side: str
    price: Decimal
    quantity: Decimal
    commission: Decimal
    commission_asset: str


NO_HOLDING: Final = Holding(ZERO, ZERO, ZERO)


def holding_after(held: Holding, trade: VenueFill) -> Holding:
    """Give what is held after one more trade.

    A commission in the base asset makes the quantity smaller, one in the quote asset the result; any other, neither.
    """
    signed = trade.quantity if trade.side == "buy" else -trade.quantity
    traded = _moved(held, signed, trade.price)
    if trade.commission == ZERO:
        return traded
    if trade.commission_asset and trade.symbol.startswith(trade.commission_asset):
        # It is paid for with what was bought: the cost stays, and so the rest has cost more each.
        return traded._replace(quantity=traded.quantity - trade.commission)
    if trade.commission_asset and trade.symbol.endswith(trade.commission_asset):
        return traded._replace(realized_pnl=traded.realized_pnl - trade.commission)
    return traded


def _moved(held: Holding, signed: Decimal, price: Decimal) -> Holding:
    if held.quantity * signed >= ZERO:
        return held._replace(quantity=held.quantity + signed, cost=held.cost + signed * price)
    closing = -signed if abs(signed) <= abs(held.quantity) else held.quantity
    # Of the same sign as what is held, so that the cost of the part that closes is its share of the whole.
    cost = held.cost if closing == held.quantity else held.cost * closing / held.quantity
    realized = held.realized_pnl + closing * price - cost
    opening = signed + closing
    return Holding(held.quantity + signed, held.cost - cost + opening * price, realized)
