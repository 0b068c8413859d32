"""A newcomer's first trade over HTTP, what is read afterwards, and what is sent twice; all of it for real.

Longer than 300 lines because its tests share one exchange, which starts once for each file.
"""

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

import httpx
from prometheus_client.parser import text_string_to_metric_families

from stack.ports import free_ports
from tests.api.exchange import Exchange, service
from tests.processes import eventually

A_MEGABYTE = 1_000_000


def test_a_new_user_registers_and_trades_and_the_books_agree_to_the_last_unit(exchange: Exchange) -> None:
    user = exchange.new_user()
    assert user.get("/account")["balance"] == "5000.000000"
    order = user.opened(margin="100", leverage="10", stop_loss="49000", client_order_id="first")
    assert order["status"] == "filled"
    assert (order["price"], order["quantity"], order["margin"]) == ("50000.0", "0.02000", "100.000000")
    [position] = user.get("/positions")["items"]
    assert position["id"] == order["position_id"]
    assert position["unrealized_pnl"] == "-0.002000"
    assert position["stop_loss"] == "49000.0"
    reply = user.close(order["position_id"])
    assert reply.status_code == 200, reply.text
    closed = reply.json()
    assert (closed["status"], closed["close_reason"], closed["realized_pnl"]) == ("closed", "manual", "-0.002000")
    assert user.get("/positions")["items"] == []
    assert user.get(f"/positions/{order['position_id']}") == closed
    account = user.get("/account")
    assert account["balance"] == account["free_margin"] == account["equity"] == "4999.998000"
    assert account["margin_level"] is None
    lines = user.get("/ledger")["items"]
    assert [(line["kind"], line["amount"]) for line in lines] == [
        ("realized_pnl", "-0.002000"),
        ("deposit", "5000.000000"),
    ]
    receipt = user.get(f"/receipts/{closed['receipt_id']}")
    assert receipt["realized_pnl"] == "-0.002000"
    assert receipt["margin_returned"] == "99.998000"
    assert [fill["action"] for fill in user.get("/fills")["items"]] == ["close", "open"]
    assert user.get(f"/orders/{order['order_id']}")["status"] == "filled"
    assert user.get(f"/commands/{order['command_id']}")["status"] == "done"


def test_an_order_under_an_idempotency_key_is_executed_once_and_a_retry_gets_the_first_order(
    exchange: Exchange,
) -> None:
    user = exchange.new_user()
    first = user.order(headers={"Idempotency-Key": '"k-1"'})
    again = user.order(headers={"Idempotency-Key": "k-1"})
    assert first.status_code == again.status_code == 201
    assert "Idempotent-Replayed" not in first.headers
    assert again.headers["Idempotent-Replayed"] == "true"
    assert first.json() == again.json()
    assert len(user.get("/positions")["items"]) == 1
    other = user.order(margin="101", headers={"Idempotency-Key": "k-1"})
    assert (other.status_code, other.json()["code"]) == (422, "COMMAND_ID_REUSED")
    close = user.close(first.json()["position_id"], {"Idempotency-Key": "k-1"})
    assert (close.status_code, close.json()["code"]) == (422, "COMMAND_ID_REUSED")


def test_an_order_has_the_log_time_of_its_outcome(exchange: Exchange) -> None:
    user = exchange.new_user()
    filled = user.opened()
    assert filled["decided_at"] == user.get(f"/positions/{filled['position_id']}")["opened_at"]
    assert user.order(margin="90000").status_code == 409
    refused, first = user.get("/orders")["items"]
    assert first["decided_at"] == filled["decided_at"] == user.get(f"/orders/{filled['order_id']}")["decided_at"]
    assert refused["status"] == "rejected"
    assert refused["decided_at"] > filled["decided_at"]


def test_an_order_refused_under_an_idempotency_key_stays_refused(exchange: Exchange) -> None:
    user = exchange.new_user()
    first = user.order(margin="5001", headers={"Idempotency-Key": "k"})
    assert user.http.post("/demo/deposit", json={"amount": "1000"}).status_code == 200
    again = user.order(margin="5001", headers={"Idempotency-Key": "k"})
    assert first.status_code == again.status_code == 409
    assert again.headers["Idempotent-Replayed"] == "true"
    assert again.json()["code"] == "INSUFFICIENT_MARGIN"


