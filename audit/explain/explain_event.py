"""How an event that is of no position is explained, and what else its command led to."""

from typing import assert_never

import msgspec

from audit.digits import iso, money, rate_of
from audit.explain.describe_command import describe_command
from audit.explain.lines import Line, Units
from audit.explain.position_history import EventContext
from audit.explain.refusals import OF_COMMANDS, OF_TICKS
from schemas.event_groups import BroadcastEvent, FillEvent
from schemas.events import (
    AccountLimitsSet,
    AccountOpened,
    AllClosed,
    ClockSet,
    CommandRejected,
    CommandRepeated,
    Deposited,
    Event,
    FeedKept,
    FeedSelected,
    InstrumentsDefined,
    MarketStatusSet,
    OffsetGapAccepted,
    OldestReduced,
    PositionClosed,
    PositionOpened,
    PositionReduced,
    PricesUpdated,
    RulesActivated,
    StopsAmended,
    TickHeld,
    Withdrawn,
)
from schemas.ids import event_id
from schemas.messages import Instrument, RefusedTick
from schemas.rejections import Rejection, TickRefusal
from schemas.units import LEVERAGE_EXPONENT, render


class CausedEvent(msgspec.Struct):
    """Another event of the same command. position_id, reason: of an opening, a reduction or a close."""

    event_id: str
    type: str
    position_id: str | None
    reason: str | None


class EventExplanation(msgspec.Struct):
    """An event, explained; caused: the other events of its command."""

    event_id: str
    type: str
    time: str
    account_id: str | None
    command_offset: int
    command_id: str | None
    lines: list[Line]
    caused: list[CausedEvent]


def explain_event(context: EventContext) -> EventExplanation:
    """Say what an event was, what its command had asked for, and what that led to besides."""
    shard, event = context.shard, context.event
    name, kind = event_id(shard, event.seq), type(event).__name__
    of_account = f" of account {event.account_id}" if event.account_id is not None else ""
    of_command = f" ({event.command_id})" if event.command_id is not None else ""
    lines = [
        Line(None, f"Event {name}{of_account}: {kind}, on {iso(event.time)}."),
        Line(
            None,
            f"Command {event.command_offset}{of_command} asked for "
            f"{describe_command(context.command, context.instruments, context.position_instrument)}.",
        ),
        *_outcome(event, context),
        *(
            Line("ACC-08", f"{leg.source} → {leg.target}: {money(leg.amount)} USDC.")
            for leg in getattr(event, "legs", ())
        ),
    ]
    others = [other for other in context.events if other.seq != event.seq]
    return EventExplanation(
        event_id=name,
        type=kind,
        time=iso(event.time),
        account_id=event.account_id,
        command_offset=event.command_offset,
        command_id=event.command_id,
        lines=[*lines, *(_other(shard, other, context.instruments) for other in others)],
        caused=[
            CausedEvent(
                event_id(shard, other.seq),
                type(other).__name__,
                getattr(other, "position_id", None),
                getattr(other, "reason", None),
            )
            for other in others
        ],
    )


