"""A user's orders at the venue, without and with faults."""

from collections.abc import Iterator
from decimal import Decimal

import pytest

from schemas.venue_messages import VenueCommandRejected, VenueOrderRejected, VenueReset
from tests.processes import ServiceProcess, eventually
from tests.venue.conftest import WINDOW_MS
from tests.venue.testnet import Chaos, Testnet
from tests.venue.venue_setup import Trader, VenueSetup


@pytest.fixture(scope="module")
def worker(venue: VenueSetup) -> Iterator[ServiceProcess]:
    with venue.worker() as process:
        yield process


@pytest.fixture(autouse=True)
def good_day(testnet: Testnet) -> Iterator[None]:
    """Every fault a test sets ends with the test."""
    yield
    testnet.chaos, testnet.clock_ahead_ms, testnet.late_s = Chaos(), 0, 0.0


@pytest.fixture(scope="module")
def trader(venue: VenueSetup, worker: ServiceProcess) -> Trader:
    """A user whose first order was filled, so that it shows whether the venue was reset."""
    trader = venue.trader()
    first = venue.place(trader)
    venue.wait_for(trader, first, "filled")
    return trader


def test_a_market_order_is_received_submitted_accepted_and_filled_under_its_client_order_id(
    venue: VenueSetup, trader: Trader, testnet: Testnet
) -> None:
    before = venue.position(trader, "BTCUSDT")
    order_id = venue.place(trader, "0.5")
    row = venue.wait_for(trader, order_id, "filled")
    assert venue.event_names(order_id) == [
        "VenueOrderReceived",
        "VenueOrderSubmitted",
        "VenueOrderAccepted",
        "VenueOrderFilled",
    ]
    assert (row.executed_quantity, row.executed_quote) == (Decimal("0.5"), Decimal(25_000))
    assert testnet.market.find(trader.api_key, order_id).number == row.venue_order_id
    assert venue.position(trader, "BTCUSDT") - before == Decimal("0.5")


def test_a_resting_order_is_accepted_and_filled_in_parts_by_reports_of_the_stream(
    venue: VenueSetup, trader: Trader, testnet: Testnet
) -> None:
    order_id = venue.place(trader, "2", price="40000")
    venue.wait_for(trader, order_id, "accepted")
    eventually(lambda: testnet.streams, lambda streams: streams > 0)
    testnet.call(lambda: testnet.market.fill_half(order_id))
    row = venue.wait_for(trader, order_id, "partially_filled")
    assert row.executed_quantity == 1
    testnet.call(lambda: testnet.market.fill_half(order_id))
    testnet.move("BTCUSDT", "39000")
    venue.wait_for(trader, order_id, "filled")
    testnet.move("BTCUSDT", "50000")


def test_a_fill_missed_while_the_stream_was_cut_is_found_after_the_reconnection(
    venue: VenueSetup, trader: Trader, testnet: Testnet
) -> None:
    order_id = venue.place(trader, "1", price="45000")
    venue.wait_for(trader, order_id, "accepted")
    testnet.cut_streams()
    testnet.move("BTCUSDT", "44000")
    venue.wait_for(trader, order_id, "filled")
    testnet.move("BTCUSDT", "50000")


