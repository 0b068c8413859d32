"""What the seeds' published screens send and read beyond their READMEs is taken, answered and named as theirs."""

import time
from decimal import Decimal
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.api.seeds.market import Market, Person

CANDLES = "/candles"
HOUR_S = 3_600
MONTH_S = 31 * 86_400


def candles(market: Market, **params: str | int) -> list[dict[str, Any]]:
    """Seed 003's candles of BTC."""
    asked: dict[str, str | int] = {"asset": "BTC_USDC", **params}
    reply = market.http.get(CANDLES, params=asked)
    assert reply.status_code == 200, reply.text
    data: list[dict[str, Any]] = reply.json()["data"]
    return data


@pytest.mark.parametrize(
    "bounds",
    [
        {"startTime": "0", "endTime": "0"},
        {"startTime": "0"},
        {"endTime": "0"},
        {"startTime": "", "endTime": ""},
        {"startTime": "0.0", "endTime": "000"},
        {},
    ],
)
def test_a_time_of_zero_is_no_bound_of_seed_003_s_candles(market: Market, bounds: dict[str, str]) -> None:
    assert candles(market, ts="1m", **bounds)[-1] == candles(market, ts="1m", startTime=int(time.time()) - HOUR_S)[-1]


@pytest.mark.parametrize(
    "ts", ["1m", "3m", "5m", "15m", "30m", "1h", "2h", "4h", "6h", "8h", "12h", "1d", "3d", "1w", "1M"]
)
def test_every_interval_of_seed_003_s_chart_is_drawn_from_the_same_prices(market: Market, ts: str) -> None:
    market.until_projected()
    since = int(time.time()) - 2 * MONTH_S
    minutes = candles(market, ts="1m", startTime=since)
    found = candles(market, ts=ts, startTime=since)
    times = [candle["time"] for candle in found]
    assert times == sorted(set(times))
    assert found[-1]["time"] <= minutes[-1]["time"]
    of_last = [minute for minute in minutes if minute["time"] >= found[-1]["time"]]
    assert found[-1]["open"] == of_last[0]["open"]
    assert found[-1]["high"] == max(minute["high"] for minute in of_last)
    assert found[-1]["low"] == min(minute["low"] for minute in of_last)
    assert all(isinstance(candle["volume"], int | float) for candle in found)


@pytest.mark.parametrize("interval", ["3m", "2h", "1M"])
def test_seed_001_s_chart_has_the_same_intervals_and_numbers_for_its_volumes(market: Market, interval: str) -> None:
    found = market.http.get("/api/v1/candles", params={"asset": "BTC", "interval": interval}).json()
    assert {(candle["volume"], candle["quoteVolume"]) for candle in found} == {("0", "0")}
    assert all(candle["start"] < candle["end"] for candle in found)


@pytest.mark.parametrize(
    ("path", "named"),
    [
        (f"{CANDLES}?asset=BTC_USDC&ts=1m&startTime=200&endTime=100", "startTime: must be before `endTime`"),
        (f"{CANDLES}?asset=BTC_USDC&ts=7m", "ts: is one of"),
        (f"{CANDLES}?asset=BTC_USDC&ts=1m&endTime=soon", "endTime: is no time"),
        ("/api/v1/candles?asset=BTC&interval=7m", "interval: is one of"),
        ("/trade/orders?cursor=x", "cursor: "),
    ],
)
def test_an_error_names_the_seed_s_own_parameter(market: Market, path: str, named: str) -> None:
    refused = Person(market).http.get(path)
    assert refused.status_code == 400, refused.text
    assert refused.json()["error"].startswith(named)
    assert refused.json()["errors"][0]["pointer"] == named.partition(":")[0]


ORDER_003 = {"asset": "BTC", "side": "buy", "qty": 0.01, "leverage": 10}
ORDER_001 = {"command": "CREATE_TRADE", "asset": "BTC", "direction": "LONG", "margin": 10, "leverage": 10}
ORDER_000 = {"asset": "BTC", "type": "long", "margin": 10, "leverage": 10}
ORDER_002 = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": 0.01}
ORDER_004 = {"asset": "SOL", "type": "long", "margin": 10, "leverage": 10}
TOO_FINE = "1.23456789"


