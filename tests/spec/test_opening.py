"""Open: by margin or by quantity, at the server's price, within bounds, and not liquidatable at once."""

import pytest

from schemas.commands import OpenPosition
from schemas.events import PositionOpened
from schemas.messages import Side
from schemas.rejections import Rejection
from tests.spec.checks import balance, cash, closed_by_hand, fees, is_open, legs, opened, refused
from tests.spec.exchange import PACE, Exchange
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
    seconds,
    sent,
    short,
    usdc,
)

PRICES: tuple[tuple[str, int, Number], ...] = ((BTC, 50_000, "0.1"), (ETH, 2_500, 2), (SOL, 125, 40))


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize(("symbol", "at", "quantity"), PRICES)
def test_open_01_by_margin_the_whole_margin_is_posted(side: Side, symbol: str, at: int, quantity: Number) -> None:
    given(deposit(1_000)).when(opens(side, symbol, margin=100, leverage=50, at=at)).then(
        opened(1, at=at, quantity=quantity, margin=100), cash(900)
    )


def test_open_01_a_margin_buys_whole_lots_rounded_down() -> None:
    given(deposit(1_000)).when(long(BTC, margin="10.000001", leverage=3, at=60_000)).then(
        opened(quantity="0.00050", margin="10.000001")
    )
    given(deposit(1_000)).when(long(BTC, margin="9.999999", leverage=3, at=60_000)).then(
        opened(quantity="0.00049", margin="9.999999")
    )


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize(("symbol", "at", "quantity"), PRICES)
def test_open_02_by_quantity_the_margin_follows(side: Side, symbol: str, at: int, quantity: Number) -> None:
    given(deposit(1_000)).when(opens(side, symbol, quantity=quantity, leverage=50, at=at)).then(
        opened(1, at=at, quantity=quantity, margin=100), cash(900)
    )


def test_open_02_the_margin_of_a_quantity_is_rounded_up() -> None:
    given(deposit(1_000)).when(long(BTC, quantity="0.00001", leverage=3, at=50_000)).then(
        opened(margin="0.166667")  # 0.50 / 3
    )


@pytest.mark.parametrize("side", SIDES)
def test_open_03_a_long_fills_at_the_ask_and_a_short_at_the_bid(side: Side) -> None:
    given(deposit(1_000), market(BTC, 49_999, 50_001)).when(
        opens(side, BTC, margin=100, leverage=10, expected=50_000)
    ).then(opened(at=50_001 if side == "long" else 49_999))


@pytest.mark.parametrize(("leverage", "passes"), [(1, True), ("0.99", False), (100, True), ("100.01", False)])
def test_open_04_leverage_is_from_1_to_100(leverage: Number, *, passes: bool) -> None:
    expected = opened() if passes else refused(Rejection.LEVERAGE_OUT_OF_RANGE)
    given(deposit(1_000)).when(long(BTC, margin=100, leverage=leverage, at=50_000)).then(expected)


@pytest.mark.parametrize("leverage", [0, -1, 101])
def test_open_04_leverage_outside_its_range_is_refused(leverage: int) -> None:
    given(deposit(1_000)).when(long(BTC, margin=100, leverage=leverage, at=50_000)).then(
        refused(Rejection.LEVERAGE_OUT_OF_RANGE)
    )


@pytest.mark.parametrize(
    ("side", "at", "passes"),
    [("long", 50_500, True), ("long", "50500.1", False), ("short", 49_500, True), ("short", "49499.9", False)],
)
def test_open_05_the_fill_price_may_slip_a_hundred_basis_points_from_the_expected_price(
    side: Side, at: Number, *, passes: bool
) -> None:
    given(deposit(1_000)).when(opens(side, BTC, margin=100, at=at, expected=50_000)).then(
        opened(at=at) if passes else refused(Rejection.SLIPPAGE_EXCEEDED)
    )


