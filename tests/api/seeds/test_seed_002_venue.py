"""Users of seed 002 with stored venue keys have their orders executed at the venue, and see every update here.

Longer than 300 lines because its tests share a testnet and a venue worker, which start once for each file.
"""

import time
from collections.abc import Iterator
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from confluent_kafka import Producer
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import NullPool, create_engine, text

from runtime.kafka import command_producer_options
from schemas.ids import keyed_command_id
from schemas.topics import VENUE_COMMANDS
from schemas.venue import encode_venue
from schemas.venue_messages import PlaceVenueOrder, VenueOrder
from stack.ports import free_ports
from tests.api.exchange import service
from tests.api.seeds.market import Market, Person
from tests.api.seeds.test_seed_002_defects import messages_of, settled, submit, websocket
from tests.auth.signing import Key, headers_of, public_half
from tests.processes import ServiceProcess, eventually
from tests.venue.market import Order
from tests.venue.testnet import Testnet

STARTED_S = 120.0  # until a worker that has just been started has an order done
KEYS_OF = "SELECT 1 FROM auth.venue_keys WHERE user_id = :id"


@pytest.fixture(scope="module")
def venue() -> Iterator[Testnet]:
    with Testnet(seed=11) as venue:
        yield venue


@pytest.fixture(scope="module")
def worker(market: Market, venue: Testnet, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServiceProcess]:
    """It carries this exchange's orders to the venue."""
    reached = {
        "binance_api_url": venue.url,
        "binance_ws_url": venue.ws_url,
        "venue_port": free_ports(1)[0],
        "venue_reconcile_interval_ms": 1_000,
        "venue_give_up_ms": 1_500,
    }
    with service("venue", market.settings.model_copy(update=reached), tmp_path_factory.mktemp("venue")) as process:
        yield process


@pytest.fixture(scope="module")
def testnet(venue: Testnet, worker: ServiceProcess) -> Testnet:
    """The venue, with the worker running."""
    assert worker.process.poll() is None
    return venue


@pytest.fixture
def trader(market: Market, testnet: Testnet) -> Person:
    """A user registered with keys that the venue knows."""
    keys = {"binanceApiKey": f"key{uuid4().hex}", "binanceSecretKey": f"secret{uuid4().hex}"}
    testnet.open_account(*keys.values())
    return Person(market, **keys)


@pytest.fixture(scope="module")
def reaching(market: Market, venue: Testnet, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Market]:
    """Another API of this exchange, which reaches the venue."""
    settings = market.settings.model_copy(update={"binance_api_url": venue.url, "port": free_ports(1)[0]})
    folder = tmp_path_factory.mktemp("reaching")
    with service("api", settings, folder) as api:
        running = Market(settings, folder, {})
        running.until_ready(api)
        yield running
        running.close()


def state(person: Person, order_id: str) -> dict[str, Any]:
    """The state of one order."""
    found: dict[str, Any] = person.get(f"/api/trading/orders/{order_id}")
    return found


def until(person: Person, order_id: str, status: str) -> dict[str, Any]:
    return eventually(lambda: state(person, order_id), lambda order: order["status"] == status, STARTED_S)


def steps(socket: Any, *until: str) -> list[dict[str, Any]]:
    """Give the order updates up to a status."""
    found = messages_of(socket, "ORDER_UPDATE", 1)
    while found[-1]["status"] not in until:
        found += messages_of(socket, "ORDER_UPDATE", 1)
    return found


