"""Units: what a number counts, and whom a rounding favours."""

import pytest

from engine.core.division import div_ceil, div_floor
from engine.core.fingerprint import state_digest
from engine.core.laws import broken
from engine.core.liquidation import requirement_of
from engine.core.margin import fee_of, margin_of, notional_of, quantity_of
from engine.snapshot.copy_on_write import begin_copy, end_copy
from engine.snapshot.format import restore
from schemas.bounds import PRICE_MAX
from schemas.messages import Instrument
from schemas.record import replace
from schemas.rejections import Rejection, TickRefusal
from schemas.units import Hundredths, Lots, Micros, Ppm, Ticks
from tests.spec.checks import closed_by_hand, opened, refused, tick_refused
from tests.spec.exchange import Exchange
from tests.spec.language import (
    ALICE,
    BTC,
    ETH,
    SOL,
    close,
    deposit,
    given,
    long,
    lots,
    market,
    opens_account,
    price,
    short,
    ticks,
    usdc,
)
from tests.spec.ledger_checks import condition_is


@pytest.mark.parametrize(
    ("symbol", "quantity", "at", "notional"),
    [(BTC, "0.1", 50_000, 5_000), (ETH, 2, 2_500, 5_000), (SOL, 40, 125, 5_000), (BTC, "0.00001", "0.1", "0.000001")],
)
def test_unit_01_notional_is_the_exact_product(symbol: str, quantity: str, at: int, notional: int) -> None:
    value = 10 if symbol == SOL else 1
    assert notional_of(Lots(lots(symbol, quantity)), Ticks(ticks(symbol, at)), value) == usdc(notional)


def test_unit_02_div_floor_rounds_a_quotient_down_and_div_ceil_rounds_a_quotient_up() -> None:
    assert (div_floor(7, 2), div_floor(-7, 2), div_floor(8, 2)) == (3, -4, 4)
    assert (div_ceil(7, 2), div_ceil(-7, 2), div_ceil(8, 2)) == (4, -3, 4)


def test_unit_02_margin_fee_and_requirement_are_rounded_up() -> None:
    assert margin_of(Micros(10), Hundredths(300)) == 4  # 3.33
    assert fee_of(Micros(1_000_001), Ppm(1)) == 2  # 1.000001
    assert requirement_of(Micros(201), Micros(20), Ppm(5_000), Ppm(50_000)) == 2  # 1.005 and 1.00
    assert requirement_of(Micros(200), Micros(21), Ppm(5_000), Ppm(50_000)) == 2  # 1.00 and 1.05
    assert requirement_of(Micros(200), Micros(20), Ppm(5_000), Ppm(50_000)) == 1  # 1.00 and 1.00


def test_unit_02_the_lots_a_margin_buys_are_rounded_down() -> None:
    assert quantity_of(Micros(100), Hundredths(300), Ticks(100), 1) == 3  # 3.00
    assert quantity_of(Micros(99), Hundredths(300), Ticks(100), 1) == 2  # 2.97


def test_unit_03_a_price_above_a_billion_ticks_is_refused() -> None:
    given(market(BTC, 100_000_000)).when(price(BTC, 100_000_000, "100000000.1")).then(
        tick_refused(BTC, TickRefusal.ABOVE_MAXIMUM)
    )
    assert ticks(BTC, 100_000_000) == PRICE_MAX


def test_unit_03_a_price_of_a_billion_ticks_is_accepted() -> None:
    given().when(market(BTC, 100_000_000)).then(condition_is(BTC, "fresh"))


def test_unit_04_a_position_keeps_the_rates_of_its_opening() -> None:
    def raise_the_fee(exchange: Exchange) -> None:
        changed = {"fee_rate": 2_000}
        exchange.define(*(_with(exchange, symbol, **changed) for symbol in (BTC, ETH, SOL)), broadcast="dearer")

    given(deposit(1_000), long(BTC, margin=100, leverage=50, at=50_000), fee_rate=1_000).when(
        raise_the_fee, close(1), long(BTC, margin=100, leverage=50)
    ).then(closed_by_hand(1, fee=5, returned=95), opened(2, fee=10))


def test_unit_05_the_largest_notional_and_the_smallest_lot_are_served() -> None:
    given(deposit(1), opens_account("carol", 1_000_000), market(BTC, 50_000)).when(
        long(BTC, quantity=20, leverage=100, who="carol"),
        short(BTC, quantity="0.00001", leverage=100),
        short(BTC, quantity="20.00001", leverage=100, who="carol"),
    ).then(opened(1, margin=10_000), opened(2, margin="0.005"), refused(Rejection.POSITION_NOTIONAL_LIMIT))


def _with(exchange: Exchange, symbol: str, **parameters: int) -> Instrument:
    return replace(exchange.state.instruments[symbol], **parameters)


def test_unit_06_a_snapshot_holds_a_sum_of_the_books_that_exceeds_64_bits() -> None:
    """10,000 accounts begin with 10^9 USDC each: EXTERNAL is -10^19 micros."""
    exchange = Exchange()
    for number in range(10_000):
        opens_account(f"a{number}", 10**9)(exchange)
    assert exchange.state.external == -(10**19) < -(2**63)
    copy = begin_copy(exchange.state)
    restored = restore(iter(copy.next_page, None))
    end_copy(exchange.state)
    assert state_digest(restored) == state_digest(exchange.state)
    assert broken(restored) == []


def test_unit_06_a_snapshot_holds_an_account_s_cash_that_exceeds_64_bits() -> None:
    """Nine profits of 9 x 10^12 USDC: the highest price there is, against the lowest."""
    exchange = given(deposit(10)).exchange
    gained = Micros(9 * 9 * 10**18)
    account = exchange.state.accounts[ALICE]
    account.cash += gained
    exchange.state.house -= gained
    assert account.cash > 2**64
    copy = begin_copy(exchange.state)
    restored = restore(iter(copy.next_page, None))
    end_copy(exchange.state)
    assert restored.accounts[ALICE].cash == account.cash
    assert state_digest(restored) == state_digest(exchange.state)