def test_an_order_is_cancelled_once_and_a_second_cancel_changes_nothing(venue: VenueSetup, trader: Trader) -> None:
    order_id = venue.place(trader, "1", price="30000")
    venue.cancel(trader, order_id)
    venue.wait_for(trader, order_id, "cancelled")
    venue.cancel(trader, order_id)
    story = eventually(lambda: venue.event_names(order_id), lambda seen: len(seen) >= 6)
    assert story[-1] == "VenueCancelReceived"


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({"quantity": "0.000001"}, "LOT_SIZE"),
        ({"quantity": "0.000015"}, "LOT_SIZE"),
        ({"quantity": "51"}, "MARKET_LOT_SIZE"),
        ({"quantity": "1", "price": "50000.001"}, "PRICE_FILTER"),
        ({"quantity": "0.00002"}, "NOTIONAL"),
        ({"quantity": "0.00001", "price": "400000"}, "NOTIONAL"),
        ({"quantity": "0.123456789"}, "PRECISION"),
        ({"quantity": "1", "kind": "STOP_MARKET"}, "ORDER_TYPE"),
        ({"quantity": "1", "symbol": "DOGEUSDT"}, "SYMBOL_UNKNOWN"),
        ({"quantity": "0"}, "QUANTITY"),
        ({"quantity": "1", "kind": "LIMIT"}, "PRICE_MISSING"),
    ],
)
def test_an_order_the_filters_forbid_is_refused_with_the_filter_s_name_and_never_sent(
    venue: VenueSetup, trader: Trader, testnet: Testnet, asked: dict[str, str], code: str
) -> None:
    order_id = venue.place(trader, **asked)  # type: ignore[arg-type]  # Keywords of that function.
    row = venue.wait_for(trader, order_id, "rejected")
    assert row.code == code
    assert order_id not in {sent["newClientOrderId"] for sent in testnet.requests_of("POST", "order")}


def test_an_order_the_venue_refuses_is_rejected_with_the_venue_s_code_and_message(
    venue: VenueSetup, trader: Trader
) -> None:
    order_id = venue.place(trader, "1001", symbol="ETHUSDT", side="sell", price="8000")
    row = venue.wait_for(trader, order_id, "rejected")
    assert (row.code, row.message) == ("-2010", "Account has insufficient balance for requested action.")


def test_without_keys_or_too_late_an_order_is_refused(venue: VenueSetup, trader: Trader) -> None:
    stranger = Trader(trader.user_id, "a-user-without-keys", "", "")
    assert venue.wait_for(stranger, venue.place(stranger), "rejected").code == "NO_KEYS"
    assert venue.wait_for(trader, venue.place(trader, within_s=-1.0), "rejected").code == "DEADLINE_PASSED"


def test_a_wrong_secret_is_refused_by_the_venue(venue: VenueSetup, testnet: Testnet, worker: ServiceProcess) -> None:
    trader = venue.trader()
    testnet.open_account(trader.api_key, "another secret")
    assert venue.wait_for(trader, venue.place(trader), "rejected").code == "-1022"


def test_a_second_order_with_a_used_id_is_refused_and_changes_nothing(
    venue: VenueSetup, trader: Trader, testnet: Testnet
) -> None:
    order_id = venue.place(trader)
    venue.wait_for(trader, order_id, "filled")
    venue.place(trader, order_id=order_id)
    eventually(
        venue.events,
        lambda events: any(isinstance(one, VenueCommandRejected) and one.code == "ORDER_ID_USED" for one in events),
    )
    assert testnet.market.placed[order_id] == 1


def test_bytes_that_are_no_command_are_rejected_and_the_worker_continues(venue: VenueSetup, trader: Trader) -> None:
    venue.append(b"nothing of ours", trader.account_id.encode())
    venue.wait_for(trader, venue.place(trader), "filled")
    assert any(isinstance(one, VenueCommandRejected) and one.code == "NOT_DECODABLE" for one in venue.events())


@pytest.mark.slow
def test_an_executed_order_whose_reply_was_lost_is_queried_and_not_sent_again(
    venue: VenueSetup, trader: Trader, testnet: Testnet
) -> None:
    for chaos in (Chaos(dropped=1.0, orders_only=True), Chaos(failed=1.0, orders_only=True)):
        testnet.chaos = chaos
        order_id = venue.place(trader)
        eventually(lambda order_id=order_id: venue.event_names(order_id), lambda seen: "VenueOrderUnknown" in seen)  # type: ignore[misc]
        testnet.chaos = Chaos()
        venue.wait_for(trader, order_id, "filled")
        assert testnet.market.placed[order_id] == 1


def test_an_order_that_reaches_the_venue_late_is_waited_for_and_not_sent_again(
    venue: VenueSetup, trader: Trader, testnet: Testnet
) -> None:
    testnet.late_s = WINDOW_MS / 1_000 * 0.7
    order_id = venue.place(trader)
    venue.wait_for(trader, order_id, "filled")
    assert venue.event_names(order_id).count("VenueOrderSubmitted") == 1


