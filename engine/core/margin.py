"""What a ticket is worth, what it must keep, and the first price at which it is liquidated.

Formulas: docs/rules.md, after the usual isolated-margin arithmetic. Money in micros, prices in ticks, quantities in
lots, rates in ppm. The requirement is rounded up, so the trader is never favoured.
"""

from engine.core.bounds import LEVERAGE_ONE, PPM, PRICE_MAX
from engine.core.division import div_ceil, div_floor
from schemas.messages import Side


def notional_of(quantity: int, price: int, tick_value: int) -> int:
    """Give quantity x price x tick_value, exact."""
    return quantity * price * tick_value


def profit_of(side: Side, notional: int, entry_notional: int) -> int:
    """Give the profit of a ticket whose notional is now this, exact and without fees."""
    return notional - entry_notional if side == "long" else entry_notional - notional


def margin_of(notional: int, leverage: int) -> int:
    """Give the margin an opening by quantity posts. Up: against the trader by less than a micro."""
    return div_ceil(notional * LEVERAGE_ONE, leverage)


def quantity_of(margin: int, leverage: int, price: int, tick_value: int) -> int:
    """Give the lots an opening by margin buys. Down: the trader's margin covers them with less than a lot to spare."""
    return div_floor(margin * leverage, LEVERAGE_ONE * price * tick_value)


def fee_of(notional: int, rate: int) -> int:
    """Give a fee at a rate of the notional. Up: against the trader by less than a micro."""
    return div_ceil(notional * rate, PPM)


def requirement_of(notional: int, margin: int, maintenance_rate: int, margin_floor_rate: int) -> int:
    """Give the least equity a ticket must keep. Up: against the trader by less than a micro."""
    return max(div_ceil(notional * maintenance_rate, PPM), div_ceil(margin * margin_floor_rate, PPM))


def is_liquidatable(equity: int, requirement: int) -> bool:
    """Say whether a ticket is liquidated: strictly below what it must keep."""
    return equity < requirement


def released_of(quantity: int, size: int, margin: int, equity: int, kept: int) -> int:
    """Give the margin that is set free when so many lots of a size go, while this equity is kept.

    Down: against the trader by less than a micro, which stays in the ticket.
    """
    return max(0, min(div_floor(margin * quantity, size), equity - kept))


def liquidation_price_of(
    side: Side,
    *,
    quantity: int,
    entry_notional: int,
    margin: int,
    tick_value: int,
    maintenance_rate: int,
    margin_floor_rate: int,
) -> int | None:
    """Give the first tick, going against the ticket, at which is_liquidatable holds; null when none in bounds does.

    Exact, not approximate: with s = quantity x tick_value, equity is linear in the price, and an integer is below
    ceil(x) just when it is below x; so each half of the requirement gives one linear inequality in whole numbers.
    """
    per_tick = quantity * tick_value
    floor = div_ceil(margin * margin_floor_rate, PPM)
    if side == "long":
        debt = entry_notional - margin
        below_floor = div_ceil(floor + debt, per_tick) - 1
        below_maintenance = div_ceil(PPM * debt, per_tick * (PPM - maintenance_rate)) - 1
        price = max(below_floor, below_maintenance)
        return price if price >= 1 else None
    backing = entry_notional + margin
    below_floor = div_floor(backing - floor, per_tick) + 1
    below_maintenance = div_floor(PPM * backing, per_tick * (PPM + maintenance_rate)) + 1
    price = min(below_floor, below_maintenance)
    return price if price <= PRICE_MAX else None