def test_an_order_of_a_user_with_keys_is_pending_at_once_and_filled_at_the_venue(
    market: Market, testnet: Testnet, trader: Person
) -> None:
    with websocket(market, trader.token) as socket:
        said = submit(trader, quantity="0.02")
        assert said["status"] == "PENDING"
        order_id = said["orderId"]
        assert [row["orderId"] for row in trader.get("/api/trading/orders")] == [order_id]

        updates = steps(socket, "FILLED", "REJECTED")
    assert [update["status"] for update in updates] == ["PENDING", "ACCEPTED", "FILLED"]
    assert {update["orderId"] for update in updates} == {order_id}
    filled = updates[-1]
    assert (filled["symbol"], filled["side"], filled["quantity"]) == ("BTCUSDT", "BUY", 0.02)
    assert (filled["executedQty"], filled["price"]) == (0.02, 50_000)

    listed = eventually(lambda: trader.get("/api/trading/orders"), lambda rows: rows[0]["status"] == "FILLED")
    assert len(listed) == 1
    assert (listed[0]["orderId"], listed[0]["executedQty"], listed[0]["price"]) == (order_id, 0.02, 50_000)
    assert listed[0]["binanceOrderId"] == filled["binanceOrderId"]
    (position,) = trader.get("/api/trading/positions")
    assert (position["symbol"], position["quantity"], position["avgEntryPrice"]) == ("BTCUSDT", 0.02, 50_000)

    testnet.move("BTCUSDT", "51000")
    assert settled(trader, side="SELL", quantity="0.01")["status"] == "FILLED"
    (position,) = trader.get("/api/trading/positions")
    assert (position["quantity"], position["avgEntryPrice"], position["realizedPnl"]) == (0.01, 50_000, 10)
    testnet.move("BTCUSDT", "50000")

    # Our own API has the same of it.
    sold, bought = trader.get("/api/v1/venue/orders")["items"]
    assert (sold["side"], bought["order_id"], bought["venue_order_id"]) == ("sell", order_id, filled["binanceOrderId"])
    assert (bought["status"], bought["quantity"], bought["executed_quantity"]) == ("filled", "0.02", "0.02")
    assert (bought["executed_price"], bought["code"], bought["price"]) == ("50000", None, None)
    assert trader.get(f"/api/v1/venue/orders/{order_id}") == bought
    page = trader.get("/api/v1/venue/orders", limit=1)
    assert page["items"] == [sold]
    assert trader.get("/api/v1/venue/orders", limit=1, cursor=page["next_cursor"])["items"] == [bought]
    standing = trader.get("/api/v1/venue")
    assert (standing["keys_stored"], standing["open_orders"], standing["undone_fills"]) == (True, 0, 0)
    held = {"symbol": "BTCUSDT", "quantity": "0.01", "average_entry_price": "50000", "realized_pnl": "10"}
    assert standing["positions"] == [held]
    other = Person(market)
    assert other.get("/api/v1/venue/orders") == {"items": [], "next_cursor": None}
    assert other.http.get(f"/api/v1/venue/orders/{order_id}").status_code == 404

    # The venue has the order as requested and our ledger has none: it was executed at the venue only.
    (asked,) = (one for one in testnet.requests_of("POST", "order") if one["newClientOrderId"] == order_id)
    assert (asked["symbol"], asked["side"], asked["type"], asked["quantity"]) == ("BTCUSDT", "BUY", "MARKET", "0.02")
    assert trader.figures().open == 0


def test_seed_002_a_a_pending_order_is_decided(
    market: Market, testnet: Testnet, trader: Person, worker: ServiceProcess
) -> None:
    worker.kill()
    in_time = submit(trader)["orderId"]
    order = VenueOrder(
        order_id=str(uuid4()),
        symbol="BTCUSDT",
        side="buy",
        type="MARKET",
        quantity="0.02",
        price=None,
        stop_price=None,
        time_in_force=None,
    )
    # As the API asks for one, which gives a worker a minute.
    deadline = time.time_ns() // 1_000 + 100_000
    command = PlaceVenueOrder(command_id=order.order_id, account_id=trader.account_id, deadline=deadline, order=order)
    producer = Producer(command_producer_options(market.settings, "test-venue"))
    producer.produce(VENUE_COMMANDS, encode_venue(command), trader.account_id.encode())
    assert producer.flush(10) == 0
    there = f"/api/trading/orders/{order.order_id}"
    eventually(lambda: trader.http.get(there).status_code, lambda status: status == 200, STARTED_S)
    assert state(trader, order.order_id)["status"] == "PENDING"
    time.sleep(0.2)
    worker.restart()
    until(trader, in_time, "FILLED")
    assert until(trader, order.order_id, "REJECTED")["error"].startswith("DEADLINE_PASSED")
    assert (testnet.market.placed[in_time], testnet.market.placed[order.order_id]) == (1, 0)