def test_a_client_order_id_is_the_idempotency_key_and_opens_once_under_another_key_too(exchange: Exchange) -> None:
    user = exchange.new_user()
    first = user.order(client_order_id="mine")
    again = user.order(client_order_id="mine")
    keyed = user.order(client_order_id="mine", headers={"Idempotency-Key": "another"})
    assert [reply.status_code for reply in (first, again, keyed)] == [201] * 3
    assert first.json() == again.json() == keyed.json()
    assert again.headers["Idempotent-Replayed"] == keyed.headers["Idempotent-Replayed"] == "true"
    other = user.order(client_order_id="mine", side="short", headers={"Idempotency-Key": "a third"})
    assert (other.status_code, other.json()["code"]) == (422, "COMMAND_ID_REUSED")
    assert len(user.get("/positions")["items"]) == 1


def test_a_client_order_id_used_under_an_idempotency_key_opens_nothing_without_a_key(exchange: Exchange) -> None:
    user = exchange.new_user()
    first = user.order(client_order_id="mine", headers={"Idempotency-Key": "a key"})
    again = user.order(client_order_id="mine")
    other = user.order(client_order_id="mine", side="short")
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    assert (other.status_code, other.json()["code"]) == (422, "COMMAND_ID_REUSED")
    assert len(user.get("/positions")["items"]) == 1


def test_a_client_order_id_sent_under_ten_keys_at_once_opens_one_position(exchange: Exchange) -> None:
    user = exchange.new_user()
    with ThreadPoolExecutor(10) as pool:
        replies = list(
            pool.map(lambda n: user.order(client_order_id="race", headers={"Idempotency-Key": f"key {n}"}), range(10))
        )
    assert {reply.status_code for reply in replies} == {201}
    assert len({reply.json()["order_id"] for reply in replies}) == 1
    assert sum("Idempotent-Replayed" in reply.headers for reply in replies) == 9
    assert len(user.get("/positions")["items"]) == 1


def test_an_idempotency_key_sent_ten_times_at_once_opens_one_position(exchange: Exchange) -> None:
    user = exchange.new_user()
    with ThreadPoolExecutor(10) as pool:
        replies = list(pool.map(lambda _: user.order(headers={"Idempotency-Key": "race"}), range(10)))
    assert {reply.status_code for reply in replies} == {201}
    assert len({reply.json()["order_id"] for reply in replies}) == 1
    assert sum("Idempotent-Replayed" in reply.headers for reply in replies) == 9
    assert len(user.get("/positions")["items"]) == 1


def test_a_close_and_an_amendment_under_an_idempotency_key_are_replayed_too(exchange: Exchange) -> None:
    user = exchange.new_user()
    position_id = user.opened()["position_id"]
    for _ in range(2):
        amended = user.http.patch(
            f"/positions/{position_id}", json={"stop_loss": 49000}, headers={"Idempotency-Key": "amend"}
        )
        assert (amended.status_code, amended.json()["stop_loss"]) == (200, "49000.0")
    closes = [user.close(position_id, {"Idempotency-Key": "close"}) for _ in range(2)]
    assert [reply.status_code for reply in closes] == [200, 200]
    assert closes[0].json() == closes[1].json()
    assert closes[1].headers["Idempotent-Replayed"] == "true"