def _outcome(event: Event, context: EventContext) -> list[Line]:
    match event:
        case CommandRejected():
            refusal = Rejection(event.rejection)
            rule, words = OF_COMMANDS[refusal]
            what = f"The {event.command or 'command'} was refused, and nothing changed"
            return [Line(rule, f"{what}: {refusal.name}, {words}.")]
        case CommandRepeated():
            return [Line("CMD-04", f"It had come before, as command {event.first_offset}, and was not executed again.")]
        case AccountOpened():
            return [Line("ACC-01", f"The account was opened with {money(event.first_deposit)} USDC.")]
        case Deposited():
            return [Line("ACC-03", f"{money(event.amount)} USDC came in.")]
        case Withdrawn():
            return [Line("ACC-06", f"{money(event.amount)} USDC went out.")]
        case OldestReduced():
            return [_reduced(event, Units(context.instruments[event.symbol]))]
        case AllClosed():
            return [_all_closed(event)]
        case PricesUpdated():
            return _prices(event, context)
        case TickHeld():
            units = Units(context.instruments[event.symbol])
            return [
                Line(
                    "PRICE-05",
                    f"{event.symbol}: bid {units.price(event.bid)}, ask {units.price(event.ask)}, source time "
                    f"{iso(event.source_time)}, update {event.update_id}: held until another tick confirms it; until "
                    "then the symbol does not trade.",
                )
            ]
        case (
            InstrumentsDefined()
            | MarketStatusSet()
            | RulesActivated()
            | ClockSet()
            | AccountLimitsSet()
            | OffsetGapAccepted()
            | FeedSelected()
            | FeedKept()
        ):
            return _of_the_exchange(event)
        case PositionOpened() | PositionReduced() | PositionClosed() | StopsAmended():
            return []  # A position is explained with its whole history.
        case _:
            assert_never(event)


def _of_the_exchange(event: BroadcastEvent | OffsetGapAccepted | FeedSelected | FeedKept) -> list[Line]:
    """Explain an event of the whole shard: instruments, market, rules, feed."""
    match event:
        case InstrumentsDefined():
            return [_terms(instrument) for instrument in event.instruments]
        case MarketStatusSet():
            words = {
                "open": "open",
                "close_only": "close-only: nothing is opened",
                "halted": "halted: nothing is opened, closed or triggered",
            }
            rule = "HALT-01" if event.status == "halted" else "HALT-03" if event.status == "open" else "HALT-05"
            return [Line(rule, f"From here on {event.symbol} is {words[event.status]} (broadcast {event.broadcast}).")]
        case RulesActivated():
            what = f"From the next command on, version {event.version} of the rules is in force"
            return [Line("RULES-02", f"{what} (broadcast {event.broadcast}).")]
        case ClockSet():
            what = f"Log time was {iso(event.before)} and is {iso(event.time)} from here on"
            return [Line("CLOCK-01", f"{what} (broadcast {event.broadcast}).")]
        case AccountLimitsSet():
            what = f"From here on an account has at most {event.positions_max} open positions"
            return [Line("OPEN-18", f"{what} (broadcast {event.broadcast}).")]
        case OffsetGapAccepted():
            what = f"Offsets {event.first_offset} to {event.last_offset} of this shard's commands hold no record"
            return [Line("GAP-01", f"{what}, and the ledger went on over them.")]
        case FeedSelected():
            live = ", live" if event.live else ""
            what = f"From here on prices count of feed {event.name}, run {event.run}{live}, only"
            return [Line("FEED-03", f"{what}; held ticks were dropped, and every price is stale until its next tick.")]
        case FeedKept():
            return [Line("FEED-02", f"Feed {event.name}, run {event.run} was selected already; nothing changed.")]
        case _:
            assert_never(event)


def _all_closed(event: AllClosed) -> Line:
    where = "" if event.symbol is None else f" in {event.symbol}"
    left = ", ".join(event.left)
    stay = f"; {left} stay open, for their market is halted or its price not fresh" if left else ""
    return Line("CLOSE-08", f"{event.positions} positions{where} were closed, the oldest first{stay}.")


def _prices(event: PricesUpdated, context: EventContext) -> list[Line]:
    lines = []
    for tick in event.accepted:
        units = Units(context.instruments[tick.symbol])
        lines.append(
            Line(
                "PRICE-08",
                f"{tick.symbol}: bid {units.price(tick.bid)}, ask {units.price(tick.ask)}, source time "
                f"{iso(tick.source_time)}, update {tick.update_id}: accepted. Mid since the tick before: "
                f"{units.middle(tick.low)} to {units.middle(tick.high)}.",
            )
        )
    if event.alive:
        lines.append(Line("PRICE-13", f"Heard without a new tick, and fresh for 5 s more: {', '.join(event.alive)}."))
    lines += [_refused(tick, context.instruments.get(tick.symbol)) for tick in event.refused]
    if event.clock_suspect:
        what = f"The sender's clock said {iso(event.sent_at)}, more than 2 s from log time"
        lines.append(Line("PRICE-17", f"{what}: the shard opened nothing until the next prices."))
    if lines:
        return lines
    held = any(isinstance(other, TickHeld) for other in context.events)
    what = "It brought only ticks that are held until others confirm them" if held else "It named no symbol"
    return [Line("PRICE-05" if held else None, f"{what}; no price changed.")]