@pytest.mark.parametrize(
    ("path", "body", "wrong", "pointer"),
    [
        ("/trade/open", ORDER_003, {"qty": TOO_FINE}, "/qty"),
        ("/trade/create", ORDER_003, {"stopLoss": TOO_FINE}, "/stopLoss"),
        ("/trade/create", ORDER_003, {"takeProfit": TOO_FINE}, "/takeProfit"),
        ("/balance/deposit", {"symbol": "USDC"}, {"amount": TOO_FINE}, "/amount"),
        ("/balance/deposit", {"symbol": "USDC", "amount": 1}, {"decimals": 9}, "/decimals"),
        ("/api/v1/engine", ORDER_001, {"stopLossPrice": TOO_FINE}, "/stopLossPrice"),
        ("/api/v1/engine", ORDER_001, {"takeProfitPrice": TOO_FINE}, "/takeProfitPrice"),
        ("/api/v1/engine", ORDER_001, {"margin": "much"}, "/margin"),
        ("/api/v1/engine", {"command": "CLOSE_TRADE"}, {"tradeId": 7}, "/tradeId"),
        ("/trades", ORDER_000, {"slippage": "much"}, "/slippage"),
        ("/api/trading/orders", ORDER_002, {"quantity": TOO_FINE}, "/quantity"),
        ("/api/v1/positions/open", ORDER_004, {"currentPrice": "much"}, "/currentPrice"),
    ],
)
def test_an_error_names_the_seed_s_own_field(
    market: Market, path: str, body: dict[str, Any], wrong: dict[str, Any], pointer: str
) -> None:
    refused = Person(market).http.post(path, json=body | wrong).json()
    assert [fault["pointer"] for fault in refused["errors"]] == [pointer]
    assert refused["error"].startswith(f"{pointer}: ")
    assert refused["detail"] == refused["message"] == refused["error"]


@pytest.mark.parametrize("path", ["/auth/register", "/api/v1/auth/signup", "/api/v1/user/signup"])
def test_a_password_of_six_letters_is_long_enough_on_a_seed_s_route_and_one_of_five_is_not(
    market: Market, path: str
) -> None:
    for password, is_taken in (("abc123", True), ("abc12", False)):
        with market.client() as client:
            body = {"email": f"{uuid4().hex}@example.com", "password": password}
            reply = client.post(path, json=body)
            assert (reply.status_code == 201) == is_taken, reply.text
            if not is_taken:
                assert reply.json()["errors"][0]["pointer"] == "/password"
    canonical = market.http.post("/api/v1/auth/register", json={"email": "x@example.com", "password": "abc123"})
    assert canonical.status_code == 422


def test_signing_out_without_a_session_is_signed_out(market: Market) -> None:
    gone = Person(market)
    for _ in range(2):
        assert gone.post("/auth/logout") == {"message": "Logout successful"}
    with market.client() as nobody:
        assert nobody.post("/auth/logout").status_code == 200
    with market.client(Cookie="token=nonsense") as stale:
        assert stale.post("/auth/logout").status_code == 200


@pytest.mark.parametrize(
    ("amount", "decimals", "brought"),
    [(100.5, 2, "1.005"), ("0.01", 2, "0.0001"), (12.345678, 0, "12.345678"), (1, 6, "0.000001")],
)
def test_a_deposit_of_seed_003_has_decimals(market: Market, amount: float | str, decimals: int, brought: str) -> None:
    person = Person(market)
    person.post("/balance/deposit", symbol="USDC", amount=amount, decimals=decimals)
    assert person.figures().free == 5_000 + Decimal(brought)


def test_a_bearer_token_wins_over_another_user_s_cookie_on_the_seeds_routes(market: Market) -> None:
    """The pages of two seeds share one browser's cookies of this host."""
    person, other = Person(market), Person(market)
    for cookie in ("token", "authToken"):
        mixed = {"Authorization": f"Bearer {person.token}", "Cookie": f"{cookie}={other.token}"}
        with httpx.Client(base_url=market.url, headers=mixed) as client:
            assert client.get("/auth/me").json()["email"] == person.email
            assert client.get("/api/v1/user/me").json()["email"] == person.email
            assert client.get("/api/trading/orders").json() == []
            assert client.post("/api/v1/engine", json={"command": "GET_BALANCE"}).json()["success"]
            assert client.get("/api/v1/account").json()["code"] == "CREDENTIALS_CONFLICT"


