"""The checks of a specification, of its events in order: refusals, positions opened and closed, and ticks."""

from schemas.events import (
    AllClosed,
    CommandRejected,
    CommandRepeated,
    Event,
    OldestReduced,
    PositionClosed,
    PositionOpened,
    PositionReduced,
    PricesUpdated,
    StopsAmended,
    TickHeld,
)
from schemas.messages import CloseReason
from schemas.rejections import Rejection, TickRefusal
from tests.spec.exchange import Exchange
from tests.spec.language import Check, Number, lots, ticks, usdc


def the_next(exchange: Exchange, event_type: type[Event]) -> Event:
    """Give the next event of this type that was not matched; no refusal and no close is passed over."""
    for index, event in enumerate(exchange.unseen):
        if isinstance(event, event_type):
            del exchange.unseen[: index + 1]
            return event
        passed_over = isinstance(event, CommandRejected | PositionClosed | PositionReduced)
        assert not passed_over, f"before {event_type.__name__} came {event}"
    raise AssertionError(f"no {event_type.__name__} in {exchange.unseen}")


def refused(rejection: Rejection) -> Check:
    """A command was refused, with this number."""

    def check(exchange: Exchange) -> None:
        event = the_next(exchange, CommandRejected)
        assert isinstance(event, CommandRejected)
        assert Rejection(event.rejection) is rejection

    return check


def repeated(first_offset: int | None = None) -> Check:
    """A command was known, and not executed."""

    def check(exchange: Exchange) -> None:
        event = the_next(exchange, CommandRepeated)
        assert isinstance(event, CommandRepeated)
        assert len(exchange.last) == 1
        assert first_offset is None or event.first_offset == first_offset

    return check


def opened(  # Each is a number the rules decide.
    number: int | None = None,
    *,
    at: Number | None = None,
    quantity: Number | None = None,
    margin: Number | None = None,
    fee: Number | None = None,
    liquidation: Number | None = None,
    warned: bool | None = False,
) -> Check:
    """A position was opened. warned: of a stop beyond liquidation; None where that is not the question."""

    def check(exchange: Exchange) -> None:
        event = the_next(exchange, PositionOpened)
        assert isinstance(event, PositionOpened)
        assert number is None or event.position_id == f"{exchange.state.shard}-{number}"
        assert at is None or event.price == ticks(event.symbol, at)
        assert quantity is None or event.quantity == lots(event.symbol, quantity)
        assert margin is None or event.margin == usdc(margin)
        assert fee is None or event.fee == usdc(fee)
        assert liquidation is None or event.liquidation_price == ticks(event.symbol, liquidation)
        assert warned is None or event.warnings == (("STOP_BEYOND_LIQUIDATION",) if warned else ())

    return check


def closed(  # Each is a number of the receipt.
    reason: CloseReason,
    number: int | None = None,
    *,
    at: Number | None = None,
    trigger: Number | None = None,
    profit: Number | None = None,
    equity: Number | None = None,
    requirement: Number | None = None,
    fee: Number = 0,
    liquidation_fee: Number = 0,
    returned: Number | None = None,
    shortfall: Number = 0,
    insurance_paid: Number | None = None,
    written_off: Number | None = None,
) -> Check:
    """A position was closed, next and so."""

    def check(exchange: Exchange) -> None:
        event = the_next(exchange, PositionClosed)
        assert isinstance(event, PositionClosed)
        assert event.reason == reason
        assert number is None or event.position_id == f"{exchange.state.shard}-{number}"
        assert at is None or event.price == ticks(event.symbol, at)
        assert trigger is None or event.trigger_price == ticks(event.symbol, trigger)
        assert profit is None or event.profit == usdc(profit)
        assert equity is None or event.equity == usdc(equity)
        assert requirement is None or event.requirement == usdc(requirement)
        assert (event.fee, event.liquidation_fee) == (usdc(fee), usdc(liquidation_fee))
        assert returned is None or event.returned == usdc(returned)
        assert event.shortfall == usdc(shortfall)
        assert insurance_paid is None or event.insurance_paid == usdc(insurance_paid)
        assert written_off is None or event.written_off == usdc(written_off)

    return check


def liquidated(number: int | None = None, *, at: Number, fee: Number, returned: Number, **rest: Number) -> Check:
    """A position was liquidated, and paid the liquidation fee."""
    return closed("liquidation", number, at=at, liquidation_fee=fee, returned=returned, **rest)


