"""Whether a command might lead to what it did: how old a price was, which tick a mark named, how many positions stood.

By records of the audit's own, taken from the events: what they say must be what docs/rules.md allows, whatever the core
remembers. The sums of the receipts are judged in `arithmetic`, the laws in `running_laws`.
"""

from dataclasses import dataclass
from typing import Final

from audit.digits import iso
from audit.verify.arithmetic import RULES, AuditRules
from engine.core.state import State
from schemas.commands import Command, UpdatePrices
from schemas.event_groups import FillEvent
from schemas.events import (
    AccountLimitsSet,
    AllClosed,
    ClockSet,
    Event,
    FeedSelected,
    OldestReduced,
    PositionClosed,
    PositionOpened,
    PricesUpdated,
    RulesActivated,
    TickHeld,
)
from schemas.messages import AliveMark
from schemas.units import SECOND

PRICE_AGE_MAX: Final = 5 * SECOND
OPENING_AGE_MAX: Final = 2 * SECOND
HELD_AGE_MAX: Final = 5 * SECOND
DRIFT_MAX: Final = 2 * SECOND
LIVE_DRIFT_MAX: Final = 5 * SECOND

TickName = tuple[int, int]  # source time and update id


@dataclass
class HeardPrice:
    """What the events have said of a symbol's price. at: when it was heard; held_at: since when a tick waits (µs)."""

    tick: TickName | None = None
    at: int = 0
    newest: int = 0  # source time of the last tick that was accepted or held
    is_left: bool = False  # stale whatever its age
    is_doubted: bool = False  # a newer tick was refused
    held_at: int | None = None