def _refused(tick: RefusedTick, instrument: Instrument | None) -> Line:
    rule, words = OF_TICKS[TickRefusal(tick.reason)]
    if tick.bid is None or tick.ask is None:
        what = "a mark without a tick"
    elif instrument is None:
        what = f"bid {tick.bid} ticks, ask {tick.ask} ticks"
    else:
        what = f"bid {Units(instrument).price(tick.bid)}, ask {Units(instrument).price(tick.ask)}"
    when = "" if tick.source_time is None else f", source time {iso(tick.source_time)}"
    return Line(rule, f"{tick.symbol}: {what}{when}: refused, {tick.reason}: {words}.")


def _reduced(event: OldestReduced, units: Units) -> Line:
    return Line(
        "PART-09",
        f"{units.named_size(event.quantity)} of the {event.side} positions at "
        f"{render(event.leverage, LEVERAGE_EXPONENT)}x, the oldest first, were closed at {units.price(event.price)}; "
        f"positions: {event.positions}.",
    )


def _terms(instrument: Instrument) -> Line:
    units = Units(instrument)
    least, most = (
        render(leverage, LEVERAGE_EXPONENT) for leverage in (instrument.leverage_min, instrument.leverage_max)
    )
    rates = ", ".join(
        f"{name} {rate_of(rate)}"
        for name, rate in (
            ("fee", instrument.fee_rate),
            ("maintenance", instrument.maintenance_rate),
            ("margin floor", instrument.margin_floor_rate),
            ("liquidation fee", instrument.liquidation_fee_rate),
        )
    )
    return Line(
        "INST-01",
        f"{instrument.symbol}: tick {units.price(1)}, lot {units.size(1)}; {units.size(instrument.quantity_min)} to "
        f"{units.named_size(instrument.quantity_max)} a position; leverage {least}x to {most}x; {rates}; notional at "
        f"most {money(instrument.notional_max)} USDC a position, {money(instrument.account_notional_max)} an account, "
        f"{money(instrument.side_notional_max)} a side.",
    )


def _other(shard: int, event: Event, instruments: dict[str, Instrument]) -> Line:
    """Name another event of the command: what it did to a position, or its type."""
    name = event_id(shard, event.seq)
    if isinstance(event, TickHeld):
        units = Units(instruments[event.symbol])
        tick = f"bid {units.price(event.bid)}, ask {units.price(event.ask)}"
        return Line(None, f"The same command held a tick of {event.symbol}: {tick} (event {name}).")
    if not isinstance(event, FillEvent):
        symbol = getattr(event, "symbol", None)
        return Line(
            None, f"The same command: {type(event).__name__}{f' of {symbol}' if symbol else ''} (event {name})."
        )
    units = Units(instruments[event.symbol])
    what = f"{event.side} {units.named_size(event.quantity)} at {units.price(event.price)}"
    of = f"position {event.position_id} of account {event.account_id}"
    if isinstance(event, PositionOpened):
        return Line(None, f"The same command opened {of}: {what} (event {name}).")
    did, profit = "closed" if isinstance(event, PositionClosed) else "reduced", money(event.profit)
    reason = "by hand" if event.reason == "manual" else event.reason.replace("_", " ")
    return Line(None, f"The same command {did} {of}, {reason}: {what}, profit {profit} (event {name}).")
