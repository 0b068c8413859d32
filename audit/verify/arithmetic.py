"""What an opening, a reduction and a closing must say, worked out anew: none of it is the core's own code."""

from typing import Final, NamedTuple

from schemas.events import PositionClosed, PositionOpened, PositionReduced
from schemas.ledger_records import Position

MILLION: Final = 1_000_000
PRICE_MAX: Final = 10**9


def rounded_up(dividend: int, divisor: int) -> int:
    """Divide, and round up."""
    return (dividend + divisor - 1) // divisor


class AuditRules(NamedTuple):
    """What differs between versions of the rules in what the audit judges."""

    fee_by_trigger: bool  # only a liquidation pays the liquidation fee (LIQ-08), else any close of one overdue (LIQ-05)
    marks_name_ticks: bool  # PRICE-18, PRICE-19
    opening_age: bool  # PRICE-20
    held_ticks_age: bool  # PRICE-21
    positions_limited: bool  # OPEN-18
    own_range: bool  # PRICE-23
    closed_quantity: bool  # PART-11


class OpenAmounts(NamedTuple):
    """What of an open position a reduction changes."""

    quantity: int
    entry_notional: int
    margin: int
    liquidation_price: int | None


# By version, as the core's table is; a version that only the core knows could not be judged.
RULES: Final[dict[int, AuditRules]] = {
    1: AuditRules(
        fee_by_trigger=False,
        marks_name_ticks=False,
        opening_age=False,
        held_ticks_age=False,
        positions_limited=False,
        own_range=False,
        closed_quantity=False,
    ),
    2: AuditRules(
        fee_by_trigger=True,
        marks_name_ticks=True,
        opening_age=True,
        held_ticks_age=True,
        positions_limited=True,
        own_range=True,
        closed_quantity=True,
    ),
}


def requirement(notional: int, margin: int, maintenance_rate: int, margin_floor_rate: int) -> int:
    """Give the least equity a position keeps (docs/rules.md, LIQ-01)."""
    return max(rounded_up(notional * maintenance_rate, MILLION), rounded_up(margin * margin_floor_rate, MILLION))


def is_overdue(position: Position, price: int, tick_value: int) -> bool:
    """Say whether a position must be liquidated at an exit price (LIQ-01)."""
    notional = position.quantity * price * tick_value
    difference = notional - position.entry_notional
    equity = position.margin + (difference if position.side == "long" else -difference)
    return equity < requirement(notional, position.margin, position.maintenance_rate, position.margin_floor_rate)


def has_exact_liquidation_price(position: Position, tick_value: int) -> bool:
    """Say whether a position's liquidation price is the first tick against it at which it is overdue (LIQ-03)."""
    price = position.liquidation_price
    long = position.side == "long"
    if price is None:
        return not is_overdue(position, 1 if long else PRICE_MAX, tick_value)
    # Written out, for it is asked of every position: overdue at the price, and not a tick before it.
    rate, margin, entry_notional = position.maintenance_rate, position.margin, position.entry_notional
    per_tick = position.quantity * tick_value
    floor = (margin * position.margin_floor_rate + MILLION - 1) // MILLION
    at = per_tick * price
    before = at + per_tick if long else at - per_tick
    equity_at = margin + at - entry_notional if long else margin + entry_notional - at
    equity_before = equity_at + per_tick
    return (equity_at < floor or equity_at < (at * rate + MILLION - 1) // MILLION) and (
        equity_before >= floor and equity_before >= (before * rate + MILLION - 1) // MILLION
    )


def pays_liquidation_fee(event: PositionClosed, rules_version: int) -> bool:
    """Say which of the two fees a close pays."""
    if RULES[rules_version].fee_by_trigger:
        return event.reason == "liquidation"
    return event.equity < event.requirement


def wrong_in_opening(event: PositionOpened, tick_value: int) -> str | None:
    """Name the first number of an opening that is not what the rules give, with what they give; or null."""
    price = event.ask if event.side == "long" else event.bid
    notional = event.quantity * event.price * tick_value
    fee = (notional * event.fee_rate + MILLION - 1) // MILLION
    if event.price != price or event.notional != notional or event.fee != fee:
        return _first_wrong(event, {"price": price, "notional": notional, "fee": fee})
    # By quantity the margin is rounded up to a micro; by margin the lots are rounded down to what it buys.
    least = rounded_up(notional * 100, event.leverage)
    if event.margin != least:
        next_lot = rounded_up((notional + event.price * tick_value) * 100, event.leverage)
        if not least <= event.margin < next_lot:
            return f"margin is {event.margin}, and {event.quantity} lots take {least} to {max(least, next_lot - 1)}"
    return None


