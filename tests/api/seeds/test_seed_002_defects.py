"""Users without venue keys do not meet the defects of seed 002; the letters are those of docs/seeds.md."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import ClientConnection, connect

from tests.api.seeds.market import Market, Person
from tests.processes import eventually


def submit(person: Person, status: int = 200, **fields: Any) -> dict[str, Any]:
    """Send an order; the immediate reply."""
    body = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": 0.02} | fields
    reply: dict[str, Any] = person.post("/api/trading/orders", status, **body)
    return reply


def settled(person: Person, **fields: Any) -> dict[str, Any]:
    """Send an order, and wait for what comes of it."""
    order_id = submit(person, **fields)["orderId"]

    def found() -> dict[str, Any]:
        rows = person.get("/api/trading/orders")
        row: dict[str, Any] = next(row for row in rows if row["orderId"] == order_id)
        return row

    return eventually(found, lambda row: row["status"] != "PENDING")


@contextmanager
def websocket(market: Market, token: str) -> Iterator[ClientConnection]:
    """A page that listens, as the seed's own does."""
    with connect(f"{market.url.replace('http', 'ws')}/?token={token}", proxy=None) as socket:
        first = json.loads(socket.recv(5))
        assert first["type"] == "CONNECTED"
        yield socket


def messages_of(socket: ClientConnection, kind: str, count: int) -> list[dict[str, Any]]:
    """Give the next messages of a kind."""
    found: list[dict[str, Any]] = []
    while len(found) < count:
        message = json.loads(socket.recv(60))
        if message["type"] == kind:
            found.append(message["data"])
    return found


def test_seed_002_b_a_retry_under_an_idempotency_key_returns_the_first_order(market: Market) -> None:
    person = Person(market)
    key = {"Idempotency-Key": "retry-1"}
    body = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.01"}
    replies = [person.http.post("/api/trading/orders", json=body, headers=key) for _ in range(3)]
    assert len({reply.json()["orderId"] for reply in replies}) == 1
    other = person.http.post("/api/trading/orders", json=body | {"quantity": "0.02"}, headers=key)
    assert (other.status_code, other.json()["code"]) == (400, "COMMAND_ID_REUSED")
    eventually(person.figures, lambda figures: figures.open == 1)
    assert len(person.get("/api/trading/orders")) == 1


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["LIMIT", "STOP_MARKET"])
def test_a_resting_order_of_a_user_without_venue_keys_is_rejected(kind: str, market: Market) -> None:
    person = Person(market)
    row = settled(person, type=kind, price=40_000)
    assert (row["status"], row["executedQty"], row["type"]) == ("REJECTED", 0, kind)
    assert person.figures().open == 0


def test_seed_002_d_a_rejected_order_has_its_reason(market: Market) -> None:
    person = Person(market)
    poor = settled(person, quantity=5)
    assert poor["status"] == "REJECTED"
    assert poor["error"].startswith("Not enough free margin")
    sold = settled(person, side="SELL", quantity=0.01)
    assert sold["status"] == "REJECTED"
    assert "More than is held" in sold["error"]


def test_seed_002_e_a_quantity_finer_than_a_lot_is_refused_with_its_pointer(market: Market) -> None:
    refused = submit(Person(market), 400, quantity="0.000001")
    assert refused["errors"] == [{"pointer": "/quantity", "message": "0.000001 has more than 5 decimal places"}]


@pytest.mark.parametrize("price", ["9" * 25, "1e999", "0.000000001"])
def test_a_price_beyond_all_prices_is_refused_with_its_pointer_and_orders_are_still_listed(
    market: Market, price: str
) -> None:
    person = Person(market)
    refused = submit(person, 400, type="LIMIT", price=price)
    assert [error["pointer"] for error in refused["errors"]] == ["/price"]
    submit(person, type="LIMIT", price="9999999999.12345678")
    (row,) = person.get("/api/trading/orders")
    assert row["price"] == 9999999999.12345678


def test_seed_002_f_positions_are_right_after_a_sell(market: Market) -> None:
    market.at("BTC_USDC", "50000.0")
    person = Person(market)
    settled(person, quantity=0.02)
    market.at("BTC_USDC", "51000.0")
    settled(person, quantity=0.03)
    market.at("BTC_USDC", "52000.1")
    sold = settled(person, side="SELL", quantity=0.03)
    assert (sold["status"], sold["executedQty"], sold["price"]) == ("FILLED", 0.03, 52_000)
    # The oldest went first: 0.02 of 50,000, then 0.01 of 51,000.
    (position,) = person.get("/api/trading/positions")
    assert position == {
        "symbol": "BTCUSDT",
        "quantity": 0.02,
        "avgEntryPrice": 51_000,
        "unrealizedPnl": 20,
        "realizedPnl": 50,
    }
    assert settled(person, side="SELL", quantity=0.02)["status"] == "FILLED"
    assert person.get("/api/trading/positions") == []
    assert list(person.figures()[:3]) == [5_070, 0, 5_070]
    market.at("BTC_USDC", "50000.0")


