"""Why a position was closed, in words and sums that a trader can check with a calculator."""

import msgspec

from audit.digits import iso, money, rate_of
from audit.explain.explain_event import EventExplanation, explain_event
from audit.explain.lines import Line, Units
from audit.explain.position_history import EventUnknown, NeverOpened, PositionHistory, event_context, history_of
from audit.explain.reduction import explain_reduction
from audit.log.log_reader import LogReader, LogUnreadable
from audit.verify.arithmetic import MILLION, pays_liquidation_fee, rounded_up
from audit.verify.reports import CORE_ERRORS
from runtime.errors import FixableError
from schemas.events import PositionClosed, PositionOpened
from schemas.ids import event_id
from schemas.units import LEVERAGE_EXPONENT, render


class Explanation(msgspec.Struct):
    """numbers: in USDC and prices, as exact digits, by the receipt's own names."""

    position_id: str
    event_id: str | None
    account_id: str
    reason: str | None
    rules: list[str]
    numbers: dict[str, str]
    lines: list[Line]


def explain_name(log: LogReader, name: str, *, is_event: bool) -> tuple[Explanation | EventExplanation, bool]:
    """Explain a position, or an event: one of a position by all of that. Both look alike; the position comes first.

    Say, too, whether the name could have been the event's as well.
    """
    if not is_event:
        try:
            return explain(history_of(log, name)), True
        except NeverOpened as error:
            try:
                context = event_context(log, name)
            except EventUnknown:
                raise FixableError(f"There is neither a position nor an event {name} in {log.name}.") from error
    else:
        context = event_context(log, name)
    position_id = getattr(context.event, "position_id", None)
    try:
        return explain_event(context) if position_id is None else explain(history_of(log, position_id)), False
    except CORE_ERRORS as error:
        raise LogUnreadable(
            f"{name} cannot be explained ({error!r}); `./reprise audit verify` says what is wrong with the log."
        ) from error


def explain(history: PositionHistory) -> Explanation:
    """Explain a position's end, or where it would end if it is open."""
    opened, closed = history.opened, history.closed
    units = Units(history.instrument)
    lines = _opening(history, units)
    for reduced in history.reduced:
        lines += explain_reduction(reduced, opened, history.shard, units)
    if closed is None:
        lines += _open_still(history, units)
    else:
        lines += _tick(history, closed, units)
        lines += _why(history, closed, units)
        lines += _sums(history, closed, units)
    rules = {line.rule: None for line in lines if line.rule is not None}
    return Explanation(
        position_id=opened.position_id,
        event_id=None if closed is None else event_id(history.shard, closed.seq),
        account_id=opened.account_id or "",
        reason=None if closed is None else closed.reason,
        rules=[name for rule in rules for name in rule.split(", ")],
        numbers={} if closed is None else _numbers(closed, units),
        lines=lines,
    )


def _opening(history: PositionHistory, units: Units) -> list[Line]:
    event = history.opened
    side = "ask" if event.side == "long" else "bid"
    name = event_id(history.shard, event.seq)
    return [
        Line(
            "OPEN-03",
            f"Position {event.position_id} of account {event.account_id}: {event.side} "
            f"{units.named_size(event.quantity)}, opened at {units.price(event.price)}, the {side}, on "
            f"{iso(event.time)} (event {name}).",
        ),
        Line("UNIT-01", f"Entry notional: {units.product(event.quantity, event.price, event.notional)}"),
        Line(
            None,
            f"Margin posted: {money(event.margin)} USDC at {render(event.leverage, LEVERAGE_EXPONENT)}x; "
            f"opening fee {money(event.fee)}.",
        ),
        Line("LIQ-03", f"Liquidation price: {units.price(event.liquidation_price)}."),
        Line(
            None,
            f"Stop loss: {units.price(history.stop_loss)}{_since(history)}; "
            f"take profit: {units.price(history.take_profit)}{_since(history)}.",
        ),
    ]


def _since(history: PositionHistory) -> str:
    """Say which event set the stops last, where it was not the opening."""
    return f" (event {event_id(history.shard, history.amended.seq)})" if history.amended is not None else ""


def _open_still(history: PositionHistory, units: Units) -> list[Line]:
    last = history.last_tick
    if last is None:
        return [Line(None, "It is open.")]
    exit_price = last.bid if history.opened.side == "long" else last.ask
    return [
        Line(
            "CLOSE-02", f"It is open. Now it would close at {units.price(exit_price)} (tick of command {last.offset})."
        )
    ]


def _tick(history: PositionHistory, event: PositionClosed, units: Units) -> list[Line]:
    before = history.tick_before
    was = (
        f" The accepted tick before it (command {before.offset}): bid {units.price(before.bid)}, "
        f"ask {units.price(before.ask)}."
        if before is not None and before.offset != event.tick_offset
        else ""
    )
    side = "bid" if event.side == "long" else "ask"
    return [
        Line(
            "TRIG-03" if event.reason != "manual" else "CLOSE-02",
            f"The tick (command {event.tick_offset}, source time {iso(event.tick_source_time)}): bid "
            f"{units.price(event.bid)}, ask {units.price(event.ask)}.{was}",
        ),
        Line("CLOSE-02", f"A {event.side} closes at the {side}: {units.price(event.price)}, on {iso(event.time)}."),
    ]


