"""One command closes what an account has open, as far as the markets let it."""

import pytest

from schemas.events import CommandRejected, PositionOpened
from schemas.rejections import Rejection
from tests.activating import activate
from tests.spec.checks import all_closed, closed_by_hand, refused
from tests.spec.language import (
    ALICE,
    BOB,
    BTC,
    ETH,
    close_all,
    deposit,
    given,
    halt,
    long,
    market,
    price,
    short,
    unhalt,
    wait,
)
from tests.spec.ledger_checks import cash, is_open

pytestmark = pytest.mark.rules(2)
A_LONG = (deposit(1_000), long(BTC, margin=100, at=50_000))


def test_close_08_every_position_closes_the_oldest_first_each_by_its_own_event() -> None:
    given(
        deposit(1_000), long(BTC, margin=100, at=50_000), short(BTC, margin=50), market(ETH, 2_000), long(ETH, margin=7)
    ).when(close_all()).then(
        all_closed(3), closed_by_hand(1), closed_by_hand(2), closed_by_hand(3), is_open(), cash(1_000)
    )


def test_close_08_positions_whose_market_is_halted_or_stale_stay_and_are_named() -> None:
    given(
        deposit(1_000),
        market(ETH, 2_000),
        long(ETH, margin=7),
        wait(5),
        long(BTC, margin=100, at=50_000),
        long(BTC, margin=50),
    ).when(close_all()).then(all_closed(2, 1), closed_by_hand(2), closed_by_hand(3), is_open(1)).when(
        market(ETH, 2_000), halt(ETH), close_all()
    ).then(all_closed(0, 1)).when(unhalt(ETH), close_all()).then(all_closed(1), closed_by_hand(1))


def test_close_08_of_one_symbol_the_others_stay_without_being_named() -> None:
    given(deposit(1_000), market(ETH, 2_000), long(ETH, margin=7), long(BTC, margin=100, at=50_000)).when(
        close_all(BTC), close_all("DOGE_USDC"), close_all("X" * 65)
    ).then(
        all_closed(1),
        closed_by_hand(2),
        refused(Rejection.SYMBOL_UNKNOWN),
        refused(Rejection.MALFORMED),
        is_open(1),
    )


def test_close_08_of_another_account_nothing_closes() -> None:
    given(*A_LONG).when(close_all(who=BOB)).then(all_closed(0), is_open(1))


@pytest.mark.rules(1)
def test_close_08_an_account_that_brings_1198_positions_from_version_1_closes_all_with_one_command() -> None:
    exchange = given(deposit(100_000, who=BOB), deposit(1_000), market(BTC, 50_000)).exchange
    for number in range(1_198):
        if number % 500 == 499:
            wait(600)(exchange)
            market(BTC, 50_000)(exchange)
        if number % 900 == 0:
            price(BTC, 50_000)(exchange)
        long(BTC, quantity="0.00001", leverage=100)(exchange)
        assert isinstance(exchange.last[0], PositionOpened), exchange.last
    exchange.send(activate(2))
    price(BTC, 50_000)(exchange)
    long(BTC, quantity="0.00001", leverage=100)(exchange)
    refusal = exchange.last[0]
    assert isinstance(refusal, CommandRejected)
    assert refusal.rejection == Rejection.TOO_MANY_POSITIONS
    close_all()(exchange)
    assert len(exchange.last) == 1_199
    assert exchange.state.positions == {}
    assert exchange.state.accounts[ALICE].cash == 1_000_000_000
    exchange.check()