def test_a_part_of_a_position_is_closed_and_the_rest_goes_on(exchange: Exchange) -> None:
    user = exchange.new_user()
    position_id = user.opened(margin="100", leverage="10", stop_loss="49000")["position_id"]
    path = f"/positions/{position_id}/close"
    for quantity, code in (("0.02001", "ABOVE_MAXIMUM"), ("0", "AMOUNT_NOT_POSITIVE"), ("0.000001", "MALFORMED")):
        refused = user.http.post(path, json={"quantity": quantity})
        assert (refused.status_code, refused.json()["code"]) == (422 if code == "MALFORMED" else 409, code)
    replies = [user.http.post(path, json={"quantity": 0.005}, headers={"Idempotency-Key": "part"}) for _ in range(2)]
    assert [reply.status_code for reply in replies] == [200, 200], replies[0].text
    assert replies[1].headers["Idempotent-Replayed"] == "true"
    part = replies[0].json()
    assert (part["status"], part["quantity"], part["stop_loss"]) == ("open", "0.01500", "49000.0")
    assert (part["margin"], part["realized_pnl"]) == ("75.001350", "-0.000500")
    assert user.get(f"/positions/{position_id}") | {"unrealized_pnl": None} == part | {"unrealized_pnl": None}
    assert user.get("/commands/" + user.get("/fills")["items"][0]["order_id"])["position"]["quantity"] == "0.01500"
    (order,) = user.get("/orders")["items"]
    assert (order["quantity"], order["margin"]) == ("0.02000", "100.000000"), "an order stays as it was filled"
    closed = user.close(position_id).json()
    assert (closed["status"], closed["realized_pnl"]) == ("closed", "-0.002000")
    assert user.get(f"/positions/{position_id}") == closed
    fills = user.get("/fills")["items"]
    assert [(fill["action"], fill["quantity"]) for fill in fills] == [
        ("close", "0.01500"),
        ("close", "0.00500"),
        ("open", "0.02000"),
    ]
    assert sum(Decimal(line["amount"]) for line in user.get("/ledger")["items"]) == Decimal("4999.998")
    receipt = user.get(f"/receipts/{fills[1]['event_id']}")
    assert (receipt["quantity"], receipt["margin_returned"], receipt["rest"]["quantity"]) == (
        "0.00500",
        "24.998150",
        "0.01500",
    )


def test_after_a_restart_of_the_api_an_idempotency_key_is_answered_from_the_tables(exchange: Exchange) -> None:
    user = exchange.new_user()
    first = user.order(headers={"Idempotency-Key": "old"})
    refused = user.order(margin="0", headers={"Idempotency-Key": "old and refused"})
    user.get("/positions")
    with second_api(exchange) as url, httpx.Client(base_url=url, headers=user.http.headers, timeout=10) as http:
        body = {"symbol": "BTC_USDC", "side": "long", "margin": "100", "leverage": "10"}
        again = http.post("/api/v1/orders", json=body, headers={"Idempotency-Key": "old"})
        assert (again.status_code, again.json()) == (201, first.json())
        assert again.headers["Idempotent-Replayed"] == "true"
        other = http.post("/api/v1/orders", json=body | {"margin": "9"}, headers={"Idempotency-Key": "old"})
        assert (other.status_code, other.json()["code"]) == (422, "COMMAND_ID_REUSED")
        still = http.post("/api/v1/orders", json=body | {"margin": "0"}, headers={"Idempotency-Key": "old and refused"})
        assert (still.status_code, still.json()["code"]) == (409, refused.json()["code"])
        command = http.get(f"/api/v1/commands/{first.json()['command_id']}").json()
        assert (command["status"], command["order"]) == ("done", first.json())
        assert http.get(f"/api/v1/orders/{first.json()['order_id']}").json() == first.json()
        ticker = next(item for item in http.get("/api/v1/tickers").json()["items"] if item["symbol"] == "BTC_USDC")
        assert (ticker["bid"], ticker["state"]) == ("49999.9", "fresh")


def test_an_order_with_respond_async_is_answered_202_with_its_location(exchange: Exchange) -> None:
    user = exchange.new_user()
    reply = user.order(headers={"Prefer": "respond-async"})
    assert reply.status_code == 202
    assert reply.json()["status"] == "pending"
    where = reply.headers["Location"].removeprefix("/api/v1")
    seen = eventually(lambda: user.get(where), lambda seen: seen["status"] != "pending")
    assert seen["status"] == "done"
    assert seen["order"]["status"] == "filled"
    assert seen["order"]["order_id"] == reply.json()["command_id"]


