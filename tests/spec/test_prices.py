"""Ticks: which are accepted, held or refused, and what a price command must carry."""

import pytest

from schemas.commands import UpdatePrices
from schemas.events import PricesUpdated, TickHeld
from schemas.record import replace
from schemas.rejections import Rejection, TickRefusal
from tests.spec.checks import accepted, held, refused, tick_refused
from tests.spec.exchange import MIDNIGHT, Exchange
from tests.spec.language import (
    BTC,
    ETH,
    FEED,
    RUN,
    SOL,
    Check,
    Number,
    alive,
    deposit,
    given,
    long,
    market,
    price,
    prices,
    sent,
    tick,
    wait,
)
from tests.spec.ledger_checks import condition_is, quote_is

AT = MIDNIGHT + 10_000_000  # a source time later than those of `given`


@pytest.mark.parametrize(
    ("bid", "ask", "check"),
    [
        ("0.1", "0.1", held(BTC)),
        (0, "0.1", tick_refused(BTC, TickRefusal.NOT_POSITIVE)),
        (-50_000, 50_000, tick_refused(BTC, TickRefusal.NOT_POSITIVE)),
        (50_000, 50_000, held(BTC)),
        ("50000.1", 50_000, tick_refused(BTC, TickRefusal.CROSSED)),
    ],
)
def test_price_01_a_tick_has_a_positive_bid_and_an_ask_not_below_the_bid(
    bid: Number, ask: Number, check: Check
) -> None:
    given().when(price(BTC, bid, ask)).then(check)


@pytest.mark.parametrize(
    ("symbol", "bid", "passes", "fails"),
    [(BTC, 49_925, 50_075, "50075.1"), (ETH, "2496.25", "2503.75", "2503.76"), (SOL, "124.81", "125.18", "125.19")],
)
def test_price_02_a_spread_is_at_most_0_3_percent_of_the_mid_in_a_new_ledger(
    symbol: str, bid: Number, passes: Number, fails: Number
) -> None:
    given().when(price(symbol, bid, passes)).then(held(symbol))
    given().when(price(symbol, bid, fails)).then(tick_refused(symbol, TickRefusal.SPREAD_TOO_WIDE))


def test_price_02_a_spread_is_at_most_what_its_instrument_says() -> None:
    given(spread_max=10_000).when(price(BTC, 49_750, 50_250)).then(held(BTC))
    given(spread_max=10_000).when(price(BTC, 49_750, "50250.1")).then(tick_refused(BTC, TickRefusal.SPREAD_TOO_WIDE))
    given(spread_max=0).when(price(BTC, 50_000, 50_000)).then(held(BTC))
    given(spread_max=0).when(price(BTC, 50_000, "50000.1")).then(tick_refused(BTC, TickRefusal.SPREAD_TOO_WIDE))


def test_price_03_a_tick_is_newer_than_the_last_by_source_time_then_by_update_id() -> None:
    given(market(BTC, 50_000), price(BTC, 50_001, source_time=AT, update_id=5)).when(
        price(BTC, 50_002, source_time=AT, update_id=5),
        price(BTC, 50_002, source_time=AT, update_id=4),
        price(BTC, 50_002, source_time=AT - 1, update_id=6),
        price(BTC, 50_003, source_time=AT, update_id=6),
        price(BTC, 50_004, source_time=AT + 1, update_id=1),
    ).then(*[tick_refused(BTC, TickRefusal.NOT_NEWER)] * 3, accepted(BTC), accepted(BTC), quote_is(BTC, 50_004))


def test_price_03_a_held_tick_counts_as_the_last_and_a_tick_too_early_to_confirm_does_not() -> None:
    given(market(BTC, 50_000)).when(
        price(BTC, 60_000, source_time=AT),
        price(BTC, 60_000, source_time=AT),
        price(BTC, 60_001, source_time=AT + 499_999),
        price(BTC, 60_001, source_time=AT + 499_998),
        price(BTC, 60_002, source_time=AT + 500_000),
    ).then(
        held(BTC),
        tick_refused(BTC, TickRefusal.NOT_NEWER),
        tick_refused(BTC, TickRefusal.AWAITING_CONFIRMATION),
        tick_refused(BTC, TickRefusal.AWAITING_CONFIRMATION),
        accepted(BTC),
        quote_is(BTC, 60_002),
    )


@pytest.mark.parametrize(
    ("drift", "passes"), [(-5_000_000, True), (-5_000_001, False), (5_000_000, True), (5_000_001, False)]
)
def test_price_04_a_live_tick_is_within_five_seconds_of_log_time(drift: int, *, passes: bool) -> None:
    check = held(BTC) if passes else tick_refused(BTC, TickRefusal.OUT_OF_TIME)
    given(live=True).when(price(BTC, 50_000, at=AT, source_time=AT + drift)).then(check)


