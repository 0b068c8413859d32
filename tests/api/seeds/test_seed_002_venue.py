"""What users of seed 002 who stored keys of the venue get: their orders carried out there, told and listed here."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from api.exchange import service
from api.seeds.market import Market, Person
from api.seeds.test_seed_002_defects import settled, submit, tab, told
from processes import eventually
from reprise.schemas.ids import keyed_command_id
from reprise.stack.ports import free_ports
from venue.testnet import Testnet


@pytest.fixture(scope="module")
def testnet(market: Market, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Testnet]:
    """The venue, and a worker that carries this exchange's orders to it."""
    with Testnet(seed=11) as testnet:
        reached = {
            "binance_api_url": testnet.url,
            "binance_ws_url": testnet.ws_url,
            "venue_port": free_ports(1)[0],
            "venue_reconcile_interval_ms": 1_000,
        }
        folder: Path = tmp_path_factory.mktemp("venue")
        with service("venue", market.settings.model_copy(update=reached), folder):
            yield testnet


@pytest.fixture
def trader(market: Market, testnet: Testnet) -> Person:
    """Somebody who registered with keys that the venue knows."""
    keys = {"binanceApiKey": f"key{uuid4().hex}", "binanceSecretKey": f"secret{uuid4().hex}"}
    testnet.open_account(*keys.values())
    return Person(market, **keys)


def steps(socket: Any, *until: str) -> list[dict[str, Any]]:
    """Give what is told of orders, up to a status."""
    found = told(socket, "ORDER_UPDATE", 1)
    while found[-1]["status"] not in until:
        found += told(socket, "ORDER_UPDATE", 1)
    return found


def test_an_order_of_a_user_with_keys_is_pending_at_once_and_filled_at_the_venue(
    market: Market, testnet: Testnet, trader: Person
) -> None:
    with tab(market, trader.token) as socket:
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

    # The venue has the order as it was asked for, and the ledger here none: it was executed there, and not here too.
    (asked,) = (one for one in testnet.asked("POST", "order") if one["newClientOrderId"] == order_id)
    assert (asked["symbol"], asked["side"], asked["type"], asked["quantity"]) == ("BTCUSDT", "BUY", "MARKET", "0.02")
    assert trader.figures().open == 0


def test_what_the_venue_says_against_an_order_is_told(market: Market, trader: Person) -> None:
    with tab(market, trader.token) as socket:
        submit(trader, type="STOP_MARKET", price=40_000)
        refused = steps(socket, "FILLED", "REJECTED")[-1]
    assert refused["status"] == "REJECTED"
    assert refused["error"].startswith("ORDER_TYPE: BTCUSDT takes no STOP_MARKET orders")
    small = settled(trader, quantity="0.00001")
    assert (small["status"], small["error"].partition(":")[0]) == ("REJECTED", "NOTIONAL")
    assert trader.get("/api/trading/positions") == []


def test_a_retry_under_its_key_is_one_order_at_the_venue(testnet: Testnet, trader: Person) -> None:
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


def test_a_key_that_closed_all_places_no_order_at_the_venue(testnet: Testnet, trader: Person) -> None:
    key = {"Idempotency-Key": "all"}
    assert trader.http.post("/api/v1/positions/close-all", headers=key).json()["items"] == []
    body = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.02"}
    refused = trader.http.post("/api/trading/orders", json=body, headers=key)
    assert (refused.status_code, refused.json()["code"]) == (400, "COMMAND_ID_REUSED")
    assert trader.get("/api/trading/orders") == []
    assert not testnet.market.placed[keyed_command_id(trader.account_id, "all")]
