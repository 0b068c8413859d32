"""Amend: an owner sets another stop or take, or takes it off."""

import pytest

from schemas.commands import AmendStops
from schemas.messages import Side
from schemas.rejections import Rejection
from tests.spec.checks import amended, refused, stopped, taken
from tests.spec.language import (
    ALICE,
    BOB,
    BTC,
    Number,
    amend,
    close_only,
    deposit,
    given,
    halt,
    long,
    market,
    opens,
    price,
    sent,
    wait,
)
from tests.spec.ledger_checks import is_open

A_LONG = (deposit(1_000), long(BTC, margin=100, leverage=10, at=50_000, stop=49_000, take=51_000))


def test_amend_01_an_amendment_changes_only_the_stops_it_names() -> None:
    given(*A_LONG).when(amend(1, stop=49_500)).then(amended(stop=49_500, take=51_000))
    given(*A_LONG).when(amend(1, take=52_000)).then(amended(stop=49_000, take=52_000))
    given(*A_LONG).when(amend(1, stop=49_500, take=52_000)).then(amended(stop=49_500, take=52_000))


def test_amend_01_a_stop_set_to_none_is_removed() -> None:
    given(*A_LONG).when(amend(1, stop=None)).then(amended(stop=None, take=51_000)).when(price(BTC, 48_000)).then(
        is_open(1)
    )
    given(*A_LONG).when(amend(1, take=None)).then(amended(stop=49_000, take=None)).when(price(BTC, 52_000)).then(
        is_open(1)
    )


def test_amend_01_an_amended_stop_fires_at_its_new_price_and_not_at_its_old_one() -> None:
    given(*A_LONG).when(amend(1, stop=48_000, take=52_000), price(BTC, 49_000), price(BTC, 51_000)).then(
        amended(stop=48_000, take=52_000), is_open(1)
    ).when(price(BTC, 52_000)).then(taken(1, at=52_000))
    given(*A_LONG).when(amend(1, stop=49_500), price(BTC, 49_500)).then(stopped(1, at=49_500))


def test_amend_02_setting_a_stop_needs_a_fresh_price_and_removing_a_stop_does_not() -> None:
    given(*A_LONG, wait(5)).when(amend(1, stop=48_000), amend(1, take=52_000), amend(1, stop=None)).then(
        refused(Rejection.PRICE_STALE), refused(Rejection.PRICE_STALE), amended(stop=None, take=51_000)
    )
    given(*A_LONG, price(BTC, 60_000)).when(amend(1, stop=None, take=52_000), amend(1, stop=None, take=None)).then(
        refused(Rejection.PRICE_UNCONFIRMED), amended(stop=None, take=None)
    )


@pytest.mark.parametrize(
    ("side", "stop", "take", "expected"),
    [
        ("long", "49999.9", "50000.1", None),
        ("long", 50_000, None, Rejection.STOP_LOSS_WRONG_SIDE),
        ("long", None, 50_000, Rejection.TAKE_PROFIT_WRONG_SIDE),
        ("short", "50000.1", "49999.9", None),
        ("short", 50_000, None, Rejection.STOP_LOSS_WRONG_SIDE),
        ("short", None, 50_000, Rejection.TAKE_PROFIT_WRONG_SIDE),
    ],
)
def test_amend_03_a_new_stop_or_take_profit_is_on_the_right_side_of_the_exit_price(
    side: Side, stop: Number | None, take: Number | None, expected: Rejection | None
) -> None:
    given(deposit(1_000), opens(side, BTC, margin=100, leverage=10, at=50_000)).when(
        amend(1, stop=stop, take=take)
    ).then(amended(stop=stop, take=take) if expected is None else refused(expected))


def test_amend_03_a_stop_that_an_amendment_keeps_is_not_checked() -> None:
    """Halted, the price may pass a stop; another take may still be set."""
    given(*A_LONG, halt(BTC), market(BTC, 48_500)).when(amend(1, take=50_500)).then(amended(stop=49_000, take=50_500))


def test_amend_04_stops_may_be_amended_while_the_market_is_halted_or_close_only() -> None:
    given(*A_LONG, halt(BTC)).when(amend(1, stop=48_000)).then(amended(stop=48_000, take=51_000))
    given(*A_LONG, close_only(BTC)).when(amend(1, stop=48_000)).then(amended(stop=48_000, take=51_000))


def test_amend_05_only_the_owner_amends() -> None:
    given(*A_LONG).when(amend(1, stop=None, who=BOB), amend(2, stop=None)).then(
        refused(Rejection.POSITION_NOT_OPEN), refused(Rejection.POSITION_NOT_OPEN)
    ).when(price(BTC, 49_000)).then(stopped(1, at=49_000))


@pytest.mark.parametrize(
    ("stop", "take"),
    [
        ((False, None), (False, None)),  # names nothing
        ((False, 490_000), (True, None)),  # a price that is not meant
        ((True, None), (False, 510_000)),
        ((True, 0), (False, None)),
        ((True, 10**9 + 1), (False, None)),
        ((False, None), (True, -1)),
    ],
)
def test_amend_06_an_amendment_that_makes_no_sense_is_malformed(
    stop: tuple[bool, int | None], take: tuple[bool, int | None]
) -> None:
    command = AmendStops(
        command_id="amend",
        account_id=ALICE,
        position_id="0-1",
        amend_stop_loss=stop[0],
        stop_loss=stop[1],
        amend_take_profit=take[0],
        take_profit=take[1],
    )
    given(*A_LONG).when(sent(command)).then(refused(Rejection.MALFORMED), is_open(1))


def test_amend_07_a_stop_beyond_the_liquidation_price_is_set_with_a_warning() -> None:
    given(deposit(1_000), long(BTC, margin=100, leverage=50, at=50_000)).when(
        amend(1, stop="49246.3"), amend(1, stop="49246.2")
    ).then(amended(stop="49246.3", take=None), amended(stop="49246.2", take=None, warned=True))