@pytest.mark.parametrize("source_time", [0, 1_610_064_000_000_000, AT + 10**15])
def test_price_04_a_recording_may_carry_any_time(source_time: int) -> None:
    given().when(price(BTC, 50_000, source_time=source_time)).then(held(BTC))


def test_price_05_a_symbol_s_first_tick_is_held() -> None:
    given(deposit(1_000)).when(price(BTC, 50_000)).then(held(BTC), condition_is(BTC, "none")).when(
        long(BTC, margin=100)
    ).then(refused(Rejection.NO_PRICE))


def test_price_05_the_first_tick_after_a_gap_is_held() -> None:
    given(market(BTC, 50_000)).when(wait("4.899999"), price(BTC, 50_000)).then(accepted(BTC))  # 4.999999 after
    given(market(BTC, 50_000)).when(wait("4.9"), price(BTC, 50_000)).then(held(BTC), condition_is(BTC, "unconfirmed"))


@pytest.mark.parametrize(
    ("later", "check"),
    [(500_000, accepted(BTC)), (499_999, tick_refused(BTC, TickRefusal.AWAITING_CONFIRMATION))],
)
def test_price_06_half_a_second_of_source_time_confirms_a_held_tick(later: int, check: Check) -> None:
    given(price(BTC, 50_000, source_time=AT)).when(price(BTC, 50_000, source_time=AT + later)).then(check)


@pytest.mark.parametrize(
    ("bid", "ask", "check"),
    [
        (50_500, 50_500, accepted(BTC)),
        (50_500, "50500.1", held(BTC)),
        (49_500, 49_500, accepted(BTC)),
        ("49499.9", 49_500, held(BTC)),
    ],
)
def test_price_06_a_tick_within_one_percent_confirms_a_held_tick(bid: Number, ask: Number, check: Check) -> None:
    given(price(BTC, 50_000, source_time=AT)).when(price(BTC, bid, ask, source_time=AT + 500_000)).then(check)


def test_price_07_a_tick_too_early_to_confirm_changes_nothing() -> None:
    given(market(BTC, 50_000), price(BTC, 60_000, source_time=AT)).when(
        price(BTC, 60_300, source_time=AT + 400_000),
        price(BTC, "60600.1", source_time=AT + 500_000),  # beyond 1 % of 60,000: the candidate was not moved
    ).then(tick_refused(BTC, TickRefusal.AWAITING_CONFIRMATION), held(BTC), quote_is(BTC, 50_000))


@pytest.mark.parametrize(
    ("bid", "ask", "check"),
    [
        (55_000, 55_000, accepted(BTC)),
        (55_000, "55000.1", held(BTC)),
    ],
)
def test_price_08_a_move_of_more_than_ten_percent_is_held(bid: Number, ask: Number, check: Check) -> None:
    given(market(BTC, 50_000)).when(price(BTC, bid, ask)).then(check)


@pytest.mark.rules(1)
@pytest.mark.parametrize(("bid", "ask", "check"), [(45_000, 45_000, accepted(BTC)), ("44999.9", 45_000, held(BTC))])
def test_price_08_a_fall_is_measured_from_where_it_began(bid: Number, ask: Number, check: Check) -> None:
    given(market(BTC, 50_000)).when(price(BTC, bid, ask)).then(check)


@pytest.mark.rules(2)
@pytest.mark.parametrize(
    ("bid", "ask", "check"),
    [
        ("45454.5", "45454.6", accepted(BTC)),
        ("45454.5", "45454.5", held(BTC)),
        (55_000, 55_000, accepted(BTC)),
        (55_000, "55000.1", held(BTC)),
    ],
)
def test_price_22_a_fall_and_the_rise_that_takes_it_back_are_alike(bid: Number, ask: Number, check: Check) -> None:
    given(market(BTC, 50_000)).when(price(BTC, bid, ask)).then(check)


def test_price_08_a_held_tick_gives_an_event_of_its_own() -> None:
    exchange = given(market(BTC, 50_000)).when(price(BTC, 60_000, 60_001, source_time=AT, update_id=9)).exchange
    outcome, hold = exchange.last
    assert isinstance(outcome, PricesUpdated)
    assert (outcome.accepted, outcome.refused) == ((), ())
    assert isinstance(hold, TickHeld)
    assert (hold.bid, hold.ask, hold.source_time, hold.update_id) == (600_000, 600_010, AT, 9)


def test_price_09_a_tick_near_the_last_accepted_tick_drops_the_candidate() -> None:
    given(market(BTC, 50_000)).when(price(BTC, 60_000), price(BTC, 50_010)).then(
        held(BTC), accepted(BTC), condition_is(BTC, "fresh"), quote_is(BTC, 50_010)
    ).when(wait(1), price(BTC, 60_000)).then(held(BTC))


def test_price_09_a_tick_near_a_stale_accepted_tick_does_not_drop_the_candidate() -> None:
    given(market(BTC, 50_000), price(BTC, 60_000), wait(5)).when(price(BTC, 50_000), price(BTC, 60_000)).then(
        held(BTC), held(BTC)
    )