def _why(history: PositionHistory, event: PositionClosed, units: Units) -> list[Line]:
    price, level = units.price(event.price), units.price(event.trigger_price)
    falling = (event.side == "long") != (event.reason == "take_profit")
    sign = "≤" if falling else "≥"
    match event.reason:
        case "liquidation":
            return [
                Line(
                    "LIQ-01",
                    f"Why: {price} {sign} liquidation price {level}; at this price its equity is below what it must "
                    "keep (sums below).",
                )
            ]
        case "stop_loss":
            return [Line("TRIG-01", f"Why: {price} {sign} stop loss {level}, so the stop fired.")]
        case "take_profit":
            return [Line("TRIG-02", f"Why: {price} {sign} take profit {level}, so the take fired.")]
        case "manual":
            return [Line("CLOSE-01", f"Why: its owner closed it (command {history.closed_by}).")]
        case _:
            return [Line(None, f"Why: {event.reason.replace('_', ' ')}.")]


def _sums(history: PositionHistory, event: PositionClosed, units: Units) -> list[Line]:
    """Write every sum of the receipt out; all in USDC."""
    opened, version = history.opened, history.rules_version
    exit_, entry = money(event.notional), money(event.entry_notional)
    difference = f"{exit_} - {entry}" if event.side == "long" else f"{entry} - {exit_}"
    return [
        Line("RULES-02", f"In force: rules version {version}."),
        Line("UNIT-01", f"Exit notional: {units.product(event.quantity, event.price, event.notional)}"),
        Line("CLOSE-01", f"Profit: {difference} = {money(event.profit)}"),
        Line("LIQ-01", f"Equity: margin {money(event.margin)} + profit {money(event.profit)} = {money(event.equity)}"),
        *_requirement(opened, event),
        *_fee(opened, event, version),
        *_rest(event),
    ]


def _requirement(opened: PositionOpened, event: PositionClosed) -> list[Line]:
    of_notional = rounded_up(event.notional * opened.maintenance_rate, MILLION)
    of_margin = rounded_up(event.margin * opened.margin_floor_rate, MILLION)
    below = event.equity < event.requirement
    verdict = "below it: liquidatable" if below else "not below it: not liquidatable"
    return [
        Line(
            "LIQ-01",
            f"Required: the greater of {money(event.notional)} * {rate_of(opened.maintenance_rate)} rounded up = "
            f"{money(of_notional)} and {money(event.margin)} * {rate_of(opened.margin_floor_rate)} rounded up = "
            f"{money(of_margin)}: {money(event.requirement)}",
        ),
        Line("LIQ-01", f"Equity {money(event.equity)} against {money(event.requirement)} required: {verdict}."),
    ]


def _fee(opened: PositionOpened, event: PositionClosed, rules_version: int) -> list[Line]:
    left = money(max(0, event.equity))
    if pays_liquidation_fee(event, rules_version):
        full = rounded_up(event.notional * opened.liquidation_fee_rate, MILLION)
        formula = f"{money(event.notional)} * {rate_of(opened.liquidation_fee_rate)} rounded up"
        rule = "LIQ-04" if event.reason == "liquidation" else "LIQ-05"
        return [
            Line(
                rule,
                f"Liquidation fee, to INSURANCE: the lesser of {formula} = {money(full)} and what is left, {left}: "
                f"{money(event.liquidation_fee)}",
            )
        ]
    full = rounded_up(event.notional * opened.fee_rate, MILLION)
    return [
        Line(
            "LIQ-08" if event.equity < event.requirement else "CLOSE-05",
            f"Closing fee: the lesser of {money(event.notional)} * {rate_of(opened.fee_rate)} rounded up = "
            f"{money(full)} and what is left, {left}: {money(event.fee)}",
        )
    ]


def _rest(event: PositionClosed) -> list[Line]:
    left, fee = max(0, event.equity), event.fee + event.liquidation_fee
    lines = [Line("CLOSE-06", f"Returned to cash: {money(left)} - {money(fee)} = {money(event.returned)}")]
    if event.shortfall:
        lines.append(
            Line(
                "LIQ-06",
                f"Shortfall: {money(event.shortfall)} = {money(event.insurance_paid)} paid by INSURANCE + "
                f"{money(event.written_off)} written off.",
            )
        )
    lost = event.margin - event.returned
    words = f"it cost {money(lost)} of the {money(event.margin)} posted" if lost > 0 else f"it gained {money(-lost)}"
    lines.append(Line("LIQ-07", f"For its owner: {words}."))
    return lines


def _numbers(event: PositionClosed, units: Units) -> dict[str, str]:
    micros = (
        "notional",
        "entry_notional",
        "margin",
        "profit",
        "equity",
        "requirement",
        "fee",
        "liquidation_fee",
        "returned",
        "shortfall",
        "insurance_paid",
        "written_off",
    )
    prices = ("entry_price", "price", "trigger_price", "bid", "ask")
    return {
        "quantity": units.size(event.quantity),
        **{name: units.price(getattr(event, name)) for name in prices},
        **{name: money(getattr(event, name)) for name in micros},
    }