def test_stops_are_set_kept_and_removed(exchange: Exchange) -> None:
    user = exchange.new_user()
    path = f"/positions/{user.opened(stop_loss='49000', take_profit='51000')['position_id']}"
    steps: list[tuple[dict[str, str | None], str | None, str | None]] = [
        ({"stop_loss": "49500"}, "49500.0", "51000.0"),
        ({"take_profit": None}, "49500.0", None),
        ({"stop_loss": None, "take_profit": "52000"}, None, "52000.0"),
    ]
    for body, stop_loss, take_profit in steps:
        reply = user.http.patch(path, json=body)
        assert reply.status_code == 200, reply.text
        for seen in (reply.json(), user.get(path)):
            assert (seen["stop_loss"], seen["take_profit"]) == (stop_loss, take_profit)


def test_a_list_s_cursor_gives_the_next_page_under_the_same_filter(exchange: Exchange) -> None:
    user = exchange.new_user()
    opened = [user.opened(symbol=symbol, margin="10")["position_id"] for symbol in ("BTC_USDC", "ETH_USDC") * 3]
    user.close(opened[0])

    def all_pages(path: str, **params: str | int) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = []
        cursor: dict[str, str] = {}
        while True:
            page = user.get(path, limit=2, **params, **cursor)
            assert len(page["items"]) <= 2
            items += page["items"]
            if page["next_cursor"] is None:
                return items
            cursor = {"cursor": page["next_cursor"]}

    assert [item["id"] for item in all_pages("/positions")] == opened[:0:-1]
    assert [item["id"] for item in all_pages("/positions", status="all")] == opened[::-1]
    assert [item["id"] for item in all_pages("/positions", status="closed")] == opened[:1]
    assert [item["id"] for item in all_pages("/positions", symbol="ETH_USDC")] == opened[:0:-2]
    assert len(all_pages("/fills")) == 7
    lines = all_pages("/ledger")
    assert lines[-1]["amount"] == "5000.000000"
    balance = sum(Decimal(line["amount"]) for line in lines)
    assert f"{balance:.6f}" == user.get("/account")["balance"] == lines[0]["balance_after"]


def test_a_read_with_a_ledger_position_beyond_the_tables_names_the_projection_lag(exchange: Exchange) -> None:
    user = exchange.new_user()
    user.opened(margin="10")
    place = user.http.cookies["ledger_position"]
    shard, seq = (int(part) for part in place.split(":"))
    user.http.cookies.clear()
    ahead = user.http.get("/account", headers={"Ledger-Position": f"{shard}:{seq + 1_000_000}"})
    assert ahead.status_code == 200
    assert int(ahead.headers["Projection-Lag"]) > 900_000
    level = user.http.get("/account", headers={"Ledger-Position": place})
    assert "Projection-Lag" not in level.headers
    for nonsense in ("x", "1", "1:", ":1", "99999:1", "0:-1", "0:99999999999999999999", "0:1:2"):
        assert "Projection-Lag" not in user.http.get("/account", headers={"Ledger-Position": nonsense}).headers


def test_a_read_without_ledger_position_header_or_cookie_includes_the_caller_s_last_command(exchange: Exchange) -> None:
    user = exchange.new_user()
    for count in range(1, 11):
        user.opened(margin="10")
        user.http.cookies.clear()
        read = user.http.get("/positions")
        assert len(read.json()["items"]) == count or "Projection-Lag" in read.headers


def test_unrealized_pnl_and_equity_move_with_the_price(exchange: Exchange) -> None:
    user = exchange.new_user()
    user.opened(symbol="ETH_USDC", side="short", margin="200", leverage="10")
    exchange.price("ETH_USDC", "1979.99", "1980.00")
    exchange.until_fresh("ETH_USDC", "1979.99")
    [position] = eventually(
        lambda: user.get("/positions")["items"], lambda items: items[0]["unrealized_pnl"] == "19.990000"
    )
    assert position["side"] == "short"
    account = user.get("/account")
    assert (account["balance"], account["unrealized_pnl"], account["equity"]) == (
        "5000.000000",
        "19.990000",
        "5019.990000",
    )
    assert (account["used_margin"], account["free_margin"]) == ("200.000000", "4800.000000")
    exchange.price("ETH_USDC", "1999.99", "2000.00")
    exchange.until_fresh("ETH_USDC", "1999.99")


