"""An independent check of each event with a calculator: prices, roundings, fees, and overdue positions."""

from fractions import Fraction

from engine.core.prices import condition
from engine.core.state import State
from schemas.events import (
    AllClosed,
    Event,
    OldestReduced,
    PositionClosed,
    PositionOpened,
    PositionReduced,
    PricesUpdated,
)
from schemas.ledger_records import Position
from schemas.messages import Instrument

MILLION = 10**6


def complaints(event: Event, instrument: Instrument | None, rules_version: int) -> list[str]:
    """Give a sentence for each number of an opening or a closing that is not what these rules say."""
    if isinstance(event, PositionOpened) and instrument is not None:
        return [sentence for holds, sentence in _of_opening(event, instrument) if not holds]
    if isinstance(event, PositionClosed) and instrument is not None:
        return [sentence for holds, sentence in _of_closing(event, instrument, rules_version) if not holds]
    if isinstance(event, PositionReduced) and instrument is not None:
        return [sentence for holds, sentence in _of_part(event, instrument) if not holds]
    return []


def complaints_of_all(events: list[Event], state: State, rules_version: int) -> list[str]:
    """Give a sentence for what the events of one command, taken together, do not say alike."""
    outcome, *others = events
    closed = [event for event in others if isinstance(event, PositionClosed)]
    wrong = [
        f"{event.position_id} was closed at a price that is not fresh, or in a halted market"
        for event in events
        if isinstance(event, PositionClosed)
        and (condition(state, event.symbol, state.time) != "fresh" or state.markets[event.symbol].status == "halted")
    ]
    if isinstance(outcome, AllClosed):
        numbers = [int(event.position_id.partition("-")[2]) for event in closed]
        if numbers != sorted(numbers) or not len(numbers) == outcome.positions == len(others):
            wrong.append("not so many positions were closed, the oldest first")
    if isinstance(outcome, OldestReduced) and rules_version > 1:
        parts = [event.quantity for event in others if isinstance(event, PositionReduced)]
        if outcome.quantity != sum(parts) + sum(event.quantity for event in closed):
            wrong.append("other lots were closed than the outcome says")
    if isinstance(outcome, PricesUpdated) and rules_version > 1:
        wrong += [
            f"{tick.symbol} has a range"
            for tick in outcome.accepted
            if not tick.low == tick.bid + tick.ask == tick.high
        ]
    return wrong


def overdue(state: State) -> list[str]:
    """Give a sentence for each stop and take that a fresh price in an open market has reached and not fired."""
    return [
        f"{position.position_id} should have been closed"
        for position in state.positions.values()
        if state.markets[position.symbol].status != "halted"
        and condition(state, position.symbol, state.time) == "fresh"
        and _is_reached(state, position)
    ]


def rounded_up(exact: Fraction, given: int) -> bool:
    """Say whether a number is the exact one rounded up: against the trader, by less than a unit."""
    return exact <= given < exact + 1


def _is_reached(state: State, position: Position) -> bool:
    quote = state.markets[position.symbol].quote
    assert quote is not None
    if position.side == "long":
        stop, take = position.stop_loss, position.take_profit
        return (stop is not None and quote.bid <= stop) or (take is not None and quote.bid >= take)
    stop, take = position.stop_loss, position.take_profit
    return (stop is not None and quote.ask >= stop) or (take is not None and quote.ask <= take)


def _of_opening(event: PositionOpened, instrument: Instrument) -> list[tuple[bool, str]]:
    worth = event.quantity * event.price * instrument.tick_value
    exact_margin = Fraction(worth * 100, event.leverage)
    lot = Fraction(event.price * instrument.tick_value * 100, event.leverage)
    slack = lot if lot > 1 else Fraction(1)
    return [
        (event.price == (event.ask if event.side == "long" else event.bid), "opened at another price"),
        (event.notional == worth, "the notional is not quantity x price"),
        (
            exact_margin <= event.margin < exact_margin + slack,
            "the margin is not that of the quantity",
        ),
        (rounded_up(Fraction(worth * event.fee_rate, MILLION), event.fee), "the fee is not its share rounded up"),
    ]


