"""Open: the bounds of leverage, margin, quantity, notional and every other field of an order."""

import pytest

from schemas.commands import OpenPosition
from schemas.messages import Side
from schemas.rejections import Rejection
from tests.spec.checks import closed_by_hand, opened, refused
from tests.spec.language import (
    ALICE,
    BOB,
    BTC,
    ETH,
    SIDES,
    SOL,
    Number,
    close,
    deposit,
    given,
    long,
    market,
    opens,
    opens_account,
    sent,
    short,
    usdc,
)


@pytest.mark.parametrize(("leverage", "passes"), [(1, True), ("0.99", False), (100, True), ("100.01", False)])
def test_open_04_leverage_is_from_1_to_100(leverage: Number, *, passes: bool) -> None:
    expected = opened() if passes else refused(Rejection.LEVERAGE_OUT_OF_RANGE)
    given(deposit(1_000)).when(long(BTC, margin=100, leverage=leverage, at=50_000)).then(expected)


@pytest.mark.parametrize("leverage", [0, -1, 101])
def test_open_04_leverage_outside_its_range_is_refused(leverage: int) -> None:
    given(deposit(1_000)).when(long(BTC, margin=100, leverage=leverage, at=50_000)).then(
        refused(Rejection.LEVERAGE_OUT_OF_RANGE)
    )


@pytest.mark.parametrize("amount", [0, "-0.000001", -100])
def test_open_06_a_margin_or_a_quantity_is_more_than_zero(amount: Number) -> None:
    quantity = amount if isinstance(amount, int) else -1
    given(deposit(1_000), market(BTC, 50_000)).when(long(BTC, margin=amount), short(BTC, quantity=quantity)).then(
        refused(Rejection.AMOUNT_NOT_POSITIVE), refused(Rejection.AMOUNT_NOT_POSITIVE)
    )


def test_open_07_a_quantity_under_the_least_lot_is_below_the_minimum() -> None:
    given(deposit(1_000), market(BTC, 50_000)).when(
        long(BTC, margin="0.5", leverage=1), long(BTC, margin="0.499999", leverage=1)
    ).then(opened(quantity="0.00001"), refused(Rejection.BELOW_MINIMUM))


@pytest.mark.parametrize(
    ("symbol", "at", "most", "more"),
    [(BTC, 100, 100, "100.00001"), (ETH, 100, 2_000, "2000.0001"), (SOL, 2, 100_000, "100000.001")],
)
@pytest.mark.parametrize("side", SIDES)
def test_open_07_a_quantity_over_the_largest_is_above_the_maximum(
    side: Side, symbol: str, at: int, most: Number, more: Number
) -> None:
    given(opens_account("carol", 1_000_000), market(symbol, at)).when(
        opens(side, symbol, quantity=most, leverage=10, who="carol"),
        opens(side, symbol, quantity=more, leverage=10, who="carol"),
    ).then(opened(quantity=most), refused(Rejection.ABOVE_MAXIMUM))


@pytest.mark.parametrize("side", SIDES)
def test_open_08_a_position_s_notional_is_at_most_a_million(side: Side) -> None:
    given(deposit(100_000), market(BTC, 50_000)).when(
        opens(side, BTC, quantity="20.00001", leverage=100), opens(side, BTC, quantity=20, leverage=100)
    ).then(refused(Rejection.POSITION_NOTIONAL_LIMIT), opened(margin=10_000))


def test_open_08_an_account_holds_at_most_a_million_of_a_symbol_both_sides_together() -> None:
    given(deposit(100_000), market(BTC, 50_000), market(ETH, 2_500), long(BTC, quantity=12, leverage=100)).when(
        short(BTC, quantity="8.00001", leverage=100),
        short(BTC, quantity=8, leverage=100),
        long(BTC, quantity="0.00001", leverage=100),
        long(ETH, quantity=400, leverage=100),
    ).then(refused(Rejection.ACCOUNT_NOTIONAL_LIMIT), opened(2), refused(Rejection.ACCOUNT_NOTIONAL_LIMIT), opened(3))


