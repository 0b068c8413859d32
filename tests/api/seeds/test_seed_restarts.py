"""Users do not meet the seeds' defects of an engine that was stopped or restarted."""

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import httpx
import pytest

from tests.api.seeds.market import Figures, Market, Person
from tests.processes import eventually


class Restarted(NamedTuple):
    """An engine was killed with positions open, three orders were sent meanwhile, and it was started again."""

    people: dict[str, Person]
    before: dict[str, Figures]
    replies: dict[str, httpx.Response]
    after: dict[str, Figures]


BODIES: dict[str, tuple[str, dict[str, Any]]] = {
    "001": (
        "/api/v1/engine",
        {"command": "CREATE_TRADE", "asset": "SOL", "direction": "LONG", "margin": 100, "leverage": 1},
    ),
    "002": ("/api/trading/orders", {"symbol": "SOLUSDT", "side": "BUY", "type": "MARKET", "quantity": 1}),
    "003": ("/trade/create", {"asset": "SOL", "side": "buy", "qty": 1, "leverage": 1}),
}


@pytest.fixture(scope="module")
def restarted(market: Market) -> Restarted:
    # Prices of before, at which every position of below would be gone.
    market.at("SOL_USDC", "100.00")
    market.at("SOL_USDC", "150.00")
    people = {number: Person(market) for number in ("001", "002", "003", "004")}
    for person in people.values():
        person.post("/api/v1/positions/open", 201, margin=1000, asset="SOL", type="long", leverage=5)
    before = {number: person.figures() for number, person in people.items()}
    market.services["engine"].kill()

    def send(number: str) -> httpx.Response:
        path, body = BODIES[number]
        return people[number].http.post(path, json=body)

    with ThreadPoolExecutor(3) as pool:
        replies = dict(zip(BODIES, pool.map(send, BODIES), strict=True))
    time.sleep(0.5)
    market.services["engine"].restart()
    market.until_live()
    market.new_feed()
    market.confirmed_price("SOL_USDC", "149.99", "150.00")
    for symbol, bid, ask in (("BTC_USDC", "49999.9", "50000.0"), ("ETH_USDC", "1999.99", "2000.00")):
        market.confirmed_price(symbol, bid, ask)
        market.until_fresh(symbol)
    market.until_fresh("SOL_USDC")
    for number in BODIES:
        eventually(people[number].figures, lambda seen: seen.open == 2, 30.0)
    after = {number: person.figures() for number, person in people.items()}
    return Restarted(people, before, replies, after)


def test_seed_001_i_a_command_sent_while_the_engine_is_down_is_executed(restarted: Restarted) -> None:
    reply = restarted.replies["001"]
    assert reply.status_code == 202, reply.text
    assert (reply.json()["success"], reply.json()["engineResponse"]["status"]) == (False, "pending")
    found = restarted.people["001"].get(f"/api/v1/commands/{reply.json()['orderId']}")
    assert found["status"] == "done"
    assert list(restarted.after["001"][:3]) == [3900, 1100, 5000]


@pytest.mark.slow
def test_an_order_of_seed_002_sent_while_the_engine_is_down_is_filled(restarted: Restarted) -> None:
    reply = restarted.replies["002"].json()
    assert reply["status"] == "PENDING"
    (order,) = restarted.people["002"].get("/api/trading/orders")
    assert (order["orderId"], order["status"]) == (reply["orderId"], "FILLED")


def test_seed_003_f_a_restart_keeps_every_balance(restarted: Restarted) -> None:
    assert restarted.after["003"].balance == restarted.before["003"].balance == 5000
    assert restarted.after["003"].free == restarted.before["003"].free - 150


def test_seed_003_m_a_command_during_downtime_is_not_lost(restarted: Restarted) -> None:
    reply = restarted.replies["003"]
    assert reply.status_code == 202, reply.text
    row = restarted.people["003"].get(f"/trade/orders/{reply.json()['orderId']}")["order"]
    assert (row["status"], row["quantity"]) == ("open", 1)


def test_seed_004_f_a_restart_keeps_every_position(restarted: Restarted) -> None:
    assert restarted.after["004"] == restarted.before["004"]
    (position,) = restarted.people["004"].get("/api/v1/state")["positions"]
    assert (position["margin"], position["leverage"], position["entryPrice"]) == (1000, 5, 150)


def test_seed_004_g_prices_from_before_a_restart_close_no_position(restarted: Restarted) -> None:
    assert restarted.after["004"].open == 1
    assert restarted.after["004"].free == restarted.before["004"].free
