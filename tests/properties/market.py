"""A market that lives: people trade shares of what they have, prices move by basis points, feeds and halts come and go.

After every command: all laws, the fold, the calculator, and the naive engine agree. What a machine compares with can
be left out, so that each shows by itself which defects it finds. The rules are those of the newest version from birth;
other machines begin with the first, and stay with it or go on by the next.

Longer than 300 lines because Hypothesis takes all rules of a state machine from one class.
"""

from collections.abc import Mapping
from typing import Any, ClassVar, NamedTuple

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from audit.verify.running_laws import RunningLaws
from engine.core import memory
from engine.core.apply import apply
from engine.core.fingerprint import state_digest
from engine.core.laws import broken
from engine.core.prices import condition
from engine.core.state import State
from engine.snapshot.copy_on_write import begin_copy, end_copy
from engine.snapshot.format import restore
from schemas.codec import encode_command, version_of
from schemas.commands import (
    ActivateRules,
    AmendStops,
    ClientCommand,
    CloseAll,
    ClosePosition,
    Command,
    DefineInstruments,
    Deposit,
    OpenAccount,
    OpenPosition,
    ReduceOldest,
    ReducePosition,
    SelectFeed,
    SetAccountLimits,
    SetClock,
    SetMarketStatus,
    UpdatePrices,
    Withdraw,
)
from schemas.events import (
    AllClosed,
    CommandRejected,
    CommandRepeated,
    Event,
    OldestReduced,
    PositionClosed,
    PositionOpened,
    PositionReduced,
)
from schemas.instruments import BY_SYMBOL, FIRST_BROADCAST
from schemas.ledger_records import Position, Quote
from schemas.messages import AliveMark, MarketStatus, Side, Tick
from schemas.record import replace
from schemas.rejections import Rejection
from schemas.units import Ppm, Ticks, Timestamp
from tests.activating import NEWEST, activate
from tests.properties.calculator import complaints, complaints_of_all, overdue
from tests.spec.exchange import PACE, RULES, Exchange, born
from tests.spec.language import ALICE, BOB, BTC, ETH, RUN, SOL, ticks
from tests.twin.naive import Answer, Naive

START = {BTC: ticks(BTC, 50_000), ETH: ticks(ETH, 2_500), SOL: ticks(SOL, 125)}
PEOPLE = (ALICE, BOB)
FEW = 12  # commands an account may send, in place of 600

people = st.sampled_from(PEOPLE)
symbols = st.sampled_from((BTC, BTC, BTC, ETH, SOL))
sides = st.sampled_from(("long", "short"))
leverages = st.sampled_from((5_000, 1_000, 10_000, 2_500, 300, 150, 100))
spreads = st.sampled_from((0, 0, 1, 2, 10, 99))
levels = st.sampled_from((None, 5, 50, 200, 1_000, 0))


class Order(NamedTuple):
    """A requested opening: so many percent of the free margin, stops so many basis points away."""

    who: str
    symbol: str
    side: Side
    percent: int
    leverage: int
    stop_bps: int | None
    take_bps: int | None
    by_quantity: bool
    name: str | None


orders = st.builds(
    Order,
    who=people,
    symbol=symbols,
    side=sides,
    percent=st.sampled_from((10, 3, 1, 20, 50, 101)),
    leverage=leverages,
    stop_bps=levels,
    take_bps=levels,
    by_quantity=st.booleans(),
    name=st.sampled_from((None, "mine", "yours", "ours")),
)


def ids_of(state: State) -> set[tuple[str, str, str]]:
    """Give the remembered ids: whose, which, and what each is counted under."""
    return {
        (who, command_id, kind)
        for who, account in state.accounts.items()
        for kind, ids in (
            ("opening", account.commands),
            ("leaving", account.exits),
            ("close", account.closes),
            ("amendment", account.amendments),
            ("withdrawal", account.withdrawals),
        )
        for command_id in ids
    }


def away(price: int, side: Side, bps: int | None, *, gain: bool) -> int | None:
    """Give a level so far from a price, on the side where the position gains or loses."""
    if bps is None:
        return None
    distance = price * bps // 10_000
    return max(1, price + distance if gain == (side == "long") else price - distance)