def test_a_holding_at_the_venue_is_valued_at_the_venue_s_price(
    market: Market, testnet: Testnet, trader: Person, reaching: Market
) -> None:
    """BTC is at 50,000 here as it was there."""
    market.at("BTC_USDC", "50000.0")
    assert settled(trader, quantity="0.02")["status"] == "FILLED"
    testnet.move("BTCUSDT", "51000")
    with reaching.client(Authorization=f"Bearer {trader.token}") as client:
        (position,) = client.get("/api/trading/positions").json()
    testnet.move("BTCUSDT", "50000")
    assert (position["avgEntryPrice"], position["unrealizedPnl"]) == (50_000, 20)


def test_a_price_of_the_maximum_number_of_digits_is_refused_by_the_venue_and_listed(trader: Person) -> None:
    order_id = submit(trader, type="LIMIT", price="99999999999999999999.99999999999999999999")["orderId"]
    assert until(trader, order_id, "REJECTED")["price"] == 100_000_000_000_000_000_000
    assert [row["orderId"] for row in trader.get("/api/trading/orders")] == [order_id]


def test_seed_002_c_a_resting_order_is_accepted_and_partially_filled_only_after_a_fill(
    market: Market, testnet: Testnet, trader: Person
) -> None:
    with websocket(market, trader.token) as socket:
        order_id = submit(trader, type="LIMIT", quantity="0.2", price=40_000)["orderId"]
        assert [update["status"] for update in steps(socket, "ACCEPTED")] == ["PENDING", "ACCEPTED"]
        assert until(trader, order_id, "ACCEPTED")["executedQty"] == 0
        assert trader.get("/api/trading/positions") == []
        testnet.call(lambda: testnet.market.fill_half(order_id))
        assert steps(socket, "PARTIALLY_FILLED")[-1]["executedQty"] == 0.1
        assert until(trader, order_id, "PARTIALLY_FILLED")["executedQty"] == 0.1
        testnet.move("BTCUSDT", "39000")
        assert steps(socket, "FILLED")[-1]["executedQty"] == 0.2
    testnet.move("BTCUSDT", "50000")
    filled = until(trader, order_id, "FILLED")
    assert (filled["executedQty"], filled["price"]) == (0.2, 40_000)
    (position,) = trader.get("/api/trading/positions")
    assert (position["quantity"], position["avgEntryPrice"]) == (0.2, 40_000)


def test_a_refusal_by_the_venue_is_in_the_order_update_and_the_list(market: Market, trader: Person) -> None:
    with websocket(market, trader.token) as socket:
        submit(trader, type="STOP_MARKET", price=40_000)
        refused = steps(socket, "FILLED", "REJECTED")[-1]
    assert refused["status"] == "REJECTED"
    assert refused["error"].startswith("ORDER_TYPE: BTCUSDT takes no STOP_MARKET orders")
    small = settled(trader, quantity="0.00001")
    assert (small["status"], small["error"].partition(":")[0]) == ("REJECTED", "NOTIONAL")
    assert trader.get("/api/trading/positions") == []


