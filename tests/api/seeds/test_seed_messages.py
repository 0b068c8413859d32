"""What a client of a seed is told: each field by the seed's own name, and no refusal is an error of the server's."""

import json
from typing import Any
from urllib.parse import quote

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from tests.api.seeds.market import Market, Person

BTC = {"asset": "BTC", "margin": 10, "leverage": 10}
OF_000 = BTC | {"type": "long"}
OF_001 = BTC | {"command": "CREATE_TRADE", "direction": "LONG"}
OF_003 = {"asset": "btc", "side": "buy", "qty": 0.001, "leverage": 10}
OF_004 = BTC | {"type": "long"}
NUMBERS: list[Any] = [-1, 0, "abc", None, True, [], 1e30, 1e-30]
TIMES = (
    *("0001-01-01T00:00:00Z", "0001-01-01T00:00:00+23:00", "0001-01-01T00:00:00-23:00", "1969-12-31T23:59:59Z"),
    *("9999-12-31T23:59:59Z", "9999-12-31T23:59:59-23:00", "9999-12-31T23:59:59+23:00", "9999-01-01T00:00:00Z"),
    *("253402300799000", "253402300799", "-62135596800", "-1", "1", "0", "1e15", "nan", "inf", "1e400", "never"),
)


@pytest.mark.parametrize(
    ("path", "body", "fields"),
    [
        ("/trades", OF_000, ("margin", "leverage", "slippage", "asset", "type")),
        ("/api/v1/trade/create", OF_000, ("margin", "leverage", "slippage", "asset", "type")),
        (
            "/api/v1/engine",
            OF_001,
            ("margin", "leverage", "slippage", "stopLossPrice", "takeProfitPrice", "asset", "direction", "command"),
        ),
        ("/trade/open", OF_003, ("qty", "leverage", "takeProfit", "stopLoss", "asset", "side")),
        ("/trade/create", OF_003, ("qty", "leverage", "takeProfit", "stopLoss", "asset", "side")),
        ("/balance/deposit", {"symbol": "USDC", "amount": 1, "decimals": 2}, ("amount", "decimals", "symbol")),
        ("/api/v1/positions/open", OF_004, ("margin", "leverage", "slippage", "currentPrice", "asset", "type")),
        (
            "/api/trading/orders",
            {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": 0.001},
            ("symbol", "side", "type", "quantity", "price"),
        ),
    ],
)
def test_every_refusal_of_a_field_names_it_as_the_seed_does(
    market: Market, path: str, body: dict[str, Any], fields: tuple[str, ...]
) -> None:
    person = Person(market)
    for field in fields:
        for value in NUMBERS:
            reply = person.http.post(path, json=body | {field: value})
            assert reply.status_code < 500, reply.text
            if reply.status_code >= 400 and reply.json()["code"] not in ("RATE_LIMITED", "PRICE_TOO_OLD"):
                said = reply.json()
                named = [fault["pointer"] for fault in said.get("errors") or ()]
                assert named == [f"/{field}"], (field, value, said)
                assert said["error"] == said["message"] == said["detail"]


def test_a_stop_of_nothing_is_named_with_its_bounds(market: Market) -> None:
    reply = Person(market).http.post("/trade/open", json=OF_003 | {"takeProfit": 0})
    assert (reply.status_code, reply.json()["error"]) == (400, "/takeProfit: is 0, and must be 0.1 to 100000000.0")
    ours = Person(market).http.post(
        "/api/v1/orders",
        json={"symbol": "BTC_USDC", "side": "long", "margin": "10", "leverage": "10", "stop_loss": "-1"},
    )
    assert ours.json()["errors"][0]["pointer"] == "/stop_loss"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("POST", "/trades/{}/close", 422),
        ("POST", "/trade/close/{}", 400),
        ("GET", "/trade/orders/{}", 400),
        ("GET", "/api/trading/orders/{}", 400),
        ("DELETE", "/api/trading/orders/{}", 400),
    ],
)
@pytest.mark.parametrize("value", ["%00", "x" * 65])
def test_an_id_in_a_path_that_is_none_is_named_as_the_seed_does(
    market: Market, method: str, path: str, status: int, value: str
) -> None:
    reply = Person(market).http.request(method, path.format(value))
    said = reply.json()
    assert (reply.status_code, said["errors"][0]["pointer"]) == (status, "orderId"), said
    assert said["error"] == said["message"] == said["detail"]


def test_a_command_that_seed_001_has_not_is_named(market: Market) -> None:
    person = Person(market)
    unknown = person.engine(400, command="NOPE")
    assert unknown["errors"][0]["pointer"] == "/command"
    assert unknown["error"].startswith("/command: is NOPE, and must be one of CREATE_ACCOUNT, GET_BALANCE")
    assert person.engine(400)["error"] == "/command: is missing"


def test_every_time_a_chart_may_ask_for_is_answered_or_refused_by_the_parameter_s_name(market: Market) -> None:
    with market.client() as client:
        for interval in ("1m", "3d", "1w", "1M"):
            for start, end in [*((time, "0") for time in TIMES), *(("0", time) for time in TIMES)]:
                question = f"/candles?asset=BTC_USDC&ts={interval}&startTime={quote(start)}&endTime={quote(end)}"
                reply = client.get(question)
                assert reply.status_code in (200, 400), (question, reply.text)
                if reply.status_code == 400:
                    assert reply.json()["errors"][0]["pointer"] in ("startTime", "endTime"), question
        for interval in ("1m", "5m", "15m", "1h", "4h", "1d"):
            for name in ("from", "to"):
                for time in TIMES[:8]:
                    reply = client.get(f"/api/v1/candles?symbol=BTC_USDC&interval={interval}&{name}={quote(time)}")
                    assert reply.status_code == 200, (name, time, reply.text)


def test_a_chart_that_begins_tomorrow_or_ended_before_the_first_candle_is_empty(market: Market) -> None:
    with market.client() as client:
        for start, end in (("4102444800", "0"), ("0", "-1"), ("-3", "-1"), ("253402300000", "253402300799")):
            reply = client.get(f"/candles?asset=BTC&ts=1m&startTime={start}&endTime={end}")
            assert (reply.status_code, reply.json()) == (200, {"data": []}), (start, end)
        turned = client.get("/candles?asset=BTC&ts=1m&startTime=5&endTime=3").json()
        assert turned["errors"] == [{"pointer": "startTime", "message": "must be before `endTime`"}]
        ours = client.get("/api/v1/candles", params={"symbol": "BTC_USDC", "from": "2100-01-01T00:00:00Z"})
        assert ours.json()["items"] == []


def test_a_refused_handshake_writes_no_error_into_the_log(market: Market) -> None:
    before = len(market.services["api"].log)
    for token in ("bad", "", "null"):
        with pytest.raises(InvalidStatus), connect(f"{market.url.replace('http', 'ws')}/?token={token}", proxy=None):
            pass
    with pytest.raises(InvalidStatus), connect(f"{market.url.replace('http', 'ws')}/nowhere", proxy=None):
        pass
    market.http.get("/health")
    lines = [json.loads(line) for line in market.services["api"].log[before:].splitlines() if line.startswith("{")]
    assert [line for line in lines if line["level"] in ("warning", "error")] == []