@pytest.mark.parametrize(("side", "other"), [("long", "short"), ("short", "long")])
def test_open_08_a_side_of_a_symbol_is_bounded_over_all_accounts(side: Side, other: Side) -> None:
    given(
        deposit(100_000),
        deposit(100_000, who=BOB),
        market(BTC, 50_000),
        opens(side, BTC, quantity=20, leverage=100),
        side_notional_max=usdc(1_500_000),
    ).when(
        opens(side, BTC, quantity="10.00001", leverage=100, who=BOB),
        opens(side, BTC, quantity=10, leverage=100, who=BOB),
        opens(side, BTC, quantity="0.00001", leverage=100, who=BOB),
        opens(other, BTC, quantity="0.00001", leverage=100, who=BOB),
    ).then(refused(Rejection.SIDE_NOTIONAL_LIMIT), opened(2), refused(Rejection.SIDE_NOTIONAL_LIMIT), opened(3))


def test_open_08_a_closed_position_makes_room_again() -> None:
    given(deposit(100_000), long(BTC, quantity=20, leverage=100, at=50_000), side_notional_max=usdc(1_000_000)).when(
        close(1), long(BTC, quantity=20, leverage=100)
    ).then(closed_by_hand(1, returned=10_000), opened(2))


@pytest.mark.parametrize(
    ("side", "stop", "take", "expected"),
    [
        ("long", "49999.8", "50000.0", None),
        ("long", "49999.9", None, Rejection.STOP_LOSS_WRONG_SIDE),
        ("long", None, "49999.9", Rejection.TAKE_PROFIT_WRONG_SIDE),
        ("long", 50_001, 49_000, Rejection.STOP_LOSS_WRONG_SIDE),
        ("short", "50000.2", "50000.0", None),
        ("short", "50000.1", None, Rejection.STOP_LOSS_WRONG_SIDE),
        ("short", None, "50000.1", Rejection.TAKE_PROFIT_WRONG_SIDE),
        ("short", 49_000, 51_000, Rejection.STOP_LOSS_WRONG_SIDE),
    ],
)
def test_open_09_stop_and_take_profit_are_on_either_side_of_the_exit_price(
    side: Side, stop: Number | None, take: Number | None, expected: Rejection | None
) -> None:
    given(deposit(1_000), market(BTC, "49999.9", "50000.1")).when(
        opens(side, BTC, margin=100, leverage=10, stop=stop, take=take)
    ).then(opened() if expected is None else refused(expected))


GOOD = {
    "command_id": "order",
    "account_id": ALICE,
    "symbol": BTC,
    "side": "long",
    "margin": usdc(100),
    "leverage": 1_000,
}


@pytest.mark.parametrize(
    ("fields", "passes"),
    [
        ({}, True),
        ({"quantity": 1_000}, False),  # both
        ({"margin": None}, False),  # neither
        ({"margin": None, "quantity": 1_000}, True),
        ({"slippage_bps": -1}, False),
        ({"slippage_bps": 0}, True),
        ({"slippage_bps": 10_000}, True),
        ({"slippage_bps": 10_001}, False),
        ({"expected_price": 0}, False),
        ({"expected_price": 10**9 + 1}, False),
        ({"stop_loss": 0}, False),
        ({"stop_loss": 1}, True),
        ({"stop_loss": -1}, False),
        ({"take_profit": 10**9}, True),
        ({"take_profit": 10**9 + 1}, False),
        ({"client_order_id": ""}, False),
        ({"client_order_id": "x" * 36}, True),
        ({"client_order_id": "x" * 37}, False),
        ({"client_order_id": "Az09._:-"}, True),
        ({"client_order_id": "a b"}, False),
        ({"client_order_id": "é"}, False),
        ({"symbol": "X" * 65}, False),
    ],
)
def test_open_15_an_order_with_an_impossible_field_is_malformed(fields: dict[str, object], *, passes: bool) -> None:
    order = OpenPosition(**(GOOD | fields))  # type: ignore[arg-type]  # Each case is a field's own type.
    given(deposit(1_000), market(BTC, 50_000)).when(sent(order)).then(
        opened(warned=None) if passes else refused(Rejection.MALFORMED)
    )