def test_a_retry_under_an_idempotency_key_is_one_order_at_the_venue(testnet: Testnet, trader: Person) -> None:
    body = {"symbol": "ETHUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.5"}
    replies = [
        trader.http.post("/api/trading/orders", json=body, headers={"Idempotency-Key": "once"}) for _ in range(3)
    ]
    (order_id,) = {reply.json()["orderId"] for reply in replies}
    (row,) = eventually(lambda: trader.get("/api/trading/orders"), lambda rows: rows[0]["status"] == "FILLED")
    assert row["orderId"] == order_id
    assert testnet.market.placed[order_id] == 1
    other = trader.http.post(
        "/api/trading/orders", json=body | {"quantity": "0.6"}, headers={"Idempotency-Key": "once"}
    )
    assert (other.status_code, other.json()["code"]) == (400, "COMMAND_ID_REUSED")
    assert trader.http.post("/api/trading/orders", json=body, headers={"Idempotency-Key": "once"}).status_code == 200
    closing = trader.http.post("/api/v1/positions/close-all", headers={"Idempotency-Key": "once"})
    assert (closing.status_code, closing.json()["code"]) == (422, "COMMAND_ID_REUSED")


def test_an_idempotency_key_of_a_close_all_places_no_order_at_the_venue(testnet: Testnet, trader: Person) -> None:
    key = {"Idempotency-Key": "all"}
    assert trader.http.post("/api/v1/positions/close-all", headers=key).json()["items"] == []
    body = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.02"}
    refused = trader.http.post("/api/trading/orders", json=body, headers=key)
    assert (refused.status_code, refused.json()["code"]) == (400, "COMMAND_ID_REUSED")
    assert trader.get("/api/trading/orders") == []
    assert not testnet.market.placed[keyed_command_id(trader.account_id, "all")]


def test_a_limit_order_rests_at_the_venue_and_only_its_user_cancels_that_order(
    testnet: Testnet, trader: Person
) -> None:
    order_id = submit(trader, type="LIMIT", price=20_000)["orderId"]
    resting = until(trader, order_id, "ACCEPTED")
    assert (resting["executedQty"], resting["price"]) == (0, 20_000)
    stranger = Person(trader.market)
    path = f"/api/trading/orders/{order_id}"
    assert [stranger.http.get(path).status_code, stranger.http.delete(path).status_code] == [404, 404]

    said = trader.http.delete(path)
    assert (said.status_code, said.json()) == (200, {"orderId": order_id, "message": "Cancellation submitted"})
    cancelled = until(trader, order_id, "CANCELLED")
    assert cancelled in trader.get("/api/trading/orders")
    assert venue_status(testnet, order_id) == "CANCELED"
    again = trader.http.delete(path)
    assert (again.status_code, again.json()["code"]) == (400, "ORDER_NOT_OPEN")


def test_an_order_executed_by_the_exchange_itself_is_shown_and_cannot_be_cancelled(market: Market) -> None:
    person = Person(market)
    filled = settled(person)
    assert state(person, filled["orderId"]) == filled
    refused = person.http.delete(f"/api/trading/orders/{filled['orderId']}")
    assert (refused.status_code, refused.json()["code"]) == (400, "ORDER_NOT_OPEN")


def test_venue_keys_are_stored_replaced_and_revoked_and_never_shown(market: Market, testnet: Testnet) -> None:
    person = Person(market)
    keys = {"api_key": f"key{uuid4().hex}", "secret_key": f"secret{uuid4().hex}"}
    testnet.open_account(*keys.values())
    path = "/api/v1/venue-keys"
    assert person.http.delete(path).json()["code"] == "NOT_FOUND"
    assert person.get(path) == {"stored": False}

    typo = person.http.put(path, json=keys | {"secret_key": "mistyped"})
    assert (typo.status_code, typo.json()) == (200, {"stored": True})
    assert settled(person, quantity="0.02")["error"].startswith("-1022")
    stored = person.http.put(path, json=keys)
    assert not any(secret in stored.text + person.http.get(path).text for secret in keys.values())
    assert settled(person, quantity="0.02")["status"] == "FILLED"
    assert testnet.call(lambda: testnet.market.held(keys["api_key"], "BTC")) == Decimal("0.02")

    assert person.http.delete(path).status_code == 204
    assert person.get(path) == {"stored": False}
    settled(person, quantity="0.02")
    assert person.figures().open == 1  # From here on it is executed here, with demo money.