class Market(RuleBasedStateMachine):
    """One shard, two people, three symbols."""

    with_laws: ClassVar[bool] = True
    with_twin: ClassVar[bool] = True
    first_rules: ClassVar[int] = NEWEST
    activates: ClassVar[bool] = False

    def __init__(self) -> None:
        super().__init__()
        token = RULES.set(self.first_rules)
        self.exchange = Exchange()
        RULES.reset(token)
        self.audit = RunningLaws(self.exchange.state)
        self.folded = born(0, 1, self.first_rules)
        self.twin = Naive(self.first_rules)
        self.patch = pytest.MonkeyPatch()
        self.ahead = 0  # µs by which the broker's clock is wrong
        self.feed = SelectFeed(name="simulated", run=RUN, live=False)
        self.runs = 0

    def teardown(self) -> None:
        """Give the core its own bounds back."""
        self.patch.undo()

    @initialize(
        fee_rate=st.sampled_from((0, 700, 1_000, 50_000)),
        first_deposit=st.sampled_from((0, 10_000, 1_000_000)),
        most=st.sampled_from((600, 600, FEW)),
    )
    def begin(self, fee_rate: int, first_deposit: int, most: int) -> None:
        """Instruments, a feed, two accounts, prices that trade, and perhaps few commands that an account may send."""
        self.twin.most, self.twin.most_withdrawals = most, most // 4
        for name, known in memory.MOST.items():
            if known is not None:
                self.patch.setitem(memory.MOST, name, most // 4 if name == "withdrawals" else most)
        instruments = tuple(
            replace(instrument, fee_rate=fee_rate, spread_max=Ppm(10_000)) for instrument in BY_SYMBOL.values()
        )
        self.send(DefineInstruments(command_id="i", shard=0, broadcast=FIRST_BROADCAST, instruments=instruments))
        self.send(self.feed)
        for who in PEOPLE:
            self.send(OpenAccount(command_id=f"open-{who}", account_id=who, first_deposit=first_deposit * 10**6))
            self.send(Deposit(command_id=f"first-{who}", account_id=who, amount=10**10))
        for symbol, price in START.items():
            self.settle(symbol, price, price)

    def send(self, command: Command | None) -> list[Event]:
        """Give the command, or none where it is of later rules, to the core and to the twin, and compare."""
        if command is not None and version_of(encode_command(command)) not in range(self.in_force + 1):
            command = None
        events = self.exchange.send(command)
        if self.with_laws:
            self.check_laws(command, events)
        if self.with_twin:
            self.check_twin(self.twin.execute(command, self.exchange.now), events)
        return events

    @property
    def in_force(self) -> int:
        """The version in force."""
        return self.exchange.state.rules_version

    def check_laws(self, command: Command | None, events: list[Event]) -> None:
        """Hold the laws, the fold, the calculator, and what the audit judges."""
        state = self.exchange.state
        assert self.audit.broken_by(command, events) == []
        for event in events:
            apply(self.folded, event)
            instrument = state.instruments.get(getattr(event, "symbol", ""))
            assert complaints(event, instrument, state.rules_version) == []
        assert complaints_of_all(events, state, state.rules_version) == []
        assert broken(state) == []
        assert overdue(state) == []
        assert state_digest(self.folded) == state_digest(state), "law 9"

    def check_twin(self, answer: Answer, events: list[Event]) -> None:
        """Compare the core with the naive engine."""
        state, outcome = self.exchange.state, events[0]
        refusal = Rejection(outcome.rejection).name if isinstance(outcome, CommandRejected) else None
        assert refusal == answer.refusal
        assert isinstance(outcome, CommandRepeated) == answer.repeated
        opened = int(outcome.position_id[2:]) if isinstance(outcome, PositionOpened) else None
        assert opened == answer.opened
        closes = [
            (int(event.position_id[2:]), event.reason, event.price, event.returned)
            for event in events
            if isinstance(event, PositionClosed)
        ]
        assert closes == [(close.number, close.reason, close.price, close.returned) for close in answer.closes]
        parts = [
            (int(event.position_id[2:]), event.quantity, event.price, event.returned)
            for event in events
            if isinstance(event, PositionReduced)
        ]
        assert parts == [(part.number, part.lots, part.price, part.returned) for part in answer.parts]
        left = [int(name[2:]) for name in outcome.left] if isinstance(outcome, AllClosed) else None
        assert left == answer.left
        lots = outcome.quantity if isinstance(outcome, OldestReduced) else None
        assert lots == answer.closed_of_the_oldest
        assert state.time == self.twin.time
        assert ids_of(state) == {(each.owner, each.command_id, each.kind) for each in self.twin.memories}
        assert {who: account.cash for who, account in state.accounts.items()} == self.twin.cash
        assert {(position.number, position.quantity, position.margin) for position in state.positions.values()} == {
            (position.number, position.lots, position.margin) for position in self.twin.positions
        }
        assert (state.house, state.fees, state.insurance) == (self.twin.house, self.twin.fees, self.twin.insurance)
        for symbol in state.instruments:
            quote, seen = state.markets[symbol].quote, self.twin.prices.quotes.get(symbol)
            assert (quote and (quote.bid, quote.ask, quote.heard_at)) == (seen and (seen.bid, seen.ask, seen.heard))
            assert condition(state, symbol, state.time) == self.twin.prices.worth_of(symbol, self.twin.time)

    def anything_open(self) -> bool:
        """Say whether any position is open."""
        return bool(self.exchange.state.positions)

    # Prices.

    def tick(self, symbol: str, bid: int, ask: int, *, later: int = 0, drift: int = 0) -> list[Event]:
        """Send a tick that is as new as the clock; the sender's own is off by a drift (µs)."""
        self.exchange.now += later
        now = self.exchange.now + PACE
        seen = Tick(
            symbol=symbol,
            bid=Ticks(bid),
            ask=Ticks(ask),
            low=bid + ask - 1,
            high=bid + ask + 1,
            source_time=Timestamp(now),
            update_id=0,
        )
        return self.send(
            UpdatePrices(feed=self.feed.name, run=self.feed.run, sent_at=now + drift, ticks=(seen,), alive=())
        )

    def settle(self, symbol: str, bid: int, ask: int) -> None:
        """Send a tick, and a second one that confirms it."""
        self.tick(symbol, bid, ask)
        self.tick(symbol, bid, ask, later=500_000)

    def quote(self, symbol: str) -> Quote:
        """Give the last price; there has been one since the beginning."""
        quote = self.exchange.state.markets[symbol].quote
        assert quote is not None
        return quote

    @rule(symbol=symbols, bps=st.integers(-990, 990), spread=spreads)
    def a_price_moves(self, symbol: str, bps: int, spread: int) -> None:
        """By so many basis points, with a spread of so many."""
        bid = max(1, self.quote(symbol).bid * (10_000 + bps) // 10_000)
        self.tick(symbol, bid, bid + bid * spread // 10_000)

    @rule(symbol=symbols, bps=st.sampled_from((-6_000, -3_000, -1_500, 1_500, 4_000)), confirmed=st.booleans())
    def a_price_gaps(self, symbol: str, bps: int, *, confirmed: bool) -> None:
        """Further than is believed at once."""
        price = min(max(100, self.quote(symbol).bid * (10_000 + bps) // 10_000), 10**8)
        self.tick(symbol, price, price)
        if confirmed:
            self.tick(symbol, price, price, later=500_000)

    @precondition(anything_open)
    @rule(data=st.data(), direction=st.sampled_from((-1, 1)))
    def a_price_creeps_over_a_level(self, data: Any, direction: int) -> None:
        """Tick by tick over a position's stop, take or liquidation price, either way."""
        position = self.somebody_s(data)
        prices = (position.liquidation_price, position.stop_loss, position.take_profit)
        level = data.draw(st.sampled_from([price for price in prices if price is not None] or [position.entry_price]))
        for step in (-direction, 0, direction):
            price = min(max(1, level + step), 10**9)
            self.tick(position.symbol, price, price)
            if condition(self.exchange.state, position.symbol, self.exchange.now) != "fresh":
                self.tick(position.symbol, price, price, later=500_000)

    @rule(ticks_of_three=st.tuples(*[st.integers(-300, 300)] * 3), drift=st.sampled_from((0, 0, 0, 2_000_001)))
    def all_prices_move_at_once(self, ticks_of_three: tuple[int, int, int], drift: int) -> None:
        """In one command, in no particular order, perhaps from a sender whose clock is off."""
        now = self.exchange.now + PACE
        seen = []
        for symbol, bps in zip((SOL, BTC, ETH), ticks_of_three, strict=True):
            bid = max(1, self.quote(symbol).bid * (10_000 + bps) // 10_000)
            seen.append(
                Tick(
                    symbol=symbol,
                    bid=Ticks(bid),
                    ask=Ticks(bid),
                    low=2 * bid,
                    high=2 * bid,
                    source_time=Timestamp(now),
                    update_id=0,
                )
            )
        self.send(
            UpdatePrices(feed=self.feed.name, run=self.feed.run, sent_at=now + drift, ticks=tuple(seen), alive=())
        )

    @rule(
        marks=st.lists(
            st.tuples(
                st.sampled_from((BTC, ETH, SOL, "DOGE_USDC")),
                st.sampled_from(("right", "right", "right", "id", "time", "name")),
            ),
            max_size=3,
        ),
        drift=st.sampled_from((0, 0, 0, 2_000_001)),
        twice=st.booleans(),
    )
    def the_feed_is_heard(self, marks: list[tuple[str, str]], drift: int, *, twice: bool) -> None:
        """Without a new tick: it names its last one, or another, or none; perhaps its clock is off."""
        now = self.exchange.now + PACE
        vouched = tuple(self.mark(symbol, what) for symbol, what in marks if what != "name")
        self.send(
            UpdatePrices(
                feed=self.feed.name,
                run=self.feed.run,
                sent_at=now + drift,
                ticks=(),
                alive=tuple(symbol for symbol, what in marks if what == "name" or self.in_force == 1),
                marks=vouched * (1 + twice) if self.in_force > 1 else None,
            )
        )

    def mark(self, symbol: str, what: str) -> AliveMark:
        """Name the last accepted tick, or one of another id or time."""
        market = self.exchange.state.markets.get(symbol)
        quote = None if market is None else market.quote
        time, update_id = (0, 0) if quote is None else (quote.source_time, quote.update_id)
        return AliveMark(
            symbol=symbol, source_time=Timestamp(time + (what == "time")), update_id=update_id + (what == "id")
        )

    @rule(symbol=symbols, waits=st.sampled_from((1_000_000, 3_000_000)), order=orders)
    def a_newer_price_is_refused_and_the_old_one_vouched_for(self, symbol: str, waits: int, order: Order) -> None:
        """Again and again, until somebody trades at it."""
        now, bid = self.exchange.now + PACE, self.quote(symbol).bid
        self.tick(symbol, bid, bid + bid // 100 + 1)
        for _ in range(2):
            self.exchange.now += waits
            now = self.exchange.now + PACE
            self.send(
                UpdatePrices(
                    feed=self.feed.name,
                    run=self.feed.run,
                    sent_at=now,
                    ticks=(),
                    alive=() if self.in_force > 1 else (symbol,),
                    marks=(self.mark(symbol, "right"),) if self.in_force > 1 else None,
                )
            )
        self.open(order._replace(symbol=symbol))

    @rule(
        symbol=symbols,
        quote=st.sampled_from(((0, 10), (-1, 1), (11, 10), (10**6, 2 * 10**6), (10**9, 10**9 + 1))),
        behind=st.sampled_from((0, 10**7)),
    )
    def a_price_is_nonsense(self, symbol: str, quote: tuple[int, int], behind: int) -> None:
        """Zero, crossed, too wide, too high, or old."""
        now = self.exchange.now + PACE
        bid, ask = quote
        seen = Tick(
            symbol=symbol,
            bid=Ticks(bid),
            ask=Ticks(ask),
            low=0,
            high=0,
            source_time=Timestamp(now - behind),
            update_id=0,
        )
        self.send(UpdatePrices(feed=self.feed.name, run=self.feed.run, sent_at=now, ticks=(seen,), alive=()))

    @rule(seconds=st.sampled_from((5, 1, 2, 3, 4, 60, 600, 86_400)))
    def it_is_quiet(self, seconds: int) -> None:
        """For a while; the next command comes just so many seconds after the last."""
        self.exchange.now += seconds * 10**6 - PACE

    @rule(name=st.sampled_from(("simulated", "recorded")), same_run=st.booleans())
    def the_feed_changes(self, name: str, *, same_run: bool) -> None:
        """To another name or run, or to the same."""
        if not same_run:
            self.runs += 1
        self.feed = SelectFeed(name=name, run=f"run-{self.runs}", live=False)
        self.send(self.feed)

    @rule()
    def prices_come_back(self) -> None:
        """Every symbol is quoted again, and confirmed."""
        for symbol in START:
            quote = self.quote(symbol)
            self.settle(symbol, quote.bid, quote.ask)

    @rule(symbol=symbols, status=st.sampled_from(("open", "open", "close_only", "halted")))
    def the_operator_acts(self, symbol: str, status: MarketStatus) -> None:
        """Opens, restricts or halts."""
        self.send(
            SetMarketStatus(
                command_id=self.exchange.new_id(), shard=0, broadcast="status", symbol=symbol, status=status
            )
        )

    @rule(version=st.sampled_from((1, 0, 4, -1, 2**63 - 1)), again=st.booleans())
    def other_rules_are_asked_for(self, version: int, *, again: bool) -> None:
        """Never the next ones."""
        name = "rules" if again else self.exchange.new_id()
        self.send(ActivateRules(command_id=name, shard=0, broadcast="rules", version=version))

    @precondition(lambda machine: machine.activates and machine.in_force < NEWEST)
    @rule()
    def the_next_rules_are_activated(self) -> None:
        """For good."""
        self.send(activate(self.in_force + 1))

    @rule(
        symbol=st.sampled_from((BTC, ETH, SOL, "DOGE_USDC")),
        age=st.sampled_from((None, 1_000_000, 5_000_000, 5_000_001, 0)),
        tick_value=st.sampled_from((None, None, None, 1, 10)),
    )
    def an_instrument_is_defined(self, symbol: str, age: int | None, tick_value: int | None) -> None:
        """A new one, or a known one with another age of the prices it opens at."""
        known = self.exchange.state.instruments.get(symbol, BY_SYMBOL[SOL])
        instrument = replace(
            known, symbol=symbol, open_age_max=age, tick_value=known.tick_value if tick_value is None else tick_value
        )
        self.send(
            DefineInstruments(
                command_id=self.exchange.new_id(), shard=0, broadcast="instruments", instruments=(instrument,)
            )
        )

    @rule(most=st.sampled_from((1, 2, 3, 500, 0, 100_001)))
    def accounts_are_limited(self, most: int) -> None:
        """To so many open positions."""
        self.send(SetAccountLimits(command_id=self.exchange.new_id(), shard=0, broadcast="limits", positions_max=most))

    @precondition(lambda machine: machine.ahead == 0)
    @rule(seconds=st.sampled_from((20, 700, 40_000)))
    def the_clock_jumps_ahead(self, seconds: int) -> None:
        """By less than a day: it begins its days near midnight, and no deposit is of another day than today."""
        self.ahead = seconds * 10**6
        self.exchange.now += self.ahead

    @rule(by_command=st.sampled_from((True, True, True, False)))
    def the_clock_is_right_again(self, *, by_command: bool) -> None:
        """And log time too, if it is told so; else it waits."""
        self.exchange.now -= self.ahead
        self.ahead = 0
        if by_command:
            self.send(SetClock(command_id=self.exchange.new_id(), shard=0, broadcast="clock"))

    @rule()
    def the_shard_moves(self) -> None:
        """To an engine that begins with a snapshot."""
        copy = begin_copy(self.exchange.state)
        pages = list(iter(copy.next_page, None))
        end_copy(self.exchange.state)
        self.exchange.state = restore(pages)
        self.audit = RunningLaws(self.exchange.state)

    # People.

    @rule(order=orders)
    def somebody_opens(self, order: Order) -> None:
        """At a fresh price if there was one."""
        self.open(order)

    @rule(order=orders)
    def somebody_opens_at_a_fresh_price(self, order: Order) -> None:
        """The market is quoted first."""
        if condition(self.exchange.state, order.symbol, self.exchange.now + PACE) != "fresh":
            quote = self.quote(order.symbol)
            self.settle(order.symbol, quote.bid, quote.ask)
        self.open(order)

    @rule(order=orders, others=st.lists(orders, min_size=2, max_size=4))
    def everybody_opens(self, order: Order, others: list[Order]) -> None:
        """Several at one price."""
        self.somebody_opens_at_a_fresh_price(order)
        for other in others:
            self.open(other)

    def open(self, order: Order) -> None:
        """Send it, with its margin from what is free now and its stops from the exit price."""
        quote = self.quote(order.symbol)
        margin = self.exchange.state.accounts[order.who].cash * order.percent // 100
        price = quote.bid if order.side == "long" else quote.ask
        lots = margin * order.leverage // (100 * price * BY_SYMBOL[order.symbol].tick_value)
        self.send(
            OpenPosition(
                command_id=self.exchange.new_id(),
                account_id=order.who,
                symbol=order.symbol,
                side=order.side,
                margin=None if order.by_quantity else margin,
                quantity=lots if order.by_quantity else None,
                leverage=order.leverage,
                expected_price=price,
                stop_loss=away(price, order.side, order.stop_bps, gain=False),
                take_profit=away(price, order.side, order.take_bps, gain=True),
                client_order_id=order.name,
            )
        )

    @rule(who=st.sampled_from((None, *PEOPLE)), symbol=st.sampled_from((None, None, None, BTC, ETH, SOL, "PEPE_USDC")))
    def somebody_closes_all(self, who: str | None, symbol: str | None) -> None:
        """Every position, or those of a symbol; null: whoever has the most."""
        accounts = self.exchange.state.accounts
        who = who or max(PEOPLE, key=lambda name: len(accounts[name].positions))
        self.send(CloseAll(command_id=self.exchange.new_id(), account_id=who, symbol=symbol))

    @rule(who=people, what=st.sampled_from(("amends", "closes nothing", "deposits", "withdraws")))
    def somebody_sends_much(self, who: str, what: str) -> None:
        """More than an account may send where that is little."""
        self.send_much(who, what)

    def send_much(self, who: str, what: str) -> None:
        """One command more than is remembered, where that is little."""
        position = next((each for each in self.exchange.state.positions.values() if each.account_id == who), None)
        for _ in range(FEW + 1 if self.twin.most == FEW else 2):
            name = self.exchange.new_id()
            if what == "amends" and position is not None:
                command: Command = AmendStops(
                    command_id=name,
                    account_id=who,
                    position_id=position.position_id,
                    amend_stop_loss=False,
                    amend_take_profit=True,
                )
            elif what == "deposits":
                command = Deposit(command_id=name, account_id=who, amount=1)
            elif what == "withdraws":
                command = Withdraw(command_id=name, account_id=who, amount=1)
            else:
                command = ClosePosition(command_id=name, account_id=who, position_id="0-0")
            self.send(command)

    @rule(
        order=st.tuples(people, symbols, sides, leverages),
        count=st.integers(2, 3),
        then=st.sampled_from(("keeps", "closes all", "reduces the oldest")),
        percent=st.sampled_from((5, 50, 90, 99)),
        loss=st.sampled_from((0, 40, 60, 70, 74)),
        between=st.sampled_from((None, None, "much is refused", "a clock is off")),
    )
    def somebody_trades_in_a_calm_market(
        self,
        order: tuple[str, str, Side, int],
        count: int,
        then: str,
        percent: int,
        loss: int,
        between: str | None,
    ) -> None:
        """A few positions of one kind, and then all of them closed, or a part, after they lost so much of the margin.

        Near their liquidation a rest may not be able to stay.
        """
        who, symbol, side, leverage = order
        self.exchange.now += 5 * 10**6
        price = self.quote(symbol).bid
        self.settle(symbol, price, price)
        kind: dict[str, Any] = {"account_id": who, "symbol": symbol, "side": side, "leverage": leverage}
        margin = self.exchange.state.accounts[who].cash // (4 * count)
        for _ in range(count):
            self.send(OpenPosition(command_id=self.exchange.new_id(), margin=margin, **kind))
        away = price * loss // leverage
        near = price - away if side == "long" else price + away
        self.settle(symbol, near, near)
        if between == "much is refused":
            self.send_much(who, "closes nothing")
        elif between == "a clock is off":
            self.tick(symbol, near, near + near // 50 + 1, drift=2_000_001)
        if then == "closes all":
            self.send(CloseAll(command_id=self.exchange.new_id(), account_id=who, symbol=None))
        elif then == "reduces the oldest":
            held = sum(each.quantity for each in self.positions_of(kind))
            self.send(ReduceOldest(command_id=self.exchange.new_id(), quantity=held * percent // 100, **kind))

    def positions_of(self, kind: Mapping[str, Any]) -> list[Position]:
        """Give the open positions of a kind: account, symbol, side, leverage."""
        return [
            position
            for position in self.exchange.state.positions.values()
            if all(getattr(position, name) == value for name, value in kind.items())
        ]

    @precondition(anything_open)
    @rule(data=st.data(), stranger=st.booleans())
    def somebody_closes(self, data: Any, *, stranger: bool) -> None:
        """Their own position, or another's."""
        position = self.somebody_s(data)
        who = position.account_id
        if stranger:
            who = next(other for other in PEOPLE if other != who)
        self.send(ClosePosition(command_id=self.exchange.new_id(), account_id=who, position_id=position.position_id))

    @precondition(anything_open)
    @rule(data=st.data(), percent=st.sampled_from((50, 1, 33, 99, 100, 101, 0)), of_the_oldest=st.booleans())
    def somebody_closes_a_part(self, data: Any, percent: int, *, of_the_oldest: bool) -> None:
        """So many percent of their position, or of all they have of its kind."""
        position = self.somebody_s(data)
        command_id, who = self.exchange.new_id(), position.account_id
        if not of_the_oldest:
            quantity, position_id = position.quantity * percent // 100, position.position_id
            self.send(ReducePosition(command_id=command_id, account_id=who, position_id=position_id, quantity=quantity))
            return
        kind = {name: getattr(position, name) for name in ("account_id", "symbol", "side", "leverage")}
        held = sum(each.quantity for each in self.positions_of(kind))
        self.send(ReduceOldest(command_id=command_id, quantity=held * percent // 100, **kind))

    @precondition(anything_open)
    @rule(data=st.data(), stop_bps=levels, take_bps=levels, which=st.sampled_from(((1, 1), (1, 0), (0, 1))))
    def somebody_amends(
        self,
        data: Any,
        stop_bps: int | None,
        take_bps: int | None,
        which: tuple[int, int],
    ) -> None:
        """A stop, a take or both, by basis points from the exit price."""
        position = self.somebody_s(data)
        quote = self.quote(position.symbol)
        price = quote.bid if position.side == "long" else quote.ask
        stop = away(price, position.side, stop_bps, gain=False) if which[0] else None
        take = away(price, position.side, take_bps, gain=True) if which[1] else None
        self.send(
            AmendStops(
                command_id=self.exchange.new_id(),
                account_id=position.account_id,
                position_id=position.position_id,
                amend_stop_loss=bool(which[0]),
                stop_loss=stop,
                amend_take_profit=bool(which[1]),
                take_profit=take,
            )
        )

    @rule(who=people, usdc=st.sampled_from((1_000, 1, 90_000, 100_001, 0)))
    def somebody_deposits(self, who: str, usdc: int) -> None:
        """An amount, perhaps too much."""
        self.send(Deposit(command_id=self.exchange.new_id(), account_id=who, amount=usdc * 10**6))

    @rule(who=people, percent=st.sampled_from((10, 30, 100, 101, 0)))
    def somebody_withdraws(self, who: str, percent: int) -> None:
        """So many percent of the cash."""
        amount = self.exchange.state.accounts[who].cash * percent // 100
        self.send(Withdraw(command_id=self.exchange.new_id(), account_id=who, amount=amount))

    @rule(back=st.integers(1, 30), how=st.sampled_from(("same", "same", "other content", "no Avro")))
    def a_command_comes_again(self, back: int, how: str) -> None:
        """As it was, with other content under its id, or as undecodable bytes."""
        _, command = self.exchange.commands[-min(back, len(self.exchange.commands))]
        if how == "no Avro":
            command = None
        elif how == "other content" and isinstance(command, ClientCommand):
            command = Withdraw(command_id=command.command_id, account_id=command.account_id, amount=1)
        self.send(command)

    def somebody_s(self, data: Any) -> Position:
        """Draw an open position."""
        positions = self.exchange.state.positions
        chosen: Position = positions[data.draw(st.sampled_from(sorted(positions)))]
        return chosen


class First(Market):
    """The market under the first version of the rules."""

    first_rules = 1


class Activating(First):
    """The market that begins under the first version and goes on by the next."""

    activates = True
