"""The clock can be mended: log time goes back by one command alone."""

import pytest

from schemas.commands import SetClock
from schemas.events import ClockSet
from schemas.ids import broadcast_id
from schemas.rejections import Rejection, TickRefusal
from tests.spec.checks import accepted, held, opened, refused, repeated, the_next, tick_refused
from tests.spec.exchange import Exchange
from tests.spec.language import ALICE, BTC, Check, Step, deposit, given, long, market, price, seconds, sent, wait
from tests.spec.ledger_checks import condition_is

pytestmark = pytest.mark.rules(2)

AHEAD = seconds(400)


def set_clock(broadcast: str = "clock-1", *, at: int | None = None) -> Step:
    return sent(SetClock(command_id=broadcast_id(broadcast, 0), shard=0, broadcast=broadcast), at=at)


def clock_set(before: int, now: int) -> Check:
    """Log time was one, and is the other."""

    def check(exchange: Exchange) -> None:
        event = the_next(exchange, ClockSet)
        assert isinstance(event, ClockSet)
        assert (event.before, event.time, exchange.state.time) == (before, now, now)

    return check


def a_jump_ahead(exchange: Exchange) -> None:
    """A broker's clock is 400 s ahead for one command, and then right again."""
    exchange.send(None, at=exchange.now + AHEAD)
    exchange.now -= AHEAD


def test_cmd_13_without_a_mended_clock_log_time_stands_still_until_the_real_time_has_come() -> None:
    exchange = given(market(BTC, 50_000)).exchange
    a_jump_ahead(exchange)
    ahead = exchange.state.time
    deposit(1)(exchange)
    assert exchange.last[0].time == ahead


def test_clock_01_log_time_is_the_command_s_own_append_time_and_goes_on_from_there() -> None:
    exchange = given(market(BTC, 50_000)).exchange
    a_jump_ahead(exchange)
    before, now = exchange.state.time, exchange.now + 1_000
    exchange.unseen.clear()
    set_clock(at=now)(exchange)
    clock_set(before, now)(exchange)
    deposit(1)(exchange)
    assert exchange.last[0].time == exchange.now < before
    exchange.check()


def test_clock_01_a_repeat_brings_nothing_back() -> None:
    exchange = given(market(BTC, 50_000)).exchange
    set_clock()(exchange)
    a_jump_ahead(exchange)
    ahead = exchange.state.time
    exchange.unseen.clear()
    set_clock()(exchange)
    repeated()(exchange)
    assert exchange.state.time == ahead


def test_clock_01_a_clock_of_another_shard_is_refused_and_brings_nothing_back() -> None:
    exchange = given(market(BTC, 50_000)).exchange
    a_jump_ahead(exchange)
    ahead = exchange.state.time
    exchange.unseen.clear()
    exchange.send(SetClock(command_id="x", shard=1, broadcast="x"))
    refused(Rejection.WRONG_SHARD)(exchange)
    assert exchange.state.time == ahead


def test_clock_01_where_the_clock_was_right_time_goes_on() -> None:
    exchange = given(market(BTC, 50_000)).exchange
    before = exchange.state.time
    exchange.unseen.clear()
    set_clock()(exchange)
    clock_set(before, before + 1_000)(exchange)
    condition_is(BTC, "fresh")(exchange)


def test_clock_02_a_price_heard_at_a_time_to_come_is_stale_and_the_next_tick_is_held() -> None:
    exchange = given(deposit(1_000), market(BTC, 50_000)).exchange
    exchange.now += AHEAD
    market(BTC, 50_000)(exchange)
    exchange.now -= AHEAD
    exchange.unseen.clear()
    set_clock()(exchange)
    condition_is(BTC, "stale")(exchange)
    price(BTC, 50_000, source_time=exchange.now + AHEAD)(exchange)
    held(BTC)(exchange)
    wait(1)(exchange)
    price(BTC, 50_000, source_time=exchange.now + AHEAD)(exchange)
    accepted(BTC)(exchange)
    long(BTC, margin=100)(exchange)
    opened()(exchange)
    exchange.check()


def test_clock_02_an_id_remembered_at_a_time_to_come_is_forgotten_ten_minutes_from_now() -> None:
    exchange = given(deposit(1_000)).exchange
    exchange.send(None, at=exchange.now + AHEAD)
    deposit(1, id="d")(exchange)
    exchange.now -= AHEAD
    set_clock()(exchange)
    now = exchange.state.time
    assert exchange.state.accounts[ALICE].commands["d"].time == now
    exchange.unseen.clear()
    deposit(1, id="d")(exchange)
    repeated()(exchange)
    exchange.now = now + seconds(600)
    deposit(1, id="d")(exchange)
    assert exchange.state.accounts[ALICE].cash == 1_002_000_000
    exchange.check()


def test_clock_02_deposits_of_a_day_to_come_are_of_today() -> None:
    exchange = given(deposit(1)).exchange
    exchange.send(None, at=exchange.now + seconds(86_400))
    deposit(60_000)(exchange)
    exchange.now -= seconds(86_400)
    set_clock()(exchange)
    exchange.unseen.clear()
    deposit("40000.000001")(exchange)
    refused(Rejection.DEPOSIT_LIMIT)(exchange)
    deposit(40_000)(exchange)
    exchange.check()


def test_clock_02_after_a_live_feed_whose_time_was_ahead_too_the_next_tick_is_not_older() -> None:
    exchange = given(deposit(1_000), market(BTC, 50_000), live=True).exchange
    exchange.now += AHEAD
    market(BTC, 50_000)(exchange)
    exchange.now -= AHEAD
    set_clock()(exchange)
    condition_is(BTC, "stale")(exchange)
    exchange.unseen.clear()
    price(BTC, 46_000)(exchange)
    held(BTC)(exchange)
    wait(1)(exchange)
    price(BTC, 46_000)(exchange)
    accepted(BTC)(exchange)
    condition_is(BTC, "fresh")(exchange)
    exchange.check()


def test_clock_02_a_tick_that_a_live_feed_stamps_less_than_five_seconds_ahead_stays_the_newest() -> None:
    exchange = given(market(BTC, 50_000), live=True).exchange
    price(BTC, 50_000, source_time=exchange.now + 4_900_000)(exchange)
    set_clock()(exchange)
    condition_is(BTC, "fresh")(exchange)
    exchange.unseen.clear()
    price(BTC, 50_001)(exchange)
    tick_refused(BTC, TickRefusal.NOT_NEWER)(exchange)