def stopped(number: int | None = None, *, at: Number, **rest: Number) -> Check:
    """A position's stop loss closed it."""
    return closed("stop_loss", number, at=at, **rest)


def taken(number: int | None = None, *, at: Number, **rest: Number) -> Check:
    """A position's take profit closed it."""
    return closed("take_profit", number, at=at, **rest)


def closed_by_hand(number: int | None = None, **rest: Number) -> Check:
    """A position's owner closed it."""
    return closed("manual", number, **rest)


def reduced(
    number: int | None = None,
    *,
    quantity: Number | None = None,
    left: Number | None = None,
    at: Number | None = None,
    profit: Number | None = None,
    fee: Number = 0,
    released: Number | None = None,
    returned: Number | None = None,
    margin: Number | None = None,
    liquidation: Number | None = None,
    warned: bool = False,
) -> Check:
    """A part of a position was closed, next and so. margin, liquidation: of the rest."""

    def check(exchange: Exchange) -> None:
        event = the_next(exchange, PositionReduced)
        assert isinstance(event, PositionReduced)
        assert number is None or event.position_id == f"{exchange.state.shard}-{number}"
        assert quantity is None or event.quantity == lots(event.symbol, quantity)
        assert left is None or event.quantity_left == lots(event.symbol, left)
        assert at is None or event.price == ticks(event.symbol, at)
        assert profit is None or event.profit == usdc(profit)
        assert event.fee == usdc(fee)
        assert released is None or event.released == usdc(released)
        assert returned is None or event.returned == usdc(returned)
        assert margin is None or event.margin_left == usdc(margin)
        assert liquidation is None or event.liquidation_price == ticks(event.symbol, liquidation)
        assert event.warnings == (("STOP_BEYOND_LIQUIDATION",) if warned else ())

    return check


def oldest_reduced(*, quantity: Number, at: Number, positions: int) -> Check:
    """Lots of so many of the oldest positions are closed, as the events that follow say."""

    def check(exchange: Exchange) -> None:
        event = the_next(exchange, OldestReduced)
        assert isinstance(event, OldestReduced)
        assert event.quantity == lots(event.symbol, quantity)
        assert (event.price, event.positions) == (ticks(event.symbol, at), positions)

    return check


def all_closed(count: int, *left: int) -> Check:
    """So many positions close, and these stay."""

    def check(exchange: Exchange) -> None:
        event = the_next(exchange, AllClosed)
        assert isinstance(event, AllClosed)
        assert (event.positions, event.left) == (count, tuple(f"{exchange.state.shard}-{number}" for number in left))

    return check


def amended(*, stop: Number | None, take: Number | None, warned: bool = False) -> Check:
    """A position's stop and take are now these."""

    def check(exchange: Exchange) -> None:
        event = the_next(exchange, StopsAmended)
        assert isinstance(event, StopsAmended)
        assert event.stop_loss == (None if stop is None else ticks(event.symbol, stop))
        assert event.take_profit == (None if take is None else ticks(event.symbol, take))
        assert event.warnings == (("STOP_BEYOND_LIQUIDATION",) if warned else ())

    return check


def accepted(*symbols: str) -> Check:
    """A price command's ticks were believed: just these."""

    def check(exchange: Exchange) -> None:
        event = the_next(exchange, PricesUpdated)
        assert isinstance(event, PricesUpdated)
        assert tuple(tick.symbol for tick in event.accepted) == symbols
        assert event.refused == ()

    return check


def held(symbol: str) -> Check:
    """A tick became the candidate."""

    def check(exchange: Exchange) -> None:
        event = the_next(exchange, TickHeld)
        assert isinstance(event, TickHeld)
        assert event.symbol == symbol

    return check


def tick_refused(symbol: str, reason: TickRefusal) -> Check:
    """A tick or an alive mark changed nothing, and this is why."""

    def check(exchange: Exchange) -> None:
        event = the_next(exchange, PricesUpdated)
        assert isinstance(event, PricesUpdated)
        assert [(refusal.symbol, refusal.reason) for refusal in event.refused] == [(symbol, reason.value)]
        assert all(tick.symbol != symbol for tick in event.accepted)

    return check


def kept_alive(*symbols: str) -> Check:
    """Alive marks counted for just these."""

    def check(exchange: Exchange) -> None:
        event = the_next(exchange, PricesUpdated)
        assert isinstance(event, PricesUpdated)
        assert event.alive == symbols

    return check