def test_seed_002_g_a_second_tab_does_not_cut_the_first(market: Market) -> None:
    person = Person(market)
    with websocket(market, person.token) as first:
        with websocket(market, person.token) as second:
            submit(person, quantity=0.001)
            assert [order["status"] for order in messages_of(second, "ORDER_UPDATE", 2)] == ["PENDING", "FILLED"]
        assert [order["status"] for order in messages_of(first, "ORDER_UPDATE", 2)] == ["PENDING", "FILLED"]
        submit(person, quantity=0.001)
        assert [order["status"] for order in messages_of(first, "ORDER_UPDATE", 2)] == ["PENDING", "FILLED"]


def test_seed_002_h_an_order_update_is_pending_first_and_then_final(market: Market) -> None:
    market.at("BTC_USDC", "50000.0")
    person = Person(market)
    with websocket(market, person.token) as socket:
        order_id = submit(person)["orderId"]
        pending, filled = messages_of(socket, "ORDER_UPDATE", 2)
        assert pending["orderId"] == filled["orderId"] == order_id
        assert pending["userId"] == filled["userId"]
        assert (pending["status"], pending["executedQty"]) == ("PENDING", 0)
        assert (filled["status"], filled["executedQty"], filled["price"]) == ("FILLED", 0.02, 50_000)
        rejected = submit(person, type="LIMIT", price=1)["orderId"]
        updates = messages_of(socket, "ORDER_UPDATE", 2)
        assert [(order["orderId"], order["status"]) for order in updates] == [
            (rejected, "PENDING"),
            (rejected, "REJECTED"),
        ]


def test_price_updates_follow_changes_in_the_seed_s_shape(market: Market) -> None:
    market.at("SOL_USDC", "150.00")
    with websocket(market, Person(market).token) as socket:
        seen = {price["symbol"]: price for price in messages_of(socket, "PRICE_UPDATE", 3)}
        assert set(seen) == {"BTCUSDT", "ETHUSDT", "SOLUSDT"}
        assert seen["SOLUSDT"]["price"] == 149.995
        market.at("SOL_USDC", "150.50")
        (moved,) = messages_of(socket, "PRICE_UPDATE", 1)
        assert (moved["symbol"], moved["price"]) == ("SOLUSDT", 150.495)
        assert set(moved) == {"symbol", "price", "change", "changePercent", "high", "low", "volume"}
    market.at("SOL_USDC", "150.00")


def test_the_handshake_of_a_socket_without_a_good_token_is_refused(market: Market) -> None:
    """A page whose socket was opened and closed again would open the next one at once."""
    gone = Person(market)
    gone.post("/auth/logout")
    for token in ("", "nonsense", gone.token):
        with (
            pytest.raises(InvalidStatus) as refused,
            connect(f"{market.url.replace('http', 'ws')}/?token={token}", proxy=None),
        ):
            pass
        response = refused.value.response
        assert (response.status_code, response.headers["Content-Type"]) == (401, "application/problem+json")
        said = json.loads(response.body or b"{}")
        assert said["error"] == said["message"] == said["detail"]


def test_an_order_has_the_id_and_the_time_that_the_page_s_table_reads(market: Market) -> None:
    person = Person(market)
    order_id = submit(person)["orderId"]
    (listed,) = person.get("/api/trading/orders")
    assert listed["id"] == listed["orderId"] == order_id
    assert listed["createdAt"] == listed["timestamp"]


def test_venue_keys_are_stored_and_never_returned(market: Market) -> None:
    secret = uuid4().hex
    body = {
        "email": f"{uuid4().hex}@example.com",
        "password": "correct horse battery",
        "binanceApiKey": "key",
        "binanceSecretKey": secret,
    }
    with market.client() as client:
        registered = client.post("/auth/register", json=body)
        assert registered.status_code == 201, registered.text
        assert secret not in registered.text
        ordered = client.post(
            "/api/trading/orders", json={"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": 1}
        )
        assert (ordered.status_code, ordered.json()["status"]) == (200, "PENDING")
        half = client.post("/auth/register", json={**body, "email": "x@example.com", "binanceSecretKey": None})
        assert half.status_code == 422
