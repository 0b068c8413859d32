"""What a position is worth, how much margin and which fee it takes, and how much margin a part of it sets free.

Formulas: docs/rules.md. Money in micros, prices in ticks, quantities in lots, rates in ppm, leverage in hundredths.
What a position must keep, and when it is liquidated, is `liquidation`'s to say.
"""

from engine.core.division import div_ceil, div_floor
from schemas.messages import Side
from schemas.units import LEVERAGE_ONE, PPM, Hundredths, Lots, Micros, Ppm, Ticks


def notional_of(quantity: Lots, price: Ticks, tick_value: int) -> Micros:
    """Give quantity x price x tick_value, exact."""
    return Micros(quantity * price * tick_value)


def profit_of(side: Side, notional: Micros, entry_notional: Micros) -> Micros:
    """Give the profit of a position whose notional is now this, exact and without fees."""
    return notional - entry_notional if side == "long" else entry_notional - notional


def margin_of(notional: Micros, leverage: Hundredths) -> Micros:
    """Give the margin an opening by quantity posts. Up: against the trader by less than a micro."""
    return Micros(div_ceil(notional * LEVERAGE_ONE, leverage))


def quantity_of(margin: Micros, leverage: Hundredths, price: Ticks, tick_value: int) -> Lots:
    """Give the lots an opening by margin buys. Down: the trader's margin covers them with less than a lot to spare."""
    return Lots(div_floor(margin * leverage, LEVERAGE_ONE * price * tick_value))


def fee_of(notional: Micros, rate: Ppm) -> Micros:
    """Give a fee at a rate of the notional. Up: against the trader by less than a micro."""
    return Micros(div_ceil(notional * rate, PPM))


def released_of(quantity: Lots, size: Lots, margin: Micros, equity: Micros, kept: Micros) -> Micros:
    """Give the margin that is set free when so many lots of a size go, while this equity is kept.

    Down: against the trader by less than a micro, which stays in the position.
    """
    return Micros(max(0, min(div_floor(margin * quantity, size), equity - kept)))