def test_a_ticker_has_feed_state_age_and_day_statistics(exchange: Exchange) -> None:
    ticker = exchange.until_fresh("BTC_USDC")
    assert (ticker["bid"], ticker["ask"], ticker["mid"]) == ("49999.9", "50000.0", "49999.95")
    assert (ticker["feed"], ticker["state"]) == ("simulated", "fresh")
    assert 0 <= ticker["age_ms"] < 5_000
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", ticker["time"])
    none = exchange.ticker("SOL_USDC")
    assert (none["bid"], none["ask"], none["mid"], none["time"], none["state"]) == (None, None, None, None, "none")


def test_candles_are_made_of_mid_prices(exchange: Exchange) -> None:
    reply = exchange.http.get("/api/v1/candles", params={"symbol": "BTC_USDC", "interval": "1m"})
    assert reply.status_code == 200, reply.text
    candle = reply.json()["items"][-1]
    assert (candle["open"], candle["close"], candle["source"]) == ("49999.95", "49999.95", "simulated")
    first = exchange.http.get("/api/v1/candles", params={"symbol": "BTC_USDC", "interval": "1m", "limit": 1}).json()
    assert len(first["items"]) == 1


def test_instruments_are_served_with_the_values_of_the_trading_rules(exchange: Exchange) -> None:
    items = exchange.http.get("/api/v1/instruments").json()["items"]
    assert [item["symbol"] for item in items] == ["BTC_USDC", "ETH_USDC", "SOL_USDC"]
    assert items[0] == {
        "symbol": "BTC_USDC",
        "status": "open",
        "tick_size": "0.1",
        "lot_size": "0.00001",
        "price_decimals": 1,
        "quantity_decimals": 5,
        "quantity_min": "0.00001",
        "quantity_max": "100.00000",
        "leverage_min": "1.00",
        "leverage_max": "100.00",
        "fee_rate": "0.000000",
        "maintenance_rate": "0.005000",
        "margin_floor_rate": "0.050000",
        "liquidation_fee_rate": "0.005000",
        "slippage_bps": 100,
        "notional_max": "1000000.000000",
        "account_notional_max": "1000000.000000",
        "side_notional_max": "100000000.000000",
        "spread_max": "0.003000",
        "jump_max": "0.100000",
        "stale_after_ms": 5_000,
        "open_age_max_ms": 2_000,
    }


def test_the_metrics_count_requests_by_route_and_commands_by_outcome(exchange: Exchange) -> None:
    listed = ("request_seconds_count", "/api/v1/instruments")
    done, waited = ("command_outcomes_total", "done"), ("outcome_seconds_count", None)
    before = numbers(exchange)
    exchange.http.get("/api/v1/instruments")
    exchange.new_user().opened()
    after = numbers(exchange)
    for counted in (listed, done, waited):
        assert after[counted] > before.get(counted, 0), counted
    assert after[listed] == before.get(listed, 0) + 1
    assert after["process_resident_memory_bytes", None] > A_MEGABYTE


def numbers(exchange: Exchange) -> dict[tuple[str, str | None], float]:
    """What is counted, by name and the route of an answer that was 200, or the outcome of a command."""
    return {
        (sample.name, sample.labels.get("route") or sample.labels.get("outcome")): sample.value
        for family in text_string_to_metric_families(exchange.metrics())
        for sample in family.samples
        if sample.labels.get("status", "200") == "200"
    }


@contextmanager
def second_api(exchange: Exchange) -> Iterator[str]:
    """Another API process beside the first: it has nothing in memory."""
    [port] = free_ports(1)
    settings = exchange.settings.model_copy(update={"port": port})
    with service("api", settings, exchange.folder) as api:
        second = Exchange(settings, exchange.folder)
        second.until_ready(api)
        yield second.url
        second.close()
        assert api.stop() == 0