def wrong_in_closing(event: PositionClosed, position: Position, tick_value: int, rules_version: int) -> str | None:
    """Name the first number of a closing that is not what these rules give of the position; or null."""
    long = position.side == "long"
    quantity, margin, entry_notional = position.quantity, position.margin, position.entry_notional
    price = event.bid if long else event.ask
    notional = quantity * price * tick_value
    profit = notional - entry_notional if long else entry_notional - notional
    equity = margin + profit
    required = requirement(notional, margin, position.maintenance_rate, position.margin_floor_rate)
    left = max(0, equity)
    shortfall = left - equity
    fee = liquidation_fee = 0
    if pays_liquidation_fee(event, rules_version):
        liquidation_fee = min(left, rounded_up(notional * position.liquidation_fee_rate, MILLION))
    else:
        fee = min(left, rounded_up(notional * position.fee_rate, MILLION))
    returned = left - fee - liquidation_fee
    if (
        event.quantity == quantity
        and event.margin == margin
        and event.entry_notional == entry_notional
        and event.price == price
        and event.notional == notional
        and event.profit == profit
        and event.equity == equity
        and event.requirement == required
        and event.fee == fee
        and event.liquidation_fee == liquidation_fee
        and event.returned == returned
        and event.shortfall == shortfall
        and event.insurance_paid + event.written_off == shortfall
    ):
        return _wrong_reason(event, position, overdue=equity < required) if event.reason != "manual" else None
    return _first_wrong(
        event,
        {
            "quantity": quantity,
            "margin": margin,
            "entry_notional": entry_notional,
            "price": price,
            "notional": notional,
            "profit": profit,
            "equity": equity,
            "requirement": required,
            "fee": fee,
            "liquidation_fee": liquidation_fee,
            "returned": returned,
            "shortfall": shortfall,
            "written_off": shortfall - event.insurance_paid,
        },
    )


def wrong_in_reducing(event: PositionReduced, before: OpenAmounts, position: Position, tick_value: int) -> str | None:
    """Name the first number of a reduction that is not what the rules give of the position before it; or null."""
    sign = 1 if position.side == "long" else -1
    price = event.bid if position.side == "long" else event.ask
    quantity, left = event.quantity, before.quantity - event.quantity
    notional, rest = quantity * price * tick_value, left * price * tick_value
    entry_notional = quantity * position.entry_price * tick_value
    profit = sign * (notional - entry_notional)
    fee = rounded_up(notional * position.fee_rate, MILLION)
    equity = before.margin + sign * (notional + rest - before.entry_notional)
    required = requirement(notional + rest, before.margin, position.maintenance_rate, position.margin_floor_rate)
    # What the part costs comes from the margin; what it brings does not stay there.
    margin = before.margin - max(0, fee - profit)
    entry_left = before.entry_notional - entry_notional
    equity_left = margin + sign * (rest - entry_left)
    required_left = requirement(rest, margin, position.maintenance_rate, position.margin_floor_rate)
    if not 0 < quantity < before.quantity or margin <= 0 or equity_left < required_left:
        return f"{quantity} of {before.quantity} lots cannot be closed by themselves"
    stays = max(rounded_up(rest * 100, position.leverage), required_left, rounded_up(rest * position.fee_rate, MILLION))
    released = max(0, min(margin * quantity // before.quantity, equity_left - stays))
    return _first_wrong(
        event,
        {
            "price": price,
            "notional": notional,
            "entry_notional": entry_notional,
            "margin": before.margin,
            "profit": profit,
            "equity": equity,
            "requirement": required,
            "fee": fee,
            "released": released,
            "returned": released + max(0, profit - fee),
            "quantity_left": left,
            "entry_notional_left": entry_left,
            "margin_left": margin - released,
        },
    )


def _wrong_reason(event: PositionClosed, position: Position, *, overdue: bool) -> str | None:
    """Say why a close by itself was none of the position's own triggers at this price."""
    match event.reason:
        case "liquidation":
            return None if overdue else "it was liquidated with equity enough"
        case "stop_loss":
            level, against = position.stop_loss, True
        case "take_profit":
            level, against = position.take_profit, False
        case _:
            return None
    if level is None or level != event.trigger_price:
        return f"trigger_price is {event.trigger_price}, and the position's was {level}"
    falling = (position.side == "long") == against
    reached = event.price <= level if falling else event.price >= level
    return None if reached else f"its trigger at {level} was not reached at {event.price}"


def _first_wrong(event: PositionOpened | PositionClosed | PositionReduced, expected: dict[str, int]) -> str | None:
    for name, value in expected.items():
        found = getattr(event, name)
        if found != value:
            return f"{name} is {found}, and the sums give {value}"
    return None
