"""When a position is liquidated, from which price on, what that costs it, and who pays for a shortfall.

Formulas: docs/rules.md, LIQ-01 to LIQ-07, after the usual isolated-margin arithmetic. Money in micros, prices in ticks,
quantities in lots, rates in ppm. The trigger index watches each liquidation price; `step` closes what a tick reaches.
"""

from typing import NamedTuple

from engine.core.bounds import NOTHING
from engine.core.division import div_ceil, div_floor
from engine.core.margin import fee_of, notional_of, profit_of
from schemas.bounds import PRICE_MAX
from schemas.derived import exit_price
from schemas.ledger_records import Position, Quote
from schemas.messages import Side
from schemas.units import PPM, Lots, Micros, Ppm, Ticks


class Settlement(NamedTuple):
    """How what is left of a closed position is divided, and who pays for what it owes. Micros."""

    fee: Micros
    liquidation_fee: Micros
    returned: Micros
    shortfall: Micros
    insurance_paid: Micros
    written_off: Micros


def settle(
    position: Position, *, notional: Micros, equity: Micros, insurance: Micros, is_liquidated: bool
) -> Settlement:
    """Divide the equity of a position that closes at this notional; insurance: what the fund has.

    What is left of the margin pays the fee first, never more than is left: the one of a liquidation, or of a close. A
    position loses no more than its margin: the insurance fund pays for a shortfall as far as it goes, and the rest is
    written off.
    """
    left = max(NOTHING, equity)
    fee = liquidation_fee = NOTHING
    if is_liquidated:
        liquidation_fee = min(fee_of(notional, position.liquidation_fee_rate), left)
    else:
        fee = min(fee_of(notional, position.fee_rate), left)
    shortfall = max(NOTHING, -equity)
    insurance_paid = min(shortfall, insurance)
    return Settlement(
        fee,
        liquidation_fee,
        left - fee - liquidation_fee,
        shortfall,
        insurance_paid,
        shortfall - insurance_paid,
    )


def is_liquidatable(equity: Micros, requirement: Micros) -> bool:
    """Say whether a position is liquidated: strictly below what it must keep."""
    return equity < requirement


def requirement_of(notional: Micros, margin: Micros, maintenance_rate: Ppm, margin_floor_rate: Ppm) -> Micros:
    """Give the least equity a position must keep. Up: against the trader by less than a micro."""
    return Micros(max(div_ceil(notional * maintenance_rate, PPM), div_ceil(margin * margin_floor_rate, PPM)))


def is_overdue(position: Position, quote: Quote, tick_value: int) -> bool:
    """Say whether an open position is liquidatable at a tick's exit price: after each command none is."""
    price = exit_price(position.side, quote.bid, quote.ask)
    notional = notional_of(position.quantity, price, tick_value)
    equity = position.margin + profit_of(position.side, notional, position.entry_notional)
    requirement = requirement_of(notional, position.margin, position.maintenance_rate, position.margin_floor_rate)
    return is_liquidatable(equity, requirement)


def liquidation_price_of(
    side: Side,
    *,
    quantity: Lots,
    entry_notional: Micros,
    margin: Micros,
    tick_value: int,
    maintenance_rate: Ppm,
    margin_floor_rate: Ppm,
) -> Ticks | None:
    """Give the first tick, going against the position, at which is_liquidatable holds; null when none in bounds does.

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
        return Ticks(price) if price >= 1 else None
    backing = entry_notional + margin
    below_floor = div_floor(backing - floor, per_tick) + 1
    below_maintenance = div_floor(PPM * backing, per_tick * (PPM + maintenance_rate)) + 1
    price = min(below_floor, below_maintenance)
    return Ticks(price) if price <= PRICE_MAX else None