def test_price_10_any_other_tick_becomes_the_candidate() -> None:
    given(market(BTC, 50_000)).when(
        price(BTC, 60_000), price(BTC, 70_000), wait("0.5"), price(BTC, 60_000), wait("0.5"), price(BTC, 60_000)
    ).then(held(BTC), held(BTC), held(BTC), accepted(BTC), quote_is(BTC, 60_000))


def test_price_14_a_symbol_is_named_once_in_a_command_and_the_first_counts() -> None:
    def twice(exchange: Exchange) -> None:
        first, second = tick(BTC, 50_001, None, AT), tick(BTC, 50_002, None, AT + 1)
        exchange.send(prices(exchange, exchange.now + 1, first, second))

    given(market(BTC, 50_000)).when(twice).then(
        _refused_beside(BTC, TickRefusal.REPEATED_SYMBOL), quote_is(BTC, 50_001)
    )


@pytest.mark.rules(1)  # PRICE-18 has it for the marks of version 2.
def test_price_14_an_alive_mark_beside_a_tick_or_another_mark_is_refused() -> None:
    def tick_and_mark(exchange: Exchange) -> None:
        exchange.send(prices(exchange, exchange.now + 1, tick(BTC, 50_001, None, AT), alive=(BTC,)))

    given(market(BTC, 50_000)).when(tick_and_mark).then(_refused_beside(BTC, TickRefusal.REPEATED_SYMBOL))
    given(market(BTC, 50_000)).when(alive(BTC, BTC)).then(tick_refused(BTC, TickRefusal.REPEATED_SYMBOL))


def _refused_beside(symbol: str, reason: TickRefusal) -> Check:
    """A tick of the symbol was accepted, and something else of it refused."""

    def check(exchange: Exchange) -> None:
        outcome = exchange.last[0]
        assert isinstance(outcome, PricesUpdated)
        assert [seen.symbol for seen in outcome.accepted] == [symbol]
        assert [(entry.symbol, entry.reason) for entry in outcome.refused] == [(symbol, reason.value)]

    return check


def test_price_14_an_unknown_symbol_is_refused_and_the_other_symbols_of_its_command_are_not() -> None:
    given(market(BTC, 50_000)).when(
        lambda exchange: exchange.send(
            prices(exchange, exchange.now + 1, tick("DOGE_USDC", 1, None, AT), tick(BTC, 50_001, None, AT))
        )
    ).then(tick_refused("DOGE_USDC", TickRefusal.SYMBOL_UNKNOWN), quote_is(BTC, 50_001))
    given().when(alive("DOGE_USDC")).then(tick_refused("DOGE_USDC", TickRefusal.SYMBOL_UNKNOWN))


def _accepted_range(low: int, high: int) -> tuple[int, int]:
    """Give the range that is kept of a tick whose bid + ask is 1,000,000."""
    ranged = replace(tick(BTC, 50_000, None, AT), low=low, high=high)
    exchange = (
        given(market(BTC, 50_000))
        .when(lambda exchange: exchange.send(prices(exchange, exchange.now + 1, ranged)))
        .then()
        .exchange
    )
    outcome = exchange.last[0]
    assert isinstance(outcome, PricesUpdated)
    return outcome.accepted[0].low, outcome.accepted[0].high


@pytest.mark.rules(1)
@pytest.mark.parametrize(
    ("low", "high", "kept"),
    [
        (1_000_000, 1_000_000, True),
        (900_000, 1_100_000, True),
        (899_999, 1_000_000, False),
        (1_000_000, 1_100_001, False),
        (1_000_001, 1_100_000, False),
        (900_000, 999_999, False),
        (-(2**63), 2**63 - 1, False),
    ],
)
def test_price_15_a_range_that_excludes_its_tick_or_jumps_is_replaced_by_the_tick(
    low: int, high: int, *, kept: bool
) -> None:
    assert _accepted_range(low, high) == ((low, high) if kept else (1_000_000, 1_000_000))


@pytest.mark.parametrize(("sent_at", "passes"), [(0, False), (-1, False), (1, True)])
def test_price_16_a_price_command_names_its_sending_time(sent_at: int, *, passes: bool) -> None:
    command = UpdatePrices(feed=FEED, run=RUN, sent_at=sent_at, ticks=(), alive=())
    given().when(sent(command)).then(accepted() if passes else refused(Rejection.MALFORMED))


def test_price_16_a_price_command_names_at_most_a_thousand_symbols() -> None:
    most = UpdatePrices(feed=FEED, run=RUN, sent_at=1, ticks=(tick(BTC, 50_000, None, AT),), alive=("X",) * 999)
    given().when(sent(most)).then(held(BTC))
    given().when(sent(replace(most, alive=("X",) * 1_000))).then(refused(Rejection.MALFORMED))
