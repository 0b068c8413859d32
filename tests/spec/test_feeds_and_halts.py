"""Feeds and halts: whose prices count, and what a market still does when it is restricted."""

import pytest

from schemas.commands import UpdatePrices
from schemas.events import FeedKept, FeedSelected
from schemas.ledger_records import Feed
from schemas.messages import AliveMark, MarketStatus
from schemas.record import replace
from schemas.rejections import Rejection, TickRefusal
from schemas.units import Timestamp
from tests.spec.checks import (
    accepted,
    amended,
    closed_by_hand,
    held,
    liquidated,
    opened,
    refused,
    stopped,
    taken,
    the_next,
    tick_refused,
)
from tests.spec.exchange import MIDNIGHT, Exchange
from tests.spec.language import (
    BTC,
    ETH,
    FEED,
    RUN,
    Check,
    alive,
    amend,
    close,
    close_only,
    deposit,
    empty,
    feed,
    given,
    halt,
    long,
    market,
    opens_account,
    price,
    prices,
    sent,
    set_status,
    short,
    tick,
    unhalt,
    wait,
    withdraw,
)
from tests.spec.ledger_checks import cash, condition_is, is_open, quote_is

A_LONG = (deposit(1_000), long(BTC, margin=100, leverage=50, at=50_000, stop=49_500))


def selected(event_type: type[FeedSelected] | type[FeedKept]) -> Check:
    """A feed was selected anew, or kept."""

    def check(exchange: Exchange) -> None:
        the_next(exchange, event_type)

    return check


@pytest.mark.parametrize("name", ["backpack", "simulated", "recorded"])
def test_feed_01_a_feed_has_one_of_three_names(name: str) -> None:
    given().when(feed(name, "run-2")).then(selected(FeedSelected))


@pytest.mark.parametrize(
    ("name", "run"),
    [("Backpack", "r"), ("", "r"), ("binance", "r"), ("recorded", ""), ("recorded", "x" * 65), ("recorded", "\n")],
)
def test_feed_01_any_other_name_or_a_run_that_is_no_id_is_malformed(name: str, run: str) -> None:
    given(market(BTC, 50_000)).when(feed(name, run)).then(refused(Rejection.MALFORMED), condition_is(BTC, "fresh"))
    given().when(feed("recorded", "x" * 64)).then(selected(FeedSelected))


def test_feed_02_selecting_the_selected_name_and_run_again_changes_nothing() -> None:
    scenario = given(market(BTC, 50_000)).when(feed(FEED, RUN), feed(FEED, RUN, live=True))
    scenario.then(selected(FeedKept), selected(FeedKept), condition_is(BTC, "fresh"))
    assert scenario.exchange.state.feed == Feed(name=FEED, run=RUN, live=False)


def test_feed_03_another_name_or_run_keeps_the_price_as_stale() -> None:
    for name, run in ((FEED, "run-2"), ("recorded", RUN)):
        given(*A_LONG).when(feed(name, run)).then(
            selected(FeedSelected), condition_is(BTC, "stale"), quote_is(BTC, 50_000)
        ).when(close(1), alive(BTC), close(1)).then(
            refused(Rejection.PRICE_STALE), refused(Rejection.PRICE_STALE), is_open(1)
        )


def test_feed_03_the_first_tick_of_another_feed_is_held_and_its_times_begin_anew() -> None:
    given(market(BTC, 50_000)).when(
        feed("recorded", "run-2"),
        price(BTC, 50_000, source_time=1_000_000),
        price(BTC, 50_000, source_time=1_500_000),
    ).then(held(BTC), accepted(BTC), condition_is(BTC, "fresh"))


def test_feed_03_another_feed_drops_the_candidate() -> None:
    given(market(BTC, 50_000)).when(price(BTC, 60_000), feed("recorded", "run-2")).then(condition_is(BTC, "stale"))
    given().when(price(BTC, 50_000), feed("recorded", "run-2"), wait(1), price(BTC, 50_000)).then(
        held(BTC), held(BTC), condition_is(BTC, "none")
    )


def test_feed_03_a_change_of_feed_fires_nothing_until_a_tick_is_accepted() -> None:
    given(*A_LONG).when(feed("recorded", "run-2"), price(BTC, 49_400)).then(held(BTC), is_open(1)).when(
        wait("0.5"), price(BTC, 49_400)
    ).then(stopped(1, at=49_400))


@pytest.mark.parametrize(("name", "run"), [(FEED, "run-2"), ("recorded", RUN), ("nonsense", "")])
def test_feed_04_prices_of_another_feed_or_run_are_refused(name: str, run: str) -> None:
    command = UpdatePrices(feed=name, run=run, sent_at=1, ticks=(tick(BTC, 49_000, None, MIDNIGHT * 2),), alive=(BTC,))
    given(*A_LONG).when(sent(command)).then(refused(Rejection.FEED_NOT_SELECTED), is_open(1), quote_is(BTC, 50_000))


def test_feed_04_before_a_feed_is_selected_there_are_no_prices() -> None:
    command = UpdatePrices(feed=FEED, run=RUN, sent_at=1, ticks=(), alive=())
    empty().when(sent(command)).then(refused(Rejection.FEED_NOT_SELECTED))