class RunningRules:
    """One shard's prices and open positions; `broken_by` takes each command with its events, once they are applied."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._version = state.rules_version
        self._time: int = state.time
        self._positions_max = state.positions_max
        self._prices: dict[str, HeardPrice] = {}
        for symbol, market in state.markets.items():
            price = self._prices[symbol] = HeardPrice()
            if market.quote is not None:
                price.tick, price.at = (market.quote.source_time, market.quote.update_id), market.quote.heard_at
                price.is_left, price.is_doubted = market.quote.stale, market.quote.contradicted
            price.newest = market.last_source_time or 0
            if market.candidate is not None:
                price.held_at = market.candidate.held_at
        self._open: dict[str, dict[str, str]] = {}  # by account: names and symbols, the oldest first
        for position in sorted(state.positions.values(), key=lambda position: position.number):
            self._open.setdefault(position.account_id, {})[position.position_id] = position.symbol

    def broken_by(self, command: Command | None, events: list[Event]) -> list[str]:
        """Give a sentence for each thing that no rule allows; none in a sound ledger."""
        found: list[str] = []
        outcome, rules = events[0], RULES[self._version]
        if outcome.time < self._time and not isinstance(outcome, ClockSet):
            found.append(f"CMD-13: log time goes back from {iso(self._time)} to {iso(outcome.time)}")
        self._time = outcome.time
        if isinstance(outcome, PricesUpdated):
            self._hear(outcome, command, rules, found)
        elif isinstance(outcome, AllClosed):
            self._judge_all_closed(outcome, events, rules, found)
        elif isinstance(outcome, OldestReduced):
            closed = sum(event.quantity for event in events if isinstance(event, FillEvent))
            if rules.closed_quantity and outcome.quantity != closed:
                found.append(f"PART-11: quantity is {outcome.quantity}, and {closed} lots closed")
        elif isinstance(outcome, FeedSelected):
            for price in self._prices.values():
                price.is_left, price.held_at = price.tick is not None, None
        elif isinstance(outcome, ClockSet):
            self._turn_back(outcome.time)
        elif isinstance(outcome, AccountLimitsSet):
            self._positions_max = outcome.positions_max
        elif isinstance(outcome, RulesActivated):
            self._version = outcome.version
            for price in self._prices.values():
                price.held_at = None if price.held_at is None else outcome.time
        for event in events:
            if isinstance(event, TickHeld):
                price = self._price(event.symbol)
                price.held_at, price.newest = event.time, event.source_time
            elif isinstance(event, FillEvent):
                self._judge_fill(event, rules, found)
        return found

    def _hear(self, event: PricesUpdated, command: Command | None, rules: AuditRules, found: list[str]) -> None:
        """Take over what was accepted, alive or refused."""
        marks: dict[str, AliveMark] = {}
        for mark in (command.marks or ()) if isinstance(command, UpdatePrices) else ():
            marks.setdefault(mark.symbol, mark)
        is_suspect = abs(event.sent_at - event.time) > DRIFT_MAX
        for symbol in event.alive:
            price = self._price(symbol)
            wrong = (
                _wrong_with_mark(marks.get(symbol), price, is_suspect=is_suspect) if rules.marks_name_ticks else None
            )
            if wrong is None and self._is_stale(price):
                wrong = "PRICE-13", "the price was stale"
            if wrong is not None:
                found.append(f"{wrong[0]}: the mark of {symbol} counts, and {wrong[1]}")
            price.at = event.time
        for tick in event.accepted:
            if rules.own_range and not tick.low == tick.bid + tick.ask == tick.high:
                found.append(
                    f"PRICE-23: the range of {tick.symbol} is {tick.low} to {tick.high}, and not the tick's own"
                )
            self._prices[tick.symbol] = HeardPrice((tick.source_time, tick.update_id), event.time, tick.source_time)
        for refused in event.refused:
            price = self._price(refused.symbol)
            if refused.bid is None or refused.source_time is None or refused.update_id is None or price.tick is None:
                continue
            if rules.marks_name_ticks and (refused.source_time, refused.update_id) > price.tick:
                price.is_doubted = True
                price.is_left |= is_suspect  # PRICE-24

    def _judge_fill(self, event: FillEvent, rules: AuditRules, found: list[str]) -> None:
        """A position is opened or closed at a price that may be traded at; no account has too many."""
        name, price = event.position_id, self._price(event.symbol)
        wrong = self._shut(event.symbol, rules)
        if wrong is not None:
            found.append(f"{wrong[0]}: position {name} was traded, and {wrong[1]}")
        account_id = event.account_id
        assert account_id is not None, "a position is an account's"
        theirs = self._open.setdefault(account_id, {})
        if isinstance(event, PositionClosed):
            theirs.pop(name, None)
        elif isinstance(event, PositionOpened):
            theirs[name] = event.symbol
            age_max = self._state.instruments[event.symbol].open_age_max
            age_max = OPENING_AGE_MAX if age_max is None else age_max
            if rules.opening_age and event.time - price.at > age_max:
                found.append(f"PRICE-20: position {name} was opened at a price heard {event.time - price.at} µs ago")
            if rules.positions_limited and len(theirs) > self._positions_max:
                found.append(f"OPEN-18: position {name} is one of {len(theirs)}, and {self._positions_max} may be open")

    def _judge_all_closed(self, outcome: AllClosed, events: list[Event], rules: AuditRules, found: list[str]) -> None:
        """What closes and what stays is all there was, the oldest first; what stays could not be closed."""
        assert outcome.account_id is not None, "an account closes"
        theirs = self._open.get(outcome.account_id, {})
        asked = {name: symbol for name, symbol in theirs.items() if outcome.symbol in (None, symbol)}
        closed = [event.position_id for event in events if isinstance(event, PositionClosed)]
        expected = [name for name in asked if name not in outcome.left]
        if closed != expected:
            those, others = (", ".join(names) or "none" for names in (closed, expected))
            found.append(f"CLOSE-08: {those} closed, where {others} should, in this order")
        if outcome.positions != len(closed):
            found.append(f"CLOSE-08: positions is {outcome.positions}, and {len(closed)} closed")
        for name in outcome.left:
            if name not in asked:
                found.append(f"CLOSE-08: position {name} stays, and was none of those to close")
            elif self._shut(asked[name], rules) is None:
                found.append(f"CLOSE-08: position {name} stays, and its market would have let it close")

    def _shut(self, symbol: str, rules: AuditRules) -> tuple[str, str] | None:
        """Give the rule by which nothing is traded in a symbol now, and why; null where it may be."""
        price = self._price(symbol)
        if self._state.markets[symbol].status == "halted":
            return "HALT-01", "the market was halted"
        if price.tick is None:
            return "PRICE-11", "no tick was accepted"
        held_at = price.held_at
        if held_at is not None and not (rules.held_ticks_age and self._time - held_at >= HELD_AGE_MAX):
            return "PRICE-11", "a tick was held"
        return ("PRICE-12", "the price was stale") if self._is_stale(price) else None

    def _turn_back(self, time: int) -> None:
        """CLOCK-02: what was heard or held at a time that is to come counts from now."""
        feed = self._state.feed
        for price in self._prices.values():
            if feed is not None and feed.live and price.newest > time + LIVE_DRIFT_MAX:
                price.held_at, price.newest, price.is_left = None, 0, price.tick is not None
            if price.tick is not None and price.at > time:
                price.at, price.is_left = time, True
            if price.held_at is not None:
                price.held_at = min(price.held_at, time)

    def _is_stale(self, price: HeardPrice) -> bool:
        return price.is_left or self._time - price.at >= PRICE_AGE_MAX

    def _price(self, symbol: str) -> HeardPrice:
        return self._prices.setdefault(symbol, HeardPrice())


def _wrong_with_mark(mark: AliveMark | None, price: HeardPrice, is_suspect: bool) -> tuple[str, str] | None:
    """Give the rule by which a mark keeps nothing fresh, and why; null where it does."""
    if is_suspect:
        return "PRICE-18", "its sender's clock is off"
    if mark is None or (mark.source_time, mark.update_id) != price.tick:
        return "PRICE-18", "it does not name the last accepted tick"
    if price.held_at is not None:
        return "PRICE-18", "a tick is held"
    return ("PRICE-19", "a newer tick was refused") if price.is_doubted else None
