"""How the close of a part of a position is explained, sum by sum."""

from audit.digits import iso, money, rate_of
from audit.explain.lines import Line, Units
from audit.verify.arithmetic import MILLION, rounded_up
from schemas.events import PositionOpened, PositionReduced
from schemas.ids import event_id
from schemas.units import LEVERAGE_EXPONENT, render


def explain_reduction(event: PositionReduced, opened: PositionOpened, shard: int, units: Units) -> list[Line]:
    """Write out what a part paid, and why no more of the margin was set free."""
    side = "bid" if event.side == "long" else "ask"
    exit_, entry = money(event.notional), money(event.entry_notional)
    difference = f"{exit_} - {entry}" if event.side == "long" else f"{entry} - {exit_}"
    fee_rate = rate_of(opened.fee_rate)
    warned = " A stop loss lies behind it." if event.warnings else ""
    return [
        Line(
            "PART-01",
            f"Part closed: {units.named_size(event.quantity)} at {units.price(event.price)}, the {side}, on "
            f"{iso(event.time)} (event {event_id(shard, event.seq)}, command {event.command_id}); "
            f"{units.named_size(event.quantity_left)} stay.",
        ),
        Line("PART-02", f"Notional of the part: {units.product(event.quantity, event.price, event.notional)}"),
        Line("PART-02", f"Profit of the part: {difference} = {money(event.profit)}"),
        Line("PART-04", f"Fee of the part: {exit_} * {fee_rate} rounded up = {money(event.fee)}"),
        *_released(event, opened, units),
        Line(
            "PART-02",
            f"To cash: {money(max(0, event.profit - event.fee))} + {money(event.released)} = {money(event.returned)}",
        ),
        Line(
            "PART-05",
            f"Margin of the rest: {money(event.margin)} + {money(event.profit)} - {money(event.fee)} - "
            f"{money(event.returned)} = {money(event.margin_left)}; liquidation price: "
            f"{units.price(event.liquidation_price)}.{warned}",
        ),
    ]


def _released(event: PositionReduced, opened: PositionOpened, units: Units) -> list[Line]:
    margin = event.margin + min(0, event.profit - event.fee)
    size = event.quantity + event.quantity_left
    rest = event.quantity_left * event.price * units.instrument.tick_value
    profit = rest - event.entry_notional_left if event.side == "long" else event.entry_notional_left - rest
    initial = rounded_up(rest * 100, opened.leverage)
    of_notional = rounded_up(rest * opened.maintenance_rate, MILLION)
    of_margin = rounded_up(margin * opened.margin_floor_rate, MILLION)
    fee = rounded_up(rest * opened.fee_rate, MILLION)
    share = margin * event.quantity // size
    stays = max(initial, of_notional, of_margin, fee)
    return [
        Line(
            "PART-03",
            f"Must stay: the greatest of {money(rest)} / {render(opened.leverage, LEVERAGE_EXPONENT)} = "
            f"{money(initial)}, {money(rest)} * {rate_of(opened.maintenance_rate)} = {money(of_notional)}, "
            f"{money(margin)} * {rate_of(opened.margin_floor_rate)} = {money(of_margin)} and "
            f"{money(rest)} * {rate_of(opened.fee_rate)} = {money(fee)}, each rounded up: {money(stays)}",
        ),
        Line(
            "PART-03",
            f"Set free: the lesser of the share {money(margin)} * {units.size(event.quantity)} / {units.size(size)} "
            f"rounded down = {money(share)} and {money(margin + profit)} of equity - {money(stays)} = "
            f"{money(margin + profit - stays)}, and not below 0: {money(event.released)}",
        ),
    ]
