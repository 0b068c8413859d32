"""Active shards get prices after the set interval, quiet ones less often, and nothing is lost at a change of pace."""

from itertools import pairwise
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market_data.conversion import to_ticks
from market_data.ledger import FollowedLedger
from market_data.pacing import PacedPrices, PriceIntervals, price_intervals
from market_data.vouching import Vouching
from schemas.record import replace
from schemas.units import SECOND
from tests.conftest import SettingsFactory
from tests.market_data.fake_clock import BTC, ETH, quote
from tests.market_data.ledgers import instrument, ledger_of
from tests.market_data.log import BY_A_PERSON

SHARDS = 3
INTERVALS = PriceIntervals(0.1, 1.0)
LONG_AFTER = 10_000.0  # s; no command counts as recent any more


class Sent(NamedTuple):
    """A price command: when, and the update ids of its ticks and marks by symbol."""

    at: float
    ticks: dict[str, int]
    marks: dict[str, int]
    ranges: dict[str, tuple[int, int]]


class Session:
    """Paced prices of a ledger in which nothing is open, and what each shard was sent."""

    def __init__(self, intervals: PriceIntervals = INTERVALS) -> None:
        self.ledger: FollowedLedger = ledger_of(shards=SHARDS, rules_version=2)
        for shard in range(SHARDS):
            self.ledger.activity.note_end(shard)
        self.now = LONG_AFTER
        self.vouching = Vouching()
        self.paced = PacedPrices(self.ledger, self.vouching, intervals)
        self.sent: dict[int, list[Sent]] = {shard: [] for shard in range(SHARDS)}
        self.newest: dict[str, int] = {}
        self._ids = 0

    def tick(self, symbol: str = BTC, bid: str = "100", ask: str = "101") -> None:
        self._ids += 1
        self.newest[symbol] = self._ids
        prices = quote(bid, ask, symbol=symbol, update_id=self._ids)
        self.paced.add_tick(prices, to_ticks(prices, instrument(symbol)), self.now)
        self.send_due()

    def act(self, shard: int) -> None:
        """Let a command of a person come."""
        self.ledger.activity.note_event(shard, BY_A_PERSON, self.now)
        self.send_due()

    def wait(self, seconds: float) -> None:
        """Let time pass in the steps of the publisher."""
        until = self.now + seconds
        while self.now < until:
            self.now = min(until, self.now + max(0.005, min(self.paced.wait_s(self.now), 0.1)))
            self.send_due()

    def hear_for(self, seconds: float) -> None:
        """Hear from BTC's source each second, and nothing new."""
        for _ in range(round(seconds)):
            self.vouching.add_heartbeat(instrument(BTC), None, self.now)
            self.wait(1.0)

    def send_due(self) -> None:
        if self.paced.wait_s(self.now) > 0:
            return
        for due in self.paced.take_due(self.now):
            for shard in due.shards:
                self.sent[shard].append(
                    Sent(
                        self.now,
                        {tick.symbol: tick.update_id for tick in due.prices.ticks},
                        {mark.symbol: mark.update_id for mark in due.prices.marks},
                        {tick.symbol: (tick.low, tick.high) for tick in due.prices.ticks},
                    )
                )


def trade_for(session: Session, seconds: float) -> None:
    """Tick every 50 ms."""
    for _ in range(round(seconds / 0.05)):
        session.tick()
        session.wait(0.05)


def test_quiet_shards_get_a_tenth_of_the_commands_that_an_active_one_gets() -> None:
    session = Session()
    session.act(1)
    trade_for(session, 20.0)
    assert len(session.sent[1]) == len(session.sent[0]), "candles come of shard 0"
    assert 180 <= len(session.sent[1]) <= 201
    assert 19 <= len(session.sent[2]) <= 22


def test_all_shards_are_quiet_where_nothing_is_open_and_no_command_came() -> None:
    session = Session()
    trade_for(session, 20.0)
    assert all(19 <= len(sent) <= 22 for sent in session.sent.values())