def _of_closing(event: PositionClosed, instrument: Instrument, rules_version: int) -> list[tuple[bool, str]]:
    worth = event.quantity * event.price * instrument.tick_value
    profit = (worth - event.entry_notional) * (1 if event.side == "long" else -1)
    liquidatable = event.equity < event.requirement
    pays_as_liquidated = liquidatable if rules_version == 1 else event.reason == "liquidation"
    paid, other = event.fee, event.liquidation_fee
    rate = instrument.fee_rate
    if pays_as_liquidated:
        paid, other, rate = event.liquidation_fee, event.fee, instrument.liquidation_fee_rate
    left = max(0, event.equity)
    trigger = event.trigger_price
    return [
        (event.price == (event.bid if event.side == "long" else event.ask), "closed at another price"),
        (event.notional == worth, "the notional is not quantity x price"),
        (event.profit == profit, "the profit is not the difference"),
        (event.equity == event.margin + profit, "the equity is not margin + profit"),
        (
            rounded_up(
                Fraction(
                    max(worth * instrument.maintenance_rate, event.margin * instrument.margin_floor_rate), MILLION
                ),
                event.requirement,
            ),
            "the requirement is not the greater rate rounded up",
        ),
        (other == 0, "the other fee was taken"),
        (paid == left or rounded_up(Fraction(worth * rate, MILLION), paid), "the fee is not its share rounded up"),
        (event.returned == left - paid, "what is left was not returned"),
        (event.shortfall == max(0, -event.equity), "the shortfall is not the negative equity"),
        (event.shortfall == event.insurance_paid + event.written_off, "nobody bears a part of the shortfall"),
        (event.reason != "liquidation" or liquidatable, "liquidated while it had enough"),
        (
            event.reason == "manual" or (trigger is not None and _lies_behind(event, trigger)),
            "a trigger fired that was not reached",
        ),
    ]


def _of_part(event: PositionReduced, instrument: Instrument) -> list[tuple[bool, str]]:
    sign = 1 if event.side == "long" else -1
    lot = event.price * instrument.tick_value
    entry = event.entry_price * instrument.tick_value
    size = event.quantity + event.quantity_left
    worth, rest = event.quantity * lot, event.quantity_left * lot
    cost = max(0, event.fee - event.profit)
    posted = event.margin - cost
    equity = posted + sign * (rest - event.entry_notional_left)
    share = Fraction(posted * event.quantity, size)
    needed = max(
        Fraction(rest * instrument.maintenance_rate, MILLION), Fraction(posted * instrument.margin_floor_rate, MILLION)
    )
    return [
        (event.price == (event.bid if event.side == "long" else event.ask), "closed at another price"),
        (event.quantity > 0 and event.quantity_left > 0, "it is no part"),
        (event.notional == worth, "the notional is not quantity x price"),
        (event.entry_notional == event.quantity * entry, "the entry notional is not quantity x entry price"),
        (event.entry_notional_left == event.quantity_left * entry, "the rest has another entry price"),
        (event.profit == sign * (worth - event.entry_notional), "the profit is not the difference"),
        (event.equity == event.margin + sign * size * (lot - entry), "the equity is not margin + profit"),
        (rounded_up(Fraction(worth * instrument.fee_rate, MILLION), event.fee), "the fee is not its share rounded up"),
        (event.returned == event.released + max(0, event.profit - event.fee), "the parts of what returned differ"),
        (event.margin_left == posted - event.released, "the margin that stays is not the rest"),
        (0 <= event.released <= share, "more than its share was set free"),
        (event.margin_left > 0 and equity - event.released >= needed, "the rest is liquidatable"),
    ]


def _lies_behind(event: PositionClosed, trigger: int) -> bool:
    """Say whether the closing price is at the trigger or beyond."""
    from_above = (event.side == "long") != (event.reason == "take_profit")
    return event.price <= trigger if from_above else event.price >= trigger