@pytest.mark.parametrize(
    ("side", "at", "bps", "passes"),
    [
        ("long", 50_000, 0, True),
        ("long", "50000.1", 0, False),
        ("long", 45_001, 0, True),
        ("short", "49999.9", 0, False),
        ("short", 55_000, 0, True),
        ("long", 50_025, 5, True),
        ("long", "50025.1", 5, False),
        ("short", 49_975, 5, True),
        ("short", "49974.9", 5, False),
    ],
)
def test_open_05_an_order_may_name_its_own_slippage_and_a_better_price_fills(
    side: Side, at: Number, bps: int, *, passes: bool
) -> None:
    given(deposit(1_000)).when(opens(side, BTC, margin=100, at=at, expected=50_000, slippage_bps=bps)).then(
        opened(at=at) if passes else refused(Rejection.SLIPPAGE_EXCEEDED)
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


@pytest.mark.parametrize(
    ("side", "stop", "warned"),
    [
        ("long", "49246.3", False),
        ("long", "49246.2", True),
        ("long", 100, True),
        ("short", "50746.2", False),
        ("short", "50746.3", True),
        ("short", 99_999, True),
    ],
)
def test_open_10_a_stop_beyond_the_liquidation_price_is_accepted_with_a_warning(
    side: Side, stop: Number, *, warned: bool
) -> None:
    given(deposit(1_000)).when(opens(side, BTC, margin=100, leverage=50, at=50_000, stop=stop)).then(
        opened(warned=warned)
    )


@pytest.mark.parametrize("side", SIDES)
def test_open_11_a_position_that_would_be_liquidated_at_once_is_refused(side: Side) -> None:
    # Long: equity 50 - 25.12 = 24.88 at the bid 49,748.8, required 24.8744; 24.87 against 24.87435 a tick lower.
    at, just, beyond = {
        "long": (50_000, "49748.8", "49748.7"),
        "short": (50_000, "50248.7", "50248.8"),
    }[side]
    for exit_price, passes in ((just, True), (beyond, False)):
        bid, ask = (exit_price, at) if side == "long" else (at, exit_price)
        given(deposit(1_000), market(BTC, bid, ask)).when(opens(side, BTC, quantity="0.1", leverage=100)).then(
            opened(margin=50) if passes else refused(Rejection.LIQUIDATABLE_AT_ONCE)
        )


def test_open_12_margin_and_fee_come_from_cash_to_the_last_micro() -> None:
    given(deposit(105), fee_rate=1_000).when(long(BTC, margin=100, leverage=50, at=50_000)).then(
        opened(fee=5), cash(0), legs(("CASH", "MARGIN", 100), ("CASH", "FEES", 5))
    )
    given(deposit("104.999999"), fee_rate=1_000).when(long(BTC, margin=100, leverage=50, at=50_000)).then(
        refused(Rejection.INSUFFICIENT_MARGIN), cash("104.999999"), is_open()
    )


def test_open_12_without_a_fee_an_order_needs_its_margin_alone() -> None:
    given(deposit(100)).when(long(BTC, margin="100.000001", leverage=50, at=50_000)).then(
        refused(Rejection.INSUFFICIENT_MARGIN)
    ).when(long(BTC, margin=100, leverage=50)).then(opened(), cash(0))


def test_open_13_the_fee_is_a_share_of_the_notional_rounded_up() -> None:
    given(deposit(1_000), fee_rate=700).when(long(BTC, quantity="0.00001", leverage=10, at="50000.1")).then(
        opened(fee="0.000351"),
        fees("0.000351"),
        balance("999.999649"),  # 0.500001 x 0.07 % = 0.0003500007
    )


def test_open_14_opposite_positions_are_open_side_by_side() -> None:
    given(deposit(1_000), market(BTC, 50_000)).when(
        long(BTC, margin=100, leverage=10), short(BTC, margin=100, leverage=10), long(BTC, margin=100, leverage=10)
    ).then(opened(1), opened(2), opened(3), is_open(1, 2, 3), cash(700))


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


def test_open_16_an_opened_position_names_the_tick_of_its_fill() -> None:
    exchange: Exchange = given(deposit(1_000), market(BTC, 49_999, 50_001)).when(long(BTC, margin=100)).exchange
    event = exchange.last[0]
    quote = exchange.state.markets[BTC].quote
    assert isinstance(event, PositionOpened)
    assert quote is not None
    assert (event.bid, event.ask) == (499_990, 500_010)
    assert (event.tick_source_time, event.tick_offset) == (quote.source_time, quote.offset)
    assert event.tick_offset < event.command_offset


def test_open_17_a_client_order_id_opens_one_position_even_after_that_position_closed() -> None:
    given(deposit(1_000), market(BTC, 50_000)).when(
        long(BTC, margin=100, name="mine"),
        short(BTC, margin=100, name="mine"),
        close(1),
        long(BTC, margin=100, name="mine"),
    ).then(
        opened(1),
        refused(Rejection.CLIENT_ORDER_ID_USED),
        closed_by_hand(1),
        refused(Rejection.CLIENT_ORDER_ID_USED),
        is_open(),
        cash(1_000),
    )


def test_open_17_a_refused_order_does_not_use_up_its_client_order_id_and_accounts_share_no_ids() -> None:
    given(deposit(1_000), deposit(1_000, who=BOB), market(BTC, 50_000)).when(
        long(BTC, margin="1000.000001", name="mine"),
        long(BTC, margin=100, name="mine"),
        long(BTC, margin=100, name="mine", who=BOB),
    ).then(refused(Rejection.INSUFFICIENT_MARGIN), opened(1), opened(2))


@pytest.mark.parametrize(("later", "passes"), [(seconds(600) - 1, False), (seconds(600), True)])
def test_open_17_a_client_order_id_is_remembered_for_ten_minutes(later: int, *, passes: bool) -> None:
    exchange: Exchange = given(deposit(1_000)).when(long(BTC, margin=100, name="mine", at=50_000)).exchange
    opened_at = exchange.last[0].time
    exchange.now = opened_at + later - seconds(3)
    market(BTC, 50_000)(exchange)
    exchange.now = opened_at + later - PACE
    long(BTC, margin=100, name="mine")(exchange)
    assert exchange.last[0].time == opened_at + later
    assert isinstance(exchange.last[0], PositionOpened) == passes
