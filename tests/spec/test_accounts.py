"""Accounts and the books: deposits, withdrawals, and the book of every micro."""

import pytest

from schemas.rejections import Rejection
from tests.spec.checks import closed_by_hand, liquidated, opened, refused
from tests.spec.exchange import MIDNIGHT, Exchange
from tests.spec.language import (
    BOB,
    BTC,
    close,
    deposit,
    given,
    long,
    market,
    opens_account,
    wait,
    withdraw,
)
from tests.spec.ledger_checks import balance, cash, fees, house, insurance, legs


def test_acc_01_an_account_opens_with_its_first_deposit() -> None:
    given().when(opens_account("carol", 5_000)).then(cash(5_000, who="carol"), legs(("EXTERNAL", "CASH", 5_000)))


def test_acc_01_an_account_may_open_with_a_deposit_of_zero_but_not_with_a_negative_deposit() -> None:
    given().when(opens_account("carol", 0)).then(cash(0, who="carol"), legs())
    given().when(opens_account("carol", "-0.000001")).then(refused(Rejection.AMOUNT_NOT_POSITIVE))


def test_acc_01_a_first_deposit_is_at_most_a_billion() -> None:
    given().when(opens_account("carol", 10**9)).then(cash(10**9, who="carol"))
    given().when(opens_account("carol", "1000000000.000001")).then(refused(Rejection.BALANCE_LIMIT))


def test_acc_02_a_second_opening_is_refused_however_old_the_first() -> None:
    scenario = given(opens_account("carol", 5_000, id="open"))
    scenario.when(opens_account("carol", 5_000, id="open")).then(refused(Rejection.ACCOUNT_EXISTS))
    scenario.when(wait(86_400), opens_account("carol", 1, id="open")).then(refused(Rejection.ACCOUNT_EXISTS))
    scenario.when(opens_account("carol", 1, id="other")).then(
        refused(Rejection.ACCOUNT_EXISTS), cash(5_000, who="carol")
    )


def test_acc_03_a_deposit_comes_from_outside_into_cash() -> None:
    given().when(deposit("12.345678")).then(cash("12.345678"), legs(("EXTERNAL", "CASH", "12.345678")))


@pytest.mark.parametrize("amount", [0, "-0.000001", -5])
def test_acc_03_a_deposit_is_more_than_zero(amount: int | str) -> None:
    given().when(deposit(amount)).then(refused(Rejection.AMOUNT_NOT_POSITIVE), cash(0))


def test_acc_04_a_day_takes_deposits_of_a_hundred_thousand_and_no_micro_more() -> None:
    given(deposit(60_000)).when(deposit(40_000)).then(cash(100_000)).when(deposit("0.000001")).then(
        refused(Rejection.DEPOSIT_LIMIT), cash(100_000)
    )


def test_acc_04_a_new_day_of_log_time_takes_deposits_again() -> None:
    def until_midnight(exchange: Exchange) -> None:
        exchange.now = MIDNIGHT + 86_400 * 10**6 - 2_001  # The next command comes a millisecond later.

    given(deposit(100_000)).when(until_midnight, deposit("0.000001"), deposit(100_000)).then(
        refused(Rejection.DEPOSIT_LIMIT), refused(Rejection.DEPOSIT_LIMIT), cash(100_000)
    ).when(deposit(100_000)).then(cash(200_000))


def test_acc_04_a_first_deposit_and_a_refused_one_do_not_count_for_the_day() -> None:
    given(opens_account("carol", 500_000)).when(deposit(100_001, who="carol"), deposit(100_000, who="carol")).then(
        refused(Rejection.DEPOSIT_LIMIT), cash(600_000, who="carol")
    )


def test_acc_05_a_balance_grows_by_deposits_to_a_billion_margin_included() -> None:
    given(opens_account("carol", 999_999_999), long(BTC, margin=100, leverage=10, at=50_000, who="carol")).when(
        deposit("1.000001", who="carol")
    ).then(refused(Rejection.BALANCE_LIMIT)).when(deposit(1, who="carol")).then(balance(10**9, who="carol"))


def test_acc_06_cash_may_be_withdrawn_to_the_last_micro() -> None:
    given(deposit(100)).when(withdraw("100.000001")).then(refused(Rejection.INSUFFICIENT_MARGIN)).when(
        withdraw(100)
    ).then(cash(0), legs(("CASH", "EXTERNAL", 100)))


@pytest.mark.parametrize("amount", [0, "-0.000001"])
def test_acc_06_a_withdrawal_is_more_than_zero(amount: int | str) -> None:
    given(deposit(100)).when(withdraw(amount)).then(refused(Rejection.AMOUNT_NOT_POSITIVE), cash(100))


def test_acc_06_margin_and_unrealised_profit_are_not_withdrawn() -> None:
    given(deposit(100), long(BTC, margin=60, leverage=10, at=50_000), market(BTC, 54_000)).when(
        withdraw("40.000001")
    ).then(refused(Rejection.INSUFFICIENT_MARGIN)).when(withdraw(40)).then(cash(0), balance(60))


def test_acc_07_opening_leaves_the_balance_and_moves_cash_into_margin() -> None:
    given(deposit(1_000)).when(long(BTC, margin=100, leverage=50, at=50_000)).then(
        opened(margin=100), cash(900), balance(1_000), legs(("CASH", "MARGIN", 100))
    )


def test_acc_07_profit_that_is_not_realised_opens_nothing() -> None:
    given(deposit(100), long(BTC, margin=100, leverage=10, at=50_000), market(BTC, 54_000)).when(
        long(BTC, margin="0.5", leverage=100)
    ).then(refused(Rejection.INSUFFICIENT_MARGIN))


def test_acc_08_every_movement_names_both_books() -> None:
    given(deposit(1_000), long(BTC, margin=100, leverage=50, at=50_000), market(BTC, 50_100), fee_rate=1_000).when(
        close(1)
    ).then(
        closed_by_hand(1, profit=10, fee="5.01", returned="104.99"),
        legs(("HOUSE", "MARGIN", 10), ("MARGIN", "FEES", "5.01"), ("MARGIN", "CASH", "104.99")),
        fees("10.01"),
        house(-10),
        cash("999.99"),
    )


def test_acc_08_a_loss_goes_to_the_house() -> None:
    given(deposit(1_000), long(BTC, margin=100, leverage=50, at=50_000), market(BTC, 49_900)).when(close(1)).then(
        closed_by_hand(1, profit=-10, returned=90),
        legs(("MARGIN", "HOUSE", 10), ("MARGIN", "CASH", 90)),
        house(10),
        insurance(0),
        cash(990),
    )


def test_acc_09_no_command_touches_another_account() -> None:
    given(deposit(1_000), deposit(1_000, who=BOB)).when(
        long(BTC, margin=100, leverage=50, at=50_000), market(BTC, 48_000)
    ).then(
        liquidated(1, at=48_000, fee=0, returned=0, shortfall=100),
        cash(900),
        cash(1_000, who=BOB),
        balance(1_000, who=BOB),
    )