def test_feed_05_a_tick_repeated_by_a_twin_of_a_live_feed_is_refused_as_not_newer() -> None:
    moment = MIDNIGHT + 5_000_000
    given(market(BTC, 50_000), live=True).when(
        price(BTC, 50_001, at=moment, source_time=moment, update_id=7),
        feed("backpack", "live", live=True),
        price(BTC, 50_001, at=moment + 1, source_time=moment, update_id=7),
        price(BTC, 50_002, at=moment + 2, source_time=moment, update_id=8),
    ).then(
        accepted(BTC),
        selected(FeedKept),
        tick_refused(BTC, TickRefusal.NOT_NEWER),
        accepted(BTC),
        quote_is(BTC, 50_002),
    )


def test_halt_01_a_halted_market_opens_and_closes_nothing() -> None:
    given(*A_LONG, halt(BTC)).when(long(BTC, margin=100), short(BTC, margin=100), close(1)).then(
        *[refused(Rejection.MARKET_HALTED)] * 3, is_open(1)
    )


def test_halt_01_a_halt_of_one_symbol_leaves_other_symbols_deposits_and_withdrawals_open() -> None:
    given(*A_LONG, market(ETH, 2_500), halt(BTC)).when(
        long(ETH, margin=100), deposit(1), withdraw(1), amend(1, stop=None), opens_account("carol")
    ).then(opened(2), amended(stop=None, take=None))


def test_halt_02_a_halted_market_accepts_prices_and_fires_nothing() -> None:
    given(*A_LONG, halt(BTC)).when(price(BTC, 49_000), market(BTC, 20_000)).then(
        accepted(BTC), condition_is(BTC, "fresh"), quote_is(BTC, 20_000), is_open(1)
    )


def test_halt_03_the_command_that_ends_a_halt_fires_at_once_at_the_last_price() -> None:
    scenario = given(*A_LONG, short(BTC, margin=100, leverage=10, take=49_600), halt(BTC), price(BTC, 49_000)).when(
        unhalt(BTC)
    )
    scenario.then(taken(2, at=49_000), stopped(1, at=49_000, liquidation_fee=0), is_open())
    last = scenario.exchange.last
    assert [event.index for event in last] == [0, 1, 2]
    assert {event.command_id for event in last} == {last[0].command_id}


@pytest.mark.parametrize("status", ["open", "close_only"])
def test_halt_03_a_halt_that_ends_in_close_only_fires_triggers_too(status: MarketStatus) -> None:
    given(*A_LONG, halt(BTC), price(BTC, 49_400)).when(set_status(BTC, status)).then(stopped(1, at=49_400), cash(940))


def test_halt_03_a_position_whose_stop_was_passed_during_a_halt_stays_open_if_the_price_came_back() -> None:
    given(*A_LONG, halt(BTC), price(BTC, 49_400), price(BTC, 49_600)).when(unhalt(BTC)).then(is_open(1))


def test_halt_04_where_the_price_is_not_fresh_the_next_accepted_tick_fires() -> None:
    given(*A_LONG, halt(BTC), price(BTC, 49_400), wait(5)).when(unhalt(BTC)).then(is_open(1)).when(
        price(BTC, 49_300)
    ).then(held(BTC), is_open(1)).when(wait("0.5"), price(BTC, 49_350)).then(stopped(1, at=49_350))
    given(*A_LONG, halt(BTC), price(BTC, 49_400), price(BTC, 20_000)).when(unhalt(BTC)).then(is_open(1)).when(
        price(BTC, 49_400)
    ).then(accepted(BTC), stopped(1, at=49_400))


def test_halt_04_a_halt_in_a_symbol_without_a_price_ends_quietly() -> None:
    given(halt(BTC)).when(unhalt(BTC)).then(condition_is(BTC, "none"))


def test_halt_05_a_close_only_market_opens_no_position_and_closes_positions() -> None:
    given(*A_LONG, close_only(BTC)).when(long(BTC, margin=100), short(BTC, margin=100), close(1)).then(
        refused(Rejection.MARKET_CLOSE_ONLY), refused(Rejection.MARKET_CLOSE_ONLY), closed_by_hand(1)
    )


def test_halt_05_a_close_only_market_still_liquidates() -> None:
    given(deposit(1_000), long(BTC, margin=100, leverage=50, at=50_000), close_only(BTC)).when(price(BTC, 49_200)).then(
        liquidated(1, at=49_200, fee=20, returned=0)
    )


def test_halt_06_an_unknown_symbol_cannot_be_halted() -> None:
    given().when(halt("DOGE_USDC")).then(refused(Rejection.SYMBOL_UNKNOWN))


@pytest.mark.rules(2)
def test_price_18_the_command_of_another_feed_vouches_for_nothing() -> None:
    mark = AliveMark(symbol=BTC, source_time=Timestamp(MIDNIGHT), update_id=0)
    given(market(BTC, 50_000)).when(
        lambda exchange: sent(replace(prices(exchange, exchange.now), run="other", marks=(mark,)))(exchange)
    ).then(refused(Rejection.FEED_NOT_SELECTED))
