"""Open: by margin or by quantity, at the server's price, once per client order id, and not liquidatable at once."""

import pytest

from schemas.events import PositionOpened
from schemas.messages import Side
from schemas.rejections import Rejection
from tests.spec.checks import closed_by_hand, opened, refused
from tests.spec.exchange import PACE, Exchange
from tests.spec.language import (
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
    seconds,
    short,
)
from tests.spec.ledger_checks import balance, cash, fees, is_open, legs

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
        given(deposit(1_000), market(BTC, bid, ask), spread_max=10_000).when(
            opens(side, BTC, quantity="0.1", leverage=100)
        ).then(opened(margin=50) if passes else refused(Rejection.LIQUIDATABLE_AT_ONCE))


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
    exchange.now = opened_at + later - seconds(2)
    market(BTC, 50_000)(exchange)
    exchange.now = opened_at + later - PACE
    long(BTC, margin=100, name="mine")(exchange)
    assert exchange.last[0].time == opened_at + later
    assert isinstance(exchange.last[0], PositionOpened) == passes
