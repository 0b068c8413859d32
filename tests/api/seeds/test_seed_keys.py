"""What an Idempotency-Key means on the seeds' routes: the same again is answered as before, all else is refused."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.api.seeds.market import Market, Person
from tests.processes import eventually

OPENING: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    "000": (
        "/trades",
        {"asset": "BTC", "type": "long", "margin": 10, "leverage": 10},
        {"asset": "ETH", "type": "short", "margin": 500, "leverage": 50},
    ),
    "000 v1": (
        "/api/v1/trade/create",
        {"asset": "BTC", "type": "long", "margin": 10, "leverage": 10},
        {"asset": "BTC", "type": "long", "margin": 11, "leverage": 10},
    ),
    "001": (
        "/api/v1/engine",
        {"command": "CREATE_TRADE", "asset": "BTC", "direction": "LONG", "margin": 10, "leverage": 10},
        {"command": "CREATE_TRADE", "asset": "ETH", "direction": "SHORT", "margin": 500, "leverage": 50},
    ),
    "002": (
        "/api/trading/orders",
        {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": 0.001},
        {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": 0.002},
    ),
    "003": (
        "/trade/open",
        {"asset": "btc", "side": "buy", "qty": 0.001, "leverage": 10},
        {"asset": "eth", "side": "sell", "qty": 0.01, "leverage": 10},
    ),
    "003 create": (
        "/trade/create",
        {"asset": "btc", "side": "buy", "qty": 0.001, "leverage": 10, "stopLoss": 40000},
        {"asset": "btc", "side": "buy", "qty": 0.001, "leverage": 10, "stopLoss": 41000},
    ),
    "003 deposit": (
        "/balance/deposit",
        {"symbol": "USDC", "amount": 100, "decimals": 2},
        {"symbol": "USDC", "amount": 200, "decimals": 2},
    ),
    "004": (
        "/api/v1/positions/open",
        {"asset": "BTC", "type": "long", "margin": 10, "leverage": 10},
        {"asset": "BTC", "type": "long", "margin": 10, "leverage": 11},
    ),
}
GUARDED = {
    f"{name} {slippage}": (path, one | {"slippage": slippage}, other | {"slippage": slippage})
    for name, (path, one, other) in OPENING.items()
    if name[:3] in ("000", "001")
    for slippage in (50, 0.5)
}


def sent(person: Person, path: str, body: dict[str, Any], key: str | None) -> httpx.Response:
    """A request; one that only found an old price is sent again."""
    headers = {} if key is None else {"Idempotency-Key": key}
    return eventually(
        lambda: person.http.post(path, json=body, headers=headers),
        lambda reply: "PRICE_TOO_OLD" not in reply.text,
        15,
    )


@pytest.mark.parametrize("name", [*OPENING, *GUARDED])
def test_a_known_key_with_the_same_order_is_answered_as_before_and_with_another_is_refused(
    market: Market, name: str
) -> None:
    """CMD-05; also where the seed's slippage is counted from a price that has moved since."""
    market.at("BTC_USDC", "50000.0")
    path, one, other = (OPENING | GUARDED)[name]
    person, key = Person(market), uuid4().hex
    first = sent(person, path, one, key)
    assert first.status_code in (200, 201), first.text
    # An order of seed 002 is answered as PENDING before anything has come of it.
    before = eventually(person.figures, lambda seen: seen.open > 0 or "deposit" in name)
    market.at("BTC_USDC", "50010.0")
    again = sent(person, path, one, key)
    assert again.status_code == first.status_code, again.text
    assert facts(again) == facts(first)
    refused = sent(person, path, other, key)
    assert (refused.status_code, refused.json()["code"]) in ((400, "COMMAND_ID_REUSED"), (422, "COMMAND_ID_REUSED"))
    assert refused.json()["error"]
    assert person.figures() == before
    assert facts(sent(person, path, one, key)) == facts(first)


def facts(reply: httpx.Response) -> dict[str, Any]:
    """What a reply says, but for how long it took and what is free now."""
    said: dict[str, Any] = reply.json()
    return {name: value for name, value in said.items() if name not in ("latency", "balance")}


@pytest.mark.parametrize(
    "changed",
    [{"slippage": 51}, {"slippage": None}, {"leverage": 11}, {"stopLossPrice": 41000}, {"takeProfitPrice": 61000}],
)
def test_a_known_key_of_seed_001_with_another_leverage_stop_or_slippage_is_refused(
    market: Market, changed: dict[str, Any]
) -> None:
    market.at("BTC_USDC", "50000.0")
    person, key = Person(market), uuid4().hex
    body: dict[str, Any] = OPENING["001"][1] | {"slippage": 50, "stopLossPrice": 40000, "takeProfitPrice": 60000}
    first = sent(person, "/api/v1/engine", body, key)
    data = first.json()["engineResponse"]["data"]
    assert (data["leverage"], data["stopLossPrice"], data["takeProfitPrice"]) == (10, 40000, 60000)
    refused = sent(person, "/api/v1/engine", body | changed, key)
    assert (refused.status_code, refused.json()["code"]) == (400, "COMMAND_ID_REUSED")
    assert sent(person, "/api/v1/engine", body, key).json()["engineResponse"]["data"] == data


def test_an_order_that_slipped_stays_refused_under_its_key(market: Market) -> None:
    """CMD-06: the price it is guarded from stays the one it was first sent at."""
    market.at("BTC_USDC", "50000.0")
    person, key = Person(market), uuid4().hex
    body = {"asset": "BTC", "type": "long", "margin": 1_000_000, "leverage": 10, "slippage": 0.5}
    first = sent(person, "/trades", body, key)
    market.at("BTC_USDC", "50020.0")
    again = sent(person, "/trades", body, key)
    assert (again.status_code, again.json()["code"]) == (first.status_code, first.json()["code"])
    assert first.status_code == 409


CLOSING: dict[str, Callable[[str], tuple[str, dict[str, Any]]]] = {
    "000": lambda one: (f"/trades/{one}/close", {}),
    "000 v1": lambda one: ("/api/v1/trade/close", {"orderId": one}),
    "001": lambda one: ("/api/v1/engine", {"command": "CLOSE_TRADE", "tradeId": one}),
    "003": lambda one: (f"/trade/close/{one}", {"closeReason": "Manual"}),
    "004": lambda one: ("/api/v1/positions/close", {"positionId": one}),
}


@pytest.mark.parametrize("seed", CLOSING)
def test_a_known_key_closes_one_position_and_no_other(market: Market, seed: str) -> None:
    person, key = Person(market), uuid4().hex
    one, other = (
        sent(person, "/trades", {"asset": "BTC", "type": "long", "margin": 10}, None).json()["orderId"]
        for _ in range(2)
    )
    first = sent(person, *CLOSING[seed](one), key)
    assert first.status_code == 200, first.text
    again = sent(person, *CLOSING[seed](one), key)
    assert (again.status_code, facts(again)) == (200, facts(first))
    refused = sent(person, *CLOSING[seed](other), key)
    assert refused.json()["code"] == "COMMAND_ID_REUSED", refused.text
    assert person.figures().open == 1