def test_malformed_venue_keys_are_refused_and_replace_no_stored_keys(trader: Person) -> None:
    for name, wrong in (("api_key", ""), ("secret_key", "two words"), ("api_key", "x" * 513), ("more", "x")):
        refused = trader.http.put("/api/v1/venue-keys", json={"api_key": "a", "secret_key": "b", name: wrong})
        assert (refused.status_code, refused.json()["code"]) == (422, "MALFORMED")
        assert refused.json()["errors"][0]["pointer"] == f"/{name}"
    assert settled(trader, quantity="0.02")["status"] == "FILLED"


def test_an_api_key_cannot_read_or_change_venue_keys(trader: Person) -> None:
    private = Ed25519PrivateKey.generate()
    made = trader.http.post(
        "/api/v1/api-keys", json={"public_key": public_half(private), "scopes": ["read", "trade"]}
    ).json()
    body = b'{"api_key": "a", "secret_key": "b"}'
    with trader.market.client() as robot:
        for method, content in (("GET", b""), ("PUT", body), ("DELETE", b"")):
            headers = headers_of(Key(made["id"], private), method, "/venue-keys", body=content)
            headers["Content-Type"] = "application/json"
            reply = robot.request(method, "/api/v1/venue-keys", content=content, headers=headers)
            assert (reply.status_code, reply.json()["code"]) == (403, "SCOPE_MISSING")
    assert trader.get("/api/v1/venue-keys") == {"stored": True}


@pytest.mark.slow
def test_a_deleted_user_s_venue_orders_are_cancelled_before_the_venue_keys_are_dropped(
    market: Market, testnet: Testnet, trader: Person
) -> None:
    resting = [submit(trader, type="LIMIT", price=price)["orderId"] for price in (20_000, 21_000)]
    for order_id in resting:
        until(trader, order_id, "ACCEPTED")
    user_id = trader.get("/api/v1/auth/me")["id"]
    assert trader.http.delete("/api/v1/auth/me").status_code == 202
    eventually(lambda: [venue_status(testnet, order_id) for order_id in resting], lambda seen: seen == ["CANCELED"] * 2)
    eventually(lambda: rows(market, KEYS_OF, user_id), lambda found: found == [])
    closed = "SELECT 1 FROM auth.users WHERE user_id = :id AND closed_at IS NOT NULL"
    eventually(lambda: rows(market, closed, user_id), lambda found: found == [(1,)], 60.0)


@pytest.mark.slow
def test_a_deleted_user_s_orders_are_abandoned_and_keys_dropped_where_the_venue_refuses_the_keys(
    market: Market, testnet: Testnet, trader: Person
) -> None:
    order_id = submit(trader, type="LIMIT", price=20_000)["orderId"]
    until(trader, order_id, "ACCEPTED")
    user_id = trader.get("/api/v1/auth/me")["id"]
    testnet.refuse_keys(testnet.call(lambda: order_at(testnet, order_id).api_key))
    assert trader.http.delete("/api/v1/auth/me").status_code == 202
    status = "SELECT status, code FROM ledger.venue_orders WHERE order_id = :id"
    eventually(lambda: rows(market, status, order_id), lambda found: found == [("abandoned", "-2015")], 30.0)
    eventually(lambda: rows(market, KEYS_OF, user_id), lambda found: found == [])


def order_at(testnet: Testnet, order_id: str) -> Order:
    return next(one for one in testnet.market.orders.values() if one.client_id == order_id)


def venue_status(testnet: Testnet, order_id: str) -> str:
    """How the venue itself has an order."""
    return testnet.call(lambda: order_at(testnet, order_id).status)


def rows(market: Market, query: str, wanted: str) -> list[Any]:
    """Ask the tables about an id."""
    with create_engine(market.settings.database_url, poolclass=NullPool).connect() as db:
        return [tuple(row) for row in db.execute(text(query), {"id": wanted})]
