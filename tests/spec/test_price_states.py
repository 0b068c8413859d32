"""Price states: what a symbol's price is worth now, and what it allows."""

import pytest

from schemas.derived import PriceState
from schemas.rejections import Rejection, TickRefusal
from tests.spec.checks import accepted, closed_by_hand, held, kept_alive, opened, refused, tick_refused
from tests.spec.exchange import Exchange
from tests.spec.language import BTC, ETH, SOL, Step, alive, close, deposit, given, long, market, price, short, wait
from tests.spec.ledger_checks import condition_is


def _unconfirmed(exchange: Exchange) -> None:
    price(BTC, 60_000)(exchange)


CONDITIONS: tuple[tuple[str, tuple[Step, ...], PriceState, Rejection | None], ...] = (
    ("nothing", (), "none", Rejection.NO_PRICE),
    ("a held first tick, even an old one", (price(BTC, 50_000), wait(5)), "none", Rejection.NO_PRICE),
    ("a jump", (market(BTC, 50_000), _unconfirmed), "unconfirmed", Rejection.PRICE_UNCONFIRMED),
    ("a jump that is older", (market(BTC, 50_000), _unconfirmed, wait(4)), "unconfirmed", Rejection.PRICE_UNCONFIRMED),
    ("an old price", (market(BTC, 50_000), wait(5)), "stale", Rejection.PRICE_STALE),
    ("a price", (market(BTC, 50_000), wait(1)), "fresh", None),
)


@pytest.mark.parametrize(
    ("steps", "expected", "rejection"),
    [case[1:] for case in CONDITIONS],
    ids=[case[0] for case in CONDITIONS],
)
def test_price_11_conditions_precede_in_the_order_none_unconfirmed_stale_fresh_and_only_fresh_trades(
    steps: tuple[Step, ...], expected: PriceState, rejection: Rejection | None
) -> None:
    given(deposit(1_000), *steps).when(long(BTC, margin=100), short(BTC, margin=100)).then(
        *[opened() if rejection is None else refused(rejection)] * 2, condition_is(BTC, expected)
    )


def test_price_11_each_symbol_has_a_condition_of_its_own() -> None:
    given(deposit(1_000), market(BTC, 50_000), market(ETH, 2_500), price(ETH, 5_000)).when(
        long(BTC, margin=100), long(ETH, margin=100), long(SOL, margin=100)
    ).then(opened(), refused(Rejection.PRICE_UNCONFIRMED), refused(Rejection.NO_PRICE))


def test_price_12_a_price_is_stale_five_seconds_after_its_last_tick_or_alive_mark() -> None:
    opened = (deposit(1_000), long(BTC, margin=100, at=50_000))
    given(*opened).when(wait("4.997999"), close(1)).then(closed_by_hand(1))  # 4.999999 after the tick
    given(*opened).when(wait("4.998"), close(1)).then(refused(Rejection.PRICE_STALE))  # 5.000000


def test_price_12_an_accepted_tick_after_the_gap_and_its_confirmation_end_staleness() -> None:
    given(market(BTC, 50_000), wait(5)).when(price(BTC, 50_000)).then(held(BTC), condition_is(BTC, "unconfirmed")).when(
        wait("0.5"), price(BTC, 50_000)
    ).then(accepted(BTC), condition_is(BTC, "fresh"))


def test_price_13_an_alive_mark_keeps_a_price_fresh_for_five_seconds_more() -> None:
    given(market(BTC, 50_000), wait("4.899999")).when(alive(BTC)).then(kept_alive(BTC)).when(wait("4.999999")).then(
        condition_is(BTC, "fresh")
    ).when(wait("0.000001")).then(condition_is(BTC, "stale"))


def test_price_13_an_alive_mark_never_ends_staleness() -> None:
    given(market(BTC, 50_000), wait("4.9")).when(alive(BTC)).then(
        tick_refused(BTC, TickRefusal.NOTHING_TO_KEEP_FRESH), condition_is(BTC, "stale")
    )
    given().when(alive(BTC)).then(tick_refused(BTC, TickRefusal.NOTHING_TO_KEEP_FRESH), condition_is(BTC, "none"))


@pytest.mark.rules(1)
def test_price_13_an_alive_mark_confirms_no_candidate_but_keeps_the_accepted_price_fresh() -> None:
    given(market(BTC, 50_000), price(BTC, 60_000), wait(4)).when(alive(BTC)).then(
        kept_alive(BTC), condition_is(BTC, "unconfirmed")
    ).when(wait(4), price(BTC, 50_001)).then(accepted(BTC), condition_is(BTC, "fresh"))


@pytest.mark.parametrize(
    ("drift", "suspect"), [(2_000_000, False), (2_000_001, True), (-2_000_000, False), (-2_000_001, True)]
)
def test_price_17_a_sender_s_clock_two_seconds_off_stops_openings_only(drift: int, *, suspect: bool) -> None:
    scenario = given(deposit(1_000), long(BTC, margin=100, at=50_000)).when(
        alive(BTC, drift=drift), long(BTC, margin=100)
    )
    scenario.then(refused(Rejection.CLOCK_SUSPECT) if suspect else opened())
    scenario.when(close(1)).then(closed_by_hand(1)).when(alive(BTC), long(BTC, margin=100)).then(opened())