def test_a_quiet_price_is_never_older_than_a_second_and_a_step_of_the_publisher() -> None:
    session = Session()
    trade_for(session, 20.0)
    for sent in session.sent.values():
        times = [each.at for each in sent]
        assert max(after - before for before, after in pairwise(times)) <= 1.1


def test_a_shard_gets_the_newest_price_at_once_when_a_command_comes() -> None:
    session = Session()
    trade_for(session, 5.0)
    session.tick()
    session.act(2)
    assert session.sent[2][-1].at == session.now
    assert session.sent[2][-1].ticks == {BTC: session.newest[BTC]}


def test_the_range_of_a_quiet_shard_s_tick_has_all_since_its_last_command() -> None:
    session = Session()
    session.tick()
    for bid, ask in (("98", "99"), ("104", "105"), ("102", "103")):
        session.wait(0.2)
        session.tick(BTC, bid, ask)
    session.wait(1.0)
    assert session.sent[1][1].ranges == {BTC: (1_970, 2_090)}


def test_marks_alone_come_to_a_quiet_shard_as_often_as_ticks_do() -> None:
    session = Session(PriceIntervals(0.1, 1.4))
    session.tick()
    session.hear_for(10.0)
    sent = session.sent[1]
    assert [each.marks for each in sent[1:]] == [{BTC: 1}] * 7
    assert all(1.39 < after.at - before.at < 1.55 for before, after in pairwise(sent))


@pytest.mark.parametrize(("age", "quiet"), [(None, True), (2 * SECOND, True), (2 * SECOND - 1, False)])
def test_no_shard_is_quiet_where_an_instrument_needs_younger_prices_than_most(age: int | None, quiet: bool) -> None:
    session = Session()
    for shard in range(SHARDS):
        session.ledger.define(shard, [replace(instrument(ETH), open_age_max=age)])
    session.tick()
    session.wait(1.5)
    assert session.paced.active == (frozenset() if quiet else {0, 1, 2})


def test_shards_have_one_pace_where_the_quiet_interval_is_not_longer() -> None:
    for intervals in (PriceIntervals(0.1, 0.1), PriceIntervals(0.5, 0.0), PriceIntervals(0.0, 0.0)):
        session = Session(intervals)
        trade_for(session, 5.0)
        assert session.sent[0] == session.sent[1] == session.sent[2]
        assert len(session.sent[0]) >= 10


def test_a_recording_and_each_tick_have_one_pace(settings: SettingsFactory) -> None:
    assert price_intervals(settings()) == PriceIntervals(0.1, 1.4)
    assert price_intervals(settings(price_interval_ms=3_000)) == PriceIntervals(1.0, 1.4)
    assert price_intervals(settings(price_interval_ms=0)) == PriceIntervals(0.0, 0.0)
    assert price_intervals(settings(price_quiet_interval_ms=0)) == PriceIntervals(0.1, 0.0)
    assert price_intervals(settings(feed="recorded:a.csv", feed_speed="30")) == PriceIntervals(0.1, 0.1)
    assert price_intervals(settings(feed="recorded:a.csv", feed_speed="max")) == PriceIntervals(0.0, 0.0)


@given(
    st.lists(
        st.one_of(
            st.sampled_from([BTC, ETH]),
            st.integers(0, SHARDS - 1),
            st.sampled_from([0.01, 0.09, 0.4, 1.7, 59.0, 80.0]),
        ),
        max_size=40,
    )
)
def test_every_shard_gets_the_newest_tick_of_each_symbol_once_and_no_mark_before_its_tick(
    steps: list[str | int | float],
) -> None:
    session = Session()
    for one in steps:
        match one:
            case str():
                session.tick(one)
            case int():
                session.act(one)
            case float():
                session.wait(one)
    session.wait(1.2)
    for sent in session.sent.values():
        known: dict[str, int] = {}
        for each in sent:
            for symbol, update_id in each.ticks.items():
                assert update_id > known.get(symbol, 0), "each tick comes once, and in order"
            known |= each.ticks
            assert each.marks.items() <= known.items(), "a mark names the last tick that the shard has"
        assert known == session.newest