@pytest.mark.slow
def test_an_order_that_reaches_the_venue_after_its_window_is_refused_and_sent_again(
    venue: VenueSetup, trader: Trader, testnet: Testnet
) -> None:
    testnet.late_s = WINDOW_MS / 1_000 * 1.5
    order_id = venue.place(trader)
    venue.wait_for(trader, order_id, "filled")
    assert venue.event_names(order_id).count("VenueOrderSubmitted") == 2
    assert testnet.market.placed[order_id] == 1


def test_a_difference_between_the_clocks_is_corrected(venue: VenueSetup, trader: Trader, testnet: Testnet) -> None:
    testnet.clock_ahead_ms = 30_000
    venue.wait_for(trader, venue.place(trader), "filled")
    testnet.clock_ahead_ms = -30_000
    venue.wait_for(trader, venue.place(trader), "filled")
    testnet.clock_ahead_ms = 0
    venue.wait_for(trader, venue.place(trader), "filled")


@pytest.mark.slow
def test_a_worker_killed_between_submission_and_reply_finds_its_order_again(
    venue: VenueSetup, trader: Trader, testnet: Testnet, worker: ServiceProcess
) -> None:
    testnet.chaos = Chaos(dropped=1.0, orders_only=True)
    order_id = venue.place(trader)
    eventually(lambda: venue.event_names(order_id), lambda seen: "VenueOrderSubmitted" in seen)
    worker.kill()
    testnet.chaos = Chaos()
    worker.restart()
    venue.wait_for(trader, order_id, "filled")
    assert testnet.market.placed[order_id] == 1


@pytest.mark.slow
def test_after_a_reset_of_the_venue_open_orders_are_lost_and_positions_start_from_zero(
    venue: VenueSetup, trader: Trader, testnet: Testnet
) -> None:
    resting = venue.place(trader, "1", price="20000")
    venue.wait_for(trader, resting, "accepted")
    assert venue.position(trader, "BTCUSDT") == testnet.market.held(trader.api_key, "BTC")
    testnet.reset()
    venue.wait_for(trader, resting, "venue_reset", timeout_s=25)
    assert venue.position(trader, "BTCUSDT") == 0
    assert [type(one) for one in venue.events()].count(VenueReset) >= 1
    venue.wait_for(trader, venue.place(trader, "0.25"), "filled")
    assert venue.position(trader, "BTCUSDT") == Decimal("0.25") == testnet.market.held(trader.api_key, "BTC")


def test_resting_and_unknown_orders_whose_keys_are_lost_end_as_abandoned(
    venue: VenueSetup, trader: Trader, testnet: Testnet
) -> None:
    revoking, refused = venue.trader(), venue.trader()
    resting = venue.place(revoking, "1", price="20000")
    venue.wait_for(revoking, resting, "accepted")
    testnet.refuse_keys(refused.api_key)
    testnet.late_s = WINDOW_MS / 1_000 * 1.5
    unknown = venue.place(refused)
    venue.revoke(revoking)
    rows = [venue.wait_for(revoking, resting, "abandoned"), venue.wait_for(refused, unknown, "abandoned")]
    assert [(row.code, row.venue_order_id is not None) for row in rows] == [("NO_KEYS", True), ("-2015", False)]
    assert "VenueOrderUnknown" in venue.event_names(unknown)
    venue.cancel(revoking, resting)
    eventually(
        lambda: venue.event_names(resting), lambda seen: seen[-2:] == ["VenueCancelReceived", "VenueCancelRejected"]
    )


def test_no_secret_is_in_the_log_or_on_a_topic(venue: VenueSetup, trader: Trader, worker: ServiceProcess) -> None:
    """The worker logs at DEBUG here."""
    said = worker.log + repr(venue.events())
    assert "venue worker took over" in said
    for secret in (trader.api_key, trader.secret, venue.settings.encryption_key or "", "signature="):
        assert secret not in said
    assert not any(isinstance(one, VenueOrderRejected) and trader.secret in one.message for one in venue.events())