def test_the_orders_and_trades_of_seed_001_s_screen_are_in_its_units(market: Market) -> None:
    market.at("BTC_USDC", "50000.0")
    person = Person(market)
    body = ORDER_001 | {"margin": 100.25, "leverage": 22.5, "stopLossPrice": 48000, "takeProfitPrice": 60000.5}
    trade = person.engine(**body)["engineResponse"]
    person.engine(command="CREATE_TRADE", asset="SOL", direction="SHORT", margin=10, leverage=2)
    listed = person.get("/api/v1/user/orders")
    assert (listed["success"], listed["count"], len(listed["orders"])) == (True, 2, 2)
    newest, first = listed["orders"]
    assert newest["direction"] == "SHORT"
    assert {
        name: first[name] for name in ("orderId", "command", "status", "asset", "amount", "leverage", "tradeId")
    } == {
        "orderId": trade["orderId"],
        "command": "CREATE_TRADE",
        "status": "OPEN",
        "asset": "BTC_USDC",
        "amount": "1002500",
        "leverage": "225",
        "tradeId": trade["data"]["tradeId"],
    }
    person.engine(command="CLOSE_TRADE", tradeId=first["tradeId"])
    (_, closed) = person.get("/api/v1/user/trades")["trades"]
    assert (closed["entryPrice"], closed["entryPriceDecimals"]) == ("50000000000", 6)
    assert (closed["stopLossPrice"], closed["takeProfitPrice"], closed["triggerDecimals"]) == (
        *("48000000000", "60000500000"),
        6,
    )
    assert (closed["exitPrice"], closed["status"], closed["margin"]) == ("49999900000", "CLOSED", "1002500")
    assert int(closed["pnl"]) < 0
    assert [order["status"] for order in person.get("/api/v1/user/orders")["orders"]] == ["OPEN", "CLOSED"]


def test_a_user_of_seed_001_s_screen_signs_up_signs_in_and_is_deleted(market: Market) -> None:
    body = {"email": f"{uuid4().hex}@example.com", "password": "abc123"}
    with market.client() as page:
        token = page.post("/api/v1/user/signup", json=body).json()["token"]
        again = page.post("/api/v1/user/signup", json=body)
        assert (again.status_code, again.json()["message"]) == (400, "The email is registered already")
        assert page.post("/api/v1/user/signin", json=body).json()["success"] is True
        page.headers["Authorization"] = f"Bearer {token}"
        assert page.get("/api/v1/user/me").json()["user"]["email"] == body["email"]
        deleted = page.delete("/api/v1/user/delete")
        assert (deleted.status_code, deleted.json()["email"]) == (200, body["email"])
        assert page.get("/api/v1/user/me").status_code == 401


@pytest.mark.parametrize(
    ("leverage", "note"),
    [
        (
            10,
            "at 10x: leverage is as the README says; a screen that counts it in tenths shows 1x",
        ),
        (22.5, "a screen that counts it in tenths shows 2.25x"),
        (5, "Trade created successfully"),
    ],
)
def test_an_answer_says_where_seed_001_s_screen_shows_another_leverage(
    market: Market, leverage: float, note: str
) -> None:
    answer = Person(market).engine(**ORDER_001 | {"leverage": leverage})["engineResponse"]
    assert answer["message"].endswith(note)
    assert answer["data"]["leverage"] == leverage


@pytest.mark.parametrize("path", ["/trades", "/api/v1/trade/create", "/api/v1/engine"])
def test_a_slippage_with_decimals_is_taken_as_percent(market: Market, path: str) -> None:
    market.at("BTC_USDC", "50000.0")
    person = Person(market)
    body = ORDER_001 if path.endswith("engine") else ORDER_000
    for slippage in (0.1, 0.5, "1.25", 50, 0):
        reply = person.http.post(path, json=body | {"slippage": slippage})
        assert reply.is_success, reply.text
    refused = person.http.post(path, json=body | {"slippage": "1e30"})
    assert refused.json()["code"] == "MALFORMED"


def test_an_order_of_seed_001_with_a_slippage_is_executed_once_under_its_key(market: Market) -> None:
    person = Person(market)
    key = {"Idempotency-Key": "once"}
    market.at("BTC_USDC", "50000.0")
    first = person.http.post("/api/v1/engine", json=ORDER_001 | {"slippage": 0.5}, headers=key).json()
    market.at("BTC_USDC", "50100.0")
    again = person.http.post("/api/v1/engine", json=ORDER_001 | {"slippage": 0.5}, headers=key)
    assert again.json()["engineResponse"]["data"] == first["engineResponse"]["data"]
    assert again.headers["Idempotent-Replayed"] == "true"
    assert person.figures().open == 1
    market.at("BTC_USDC", "50000.0")
