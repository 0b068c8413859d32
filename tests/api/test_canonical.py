"""The conventions of a good venue: lists, versions, statements, history, limits, and closing all at once.

Longer than 300 lines because its tests share one exchange, which starts once for each file.
"""

import asyncio
import csv
import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from io import StringIO
from uuid import uuid4

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from reprise_client import ApiKey, Changed, Client, Malformed, NotSignedIn, SyncClient, read_events
from tests.api.exchange import PASSWORD, Exchange
from tests.api.test_rules import administrator
from tests.api.websocket_client import new_key
from tests.processes import eventually


def code_of(reply: httpx.Response) -> tuple[int, str]:
    return reply.status_code, reply.json()["code"]


def test_orders_are_filtered_by_status_and_by_client_order_id(exchange: Exchange) -> None:
    user = exchange.new_user()
    filled = [user.opened(margin="10", client_order_id=name)["order_id"] for name in ("one", "two", "three")]
    refused = user.order(margin="5001", client_order_id="too-much").json()["command_id"]
    everything = user.get("/orders")
    assert [order["order_id"] for order in everything["items"]] == [refused, *filled[::-1]]
    assert [order["status"] for order in everything["items"]] == ["rejected", "filled", "filled", "filled"]
    assert [order["order_id"] for order in user.get("/orders", status="filled")["items"]] == filled[::-1]
    first = user.get("/orders", limit=3)
    rest = user.get("/orders", limit=3, cursor=first["next_cursor"])
    assert first["items"] + rest["items"] == everything["items"]
    assert rest["next_cursor"] is None
    assert user.http.get("/orders", params={"status": "filled", "cursor": first["next_cursor"]}).status_code == 422
    [named] = user.get("/orders", client_order_id="two")["items"]
    assert named == user.get(f"/orders/{filled[1]}")
    assert user.get("/orders", client_order_id="four")["items"] == []
    assert exchange.new_user().get("/orders", client_order_id="two")["items"] == []


def test_a_refused_order_is_found_by_its_client_order_id(exchange: Exchange) -> None:
    user = exchange.new_user()
    assert code_of(user.order(margin="5001", client_order_id="mine")) == (409, "INSUFFICIENT_MARGIN")
    [order] = user.get("/orders", client_order_id="mine")["items"]
    assert (order["status"], order["client_order_id"]) == ("rejected", "mine")
    assert user.get("/orders", client_order_id="mine", status="filled")["items"] == []


def test_open_17_an_order_refused_under_a_client_order_id_is_sent_again_under_the_same(exchange: Exchange) -> None:
    user = exchange.new_user()
    refusals = [user.order(margin="5001", client_order_id="again") for _ in range(20)]
    assert {code_of(reply) for reply in refusals} == {(409, "INSUFFICIENT_MARGIN")}
    assert len({reply.json()["command_id"] for reply in refusals}) == 20
    opened = user.order(margin="10", client_order_id="again")
    assert opened.status_code == 201, opened.text
    repeated = user.order(margin="10", client_order_id="again")
    assert (repeated.status_code, repeated.json()["order_id"]) == (201, opened.json()["order_id"])
    [found] = user.get("/orders", client_order_id="again")["items"]
    assert found["order_id"] == opened.json()["order_id"]
    assert code_of(user.order(margin="11", client_order_id="again")) == (422, "COMMAND_ID_REUSED")


def test_open_17_a_refused_order_is_sent_again_under_another_key_and_not_under_its_own(exchange: Exchange) -> None:
    user = exchange.new_user()
    order = {"margin": "5001", "client_order_id": "keyed"}
    assert code_of(user.order(headers={"Idempotency-Key": "k1"}, **order))[0] == 409
    assert user.http.post("/demo/deposit", json={"amount": "10"}).status_code == 200
    assert code_of(user.order(headers={"Idempotency-Key": "k1"}, **order))[0] == 409
    assert user.order(headers={"Idempotency-Key": "k2"}, **order).status_code == 201


def test_an_amendment_of_an_outdated_version_is_refused_and_changes_nothing(exchange: Exchange) -> None:
    user = exchange.new_user()
    path = f"/positions/{user.opened()['position_id']}"
    seen = user.http.get(path).headers["ETag"]

    def amended(stop_loss: str, if_match: str, key: str = "") -> httpx.Response:
        headers = {"If-Match": if_match} | ({"Idempotency-Key": key} if key else {})
        return user.http.patch(path, json={"stop_loss": stop_loss}, headers=headers)

    first = amended("49000", seen, "the first")
    assert first.status_code == 200
    assert first.headers["ETag"] == user.http.get(path).headers["ETag"] != seen
    late = amended("49500", seen)
    assert code_of(late) == (412, "PRECONDITION_FAILED")
    assert late.headers["ETag"] == first.headers["ETag"]
    assert user.get(path)["stop_loss"] == "49000.0"
    replayed = amended("49000", seen, "the first")
    assert (replayed.status_code, replayed.headers["Idempotent-Replayed"]) == (200, "true")
    assert code_of(amended("49500", f"W/{first.headers['ETag']}")) == (412, "PRECONDITION_FAILED")
    assert amended("49500", f'"other", {first.headers["ETag"]}').status_code == 200
    assert amended("49600", "*").status_code == 200
    assert code_of(amended("49700", "no tag")) == (422, "MALFORMED")


def test_the_version_of_a_position_does_not_change_with_the_price(exchange: Exchange) -> None:
    user = exchange.new_user()
    path = f"/positions/{user.opened(symbol='ETH_USDC')['position_id']}"
    before = user.http.get(path)
    exchange.price("ETH_USDC", "1989.99", "1990.00")
    exchange.until_fresh("ETH_USDC", "1989.99")
    # The profit shown is the projection's, which hears the price a moment later.
    after = eventually(
        lambda: user.http.get(path),
        lambda reply: reply.json()["unrealized_pnl"] != before.json()["unrealized_pnl"],
        10.0,
    )
    exchange.price("ETH_USDC", "1999.99", "2000.00")
    exchange.until_fresh("ETH_USDC", "1999.99")
    assert before.headers["ETag"] == after.headers["ETag"]


def test_close_all_closes_the_open_positions_and_a_retry_under_its_key_closes_no_later_position(
    exchange: Exchange,
) -> None:
    user = exchange.new_user()
    opened = [user.opened(symbol=symbol, margin="10")["position_id"] for symbol in ("BTC_USDC", "ETH_USDC")]
    first = user.http.post("/positions/close-all", headers={"Idempotency-Key": "all"})
    assert first.status_code == 200, first.text
    closings = first.json()["items"]
    assert {closing["position_id"] for closing in closings} == set(opened)
    assert {(closing["status"], closing["position"]["status"]) for closing in closings} == {("done", "closed")}
    later = user.opened(margin="10")["position_id"]
    again = user.http.post("/positions/close-all", headers={"Idempotency-Key": "all"})
    assert (again.status_code, again.headers["Idempotent-Replayed"]) == (200, "true")
    assert again.json() == first.json()
    assert [position["id"] for position in user.get("/positions")["items"]] == [later]
    assert code_of(user.order(margin="5001", client_order_id="taken"))[0] == 409
    taken = user.http.post("/positions/close-all", headers={"Idempotency-Key": "taken"})
    assert code_of(taken) == (422, "COMMAND_ID_REUSED")


def test_an_idempotency_key_of_a_close_all_is_refused_for_other_commands_and_vice_versa(exchange: Exchange) -> None:
    user = exchange.new_user()
    nothing = {"Idempotency-Key": "of nothing"}  # There was nothing to close; the key is taken all the same.
    assert user.http.post("/positions/close-all", headers=nothing).json()["items"] == []
    assert code_of(user.order(headers=nothing, margin="10")) == (422, "COMMAND_ID_REUSED")
    ordered = {"Idempotency-Key": "ordered"}
    position_id = user.order(headers=ordered, margin="10").json()["position_id"]
    assert code_of(user.http.post("/positions/close-all", headers=ordered)) == (422, "COMMAND_ID_REUSED")
    closed = {"Idempotency-Key": "closed"}
    assert user.http.post("/positions/close-all", headers=closed).json()["items"][0]["status"] == "done"
    for reply in (
        user.order(headers=closed, margin="10"),
        user.order(client_order_id="closed", margin="10"),
        user.close(position_id, headers=closed),
        user.http.post("/demo/deposit", json={"amount": "1"}, headers=closed),
    ):
        assert code_of(reply) == (422, "COMMAND_ID_REUSED")
    assert user.get("/positions")["items"] == []
    # What the key said first is still what it says.
    assert user.order(headers=ordered, margin="10").headers["Idempotent-Replayed"] == "true"
    assert user.http.post("/positions/close-all", headers=closed).headers["Idempotent-Replayed"] == "true"


def test_the_client_trades_amends_and_closes_all_by_an_api_key(exchange: Exchange) -> None:
    user = exchange.new_user()
    key = new_key(user)

    async def trade() -> None:
        async with (
            asyncio.timeout(30),
            Client(exchange.url, api_key=ApiKey(key.id, key.private)) as client,
            client.stream("account") as messages,
        ):
            order = await client.place_order("BTC_USDC", "long", margin=10, leverage=5, client_order_id="mine")
            assert [one.order_id async for one in client.orders(client_order_id="mine")] == [order.order_id]
            position = await client.position(str(order.position_id))
            amended = await client.amend(position.id, stop_loss=40_000, if_match=position.etag)
            assert amended.stop_loss == Decimal(40_000)
            assert amended.etag == (await client.position(position.id)).etag
            with pytest.raises(Changed):
                await client.amend(position.id, stop_loss=None, if_match=position.etag)
            [closing] = await client.close_all(key="all")
            assert closing.position is not None
            assert (closing.status, closing.position.status) == ("done", "closed")
            assert await client.close_all(key="all") == (closing,)
            with pytest.raises(Malformed, match="COMMAND_ID_REUSED"):
                await client.place_order("BTC_USDC", "long", margin=10, leverage=5, key="all")
            told = [await anext(messages) for _ in range(5)]
            assert [message.data.get("event") for message in told] == [
                *(None, "PositionOpened", "StopsAmended", "AllClosed", "PositionClosed")
            ]

    asyncio.run(trade())


def test_close_all_continues_past_a_halted_market_and_honours_respond_async(exchange: Exchange) -> None:
    user, admin = exchange.new_user(), administrator(exchange)
    bitcoin, ether = (user.opened(symbol=symbol, margin="10")["position_id"] for symbol in ("BTC_USDC", "ETH_USDC"))
    halted = admin.http.post("/admin/instruments/ETH_USDC/status", json={"status": "halted"})
    assert (halted.status_code, halted.json()["waiting"]) == (200, []), halted.text
    found = {item["position_id"]: item for item in user.http.post("/positions/close-all").json()["items"]}
    assert found[bitcoin]["status"] == "done"
    assert (found[ether]["status"], found[ether]["code"]) == ("rejected", "MARKET_HALTED")
    assert admin.http.post("/admin/instruments/ETH_USDC/status", json={"status": "open"}).json()["waiting"] == []
    reply = user.http.post("/positions/close-all", headers={"Prefer": "respond-async"})
    assert (reply.status_code, reply.headers["Preference-Applied"]) == (202, "respond-async")
    [closing] = reply.json()["items"]
    eventually(lambda: user.get(f"/commands/{closing['command_id']}")["status"], lambda status: status == "done")
    assert user.get(f"/positions/{ether}")["status"] == "closed"


def test_a_retry_of_a_request_in_flight_is_refused_with_the_location_of_the_order(exchange: Exchange) -> None:
    user = exchange.new_user()
    preferring = {"Idempotency-Key": "slow", "Prefer": "respond-async"}
    with exchange.held("engine"):
        first = user.order(headers=preferring, client_order_id="mine")
        assert (first.status_code, first.headers["Preference-Applied"]) == (202, "respond-async")
        again = user.order(headers=preferring, client_order_id="mine")
        assert code_of(again) == (409, "KEY_IN_USE")
        assert again.headers["Location"] == first.headers["Location"]
        assert "Retry-After" in again.headers
        command_id = first.json()["command_id"]
        pending = user.get(f"/orders/{command_id}")
        asked = {"client_order_id": "mine", "symbol": "BTC_USDC", "side": "long", "leverage": "10.00"}
        expected = {"status": "pending", "margin": "100.000000", "quantity": None, "price": None} | asked
        assert {name: pending[name] for name in expected} == expected
    waiting = user.order(headers={"Idempotency-Key": "slow"}, client_order_id="mine")
    assert (waiting.status_code, waiting.headers["Idempotent-Replayed"]) == (201, "true")
    assert {name: waiting.json()[name] for name in asked} == asked
    assert len(user.get("/positions")["items"]) == 1


def test_a_statement_sums_from_opening_to_closing_balance_as_json_and_as_csv(exchange: Exchange) -> None:
    user = exchange.new_user()
    for _ in range(2):
        assert user.close(user.opened()["position_id"]).status_code == 200
    lines = user.get("/ledger")["items"]
    whole = user.get("/statements")
    assert whole["items"] == lines
    assert (whole["opening_balance"], whole["closing_balance"]) == ("0.000000", "4999.996000")
    since_the_deposit = user.get("/statements", **{"from": lines[1]["time"], "to": lines[0]["time"]})
    assert since_the_deposit["items"] == [lines[1]]
    assert since_the_deposit["opening_balance"] == "5000.000000"
    assert since_the_deposit["closing_balance"] == lines[1]["balance_after"]
    first = user.get("/statements", limit=2)
    assert first["items"] + user.get("/statements", limit=2, cursor=first["next_cursor"])["items"] == lines
    reply = user.http.get("/statements", params={"format": "csv"})
    assert reply.headers["content-type"].startswith("text/csv")
    rows = list(csv.DictReader(StringIO(reply.text)))
    assert rows == [{name: line[name] or "" for name in rows[0]} for line in lines]
    backwards = user.http.get("/statements", params={"from": lines[0]["time"], "to": lines[2]["time"]})
    assert code_of(backwards) == (422, "MALFORMED")
    assert code_of(user.http.get("/statements", params={"to": "1700000000"})) == (422, "MALFORMED")


def test_the_account_s_history_has_every_event_once_and_in_order(exchange: Exchange) -> None:
    user = exchange.new_user()
    order = user.opened(margin="10")
    user.order(margin="5001")
    user.close(order["position_id"])
    events = user.get("/audit/events")["items"]
    assert [event["seq"] for event in events] == [1, 2, 3, 4]
    assert [event["type"] for event in events] == [
        *("AccountOpened", "PositionOpened", "CommandRejected", "PositionClosed"),
    ]
    assert events[1]["data"]["command_id"] == order["command_id"]
    shard, _, seq = events[1]["event_id"].partition("-")
    brokers = exchange.settings.kafka_brokers
    logged = next(
        event for event in read_events(brokers, shards=[int(shard)], until_end=True) if event.fields["seq"] == int(seq)
    )
    assert events[1]["data"]["command_hash"] == logged.fields["command_hash"]
    assert re.fullmatch("[0-9a-f]{32}", events[1]["data"]["command_hash"])
    assert events[3]["event_id"] == user.get(f"/positions/{order['position_id']}")["receipt_id"]
    assert user.get("/audit/events", after_seq=2)["items"] == events[2:]
    page = user.get("/audit/events", after_seq=1, limit=2)
    assert page["items"] == events[1:3]
    assert user.get("/audit/events", after_seq=1, limit=2, cursor=page["next_cursor"])["items"] == events[3:]
    assert user.http.get("/audit/events", params={"after_seq": 2, "cursor": page["next_cursor"]}).status_code == 422


def test_every_reply_has_the_remaining_quota_of_its_rate_limit_bucket(exchange: Exchange) -> None:
    user = exchange.new_user()
    position_id = user.opened(margin="10")["position_id"]
    for reply, bucket in (
        (user.http.get("/account"), "reads"),
        (user.order(margin="5001"), "orders"),
        (user.close(position_id), "closing"),
        (exchange.http.get("/api/v1/instruments"), "public"),
        (exchange.http.get("/api/v1/state"), "reads"),
        (exchange.http.post("/api/v1/positions/open"), "orders"),
        (exchange.http.post("/api/v1/positions/close"), "closing"),
        (exchange.http.get("/api/v1/account"), "public"),
    ):
        assert reply.headers["RateLimit"].startswith(f'"{bucket}";r=')
        assert reply.headers["RateLimit-Policy"].startswith(f'"{bucket}";q=')
    assert "RateLimit" not in exchange.http.get("/healthz").headers


def test_cors_lets_an_allowed_origin_send_and_read_the_needed_headers_and_no_other_origin(exchange: Exchange) -> None:
    def asked(origin: str) -> httpx.Response:
        wanted = "authorization,content-type,idempotency-key,if-match,prefer,ledger-position"
        headers = {"Origin": origin, "Access-Control-Request-Method": "PATCH"}
        return exchange.http.options(
            "/api/v1/positions/0-1", headers=headers | {"Access-Control-Request-Headers": wanted}
        )

    allowed = asked("http://localhost:3000")
    assert allowed.status_code == 200
    assert allowed.headers["access-control-allow-origin"] == "http://localhost:3000"
    assert allowed.headers["access-control-allow-credentials"] == "true"
    assert "access-control-allow-origin" not in asked("http://evil.example").headers
    read = exchange.http.get("/api/v1/instruments", headers={"Origin": "http://localhost:3200"})
    exposed = {name.strip() for name in read.headers["access-control-expose-headers"].split(",")}
    assert {"ETag", "RateLimit", "Ledger-Position", "Projection-Lag", "Location", "Idempotent-Replayed"} <= exposed


def test_an_unsupported_method_is_refused_with_the_allowed_methods(exchange: Exchange) -> None:
    reply = exchange.http.put("/api/v1/orders")
    assert code_of(reply) == (405, "METHOD_NOT_ALLOWED")
    assert reply.headers["Allow"] == "GET, HEAD, POST"


def test_only_an_administrator_reads_and_changes_markets(exchange: Exchange) -> None:
    user = exchange.new_user()
    replies = [
        user.http.get(f"/admin/{name}")
        for name in (
            *("instruments", "broadcasts", "exposure", "liquidations", "feed", "lag", "accounts"),
            *("insurance-fund", "transfers"),
        )
    ]
    replies.append(user.http.patch("/admin/instruments/SOL_USDC", json={"leverage_max": "50"}))
    replies.append(user.http.post("/admin/instruments/SOL_USDC/status", json={"status": "halted"}))
    assert {code_of(reply) for reply in replies} == {(403, "FORBIDDEN")}
    assert exchange.http.get("/api/v1/admin/lag").status_code == 401


def test_an_open_position_keeps_its_parameters_when_an_administrator_changes_the_instrument(exchange: Exchange) -> None:
    user, admin = exchange.new_user(), administrator(exchange)
    position = user.opened(symbol="ETH_USDC", margin="10", leverage="80")["position_id"]
    before = user.get(f"/positions/{position}")
    changed = admin.http.patch("/admin/instruments/ETH_USDC", json={"leverage_max": "50", "maintenance_rate": "0.01"})
    assert (changed.status_code, changed.json()["waiting"]) == (200, []), changed.text
    assert admin.get(changed.headers["Location"].removeprefix("/api/v1")) == changed.json()
    assert code_of(user.order(symbol="ETH_USDC", leverage="80")) == (409, "LEVERAGE_OUT_OF_RANGE")
    [shown] = [item for item in admin.get("/admin/instruments")["items"] if item["symbol"] == "ETH_USDC"]
    assert (shown["leverage_max"], shown["maintenance_rate"]) == ("50.00", "0.010000")
    assert user.get(f"/positions/{position}")["liquidation_price"] == before["liquidation_price"]
    # The second change stands on the first.
    again = admin.http.patch("/admin/instruments/ETH_USDC", json={"maintenance_rate": "0.005"})
    assert again.json()["waiting"] == []
    [shown] = [item for item in admin.get("/admin/instruments")["items"] if item["symbol"] == "ETH_USDC"]
    assert (shown["leverage_max"], shown["maintenance_rate"]) == ("50.00", "0.005000")
    for body in ({"leverage_max": "100000"}, {"quantity_min": "0"}, {"fee_rate": "1"}, {"tick_size": "1"}, {}):
        assert code_of(admin.http.patch("/admin/instruments/ETH_USDC", json=body)) == (422, "MALFORMED")
    assert code_of(admin.http.patch("/admin/instruments/DOGE", json={"fee_rate": 0})) == (404, "SYMBOL_UNKNOWN")


def test_a_halt_sent_again_under_its_idempotency_key_returns_the_first_broadcast(exchange: Exchange) -> None:
    admin = administrator(exchange)
    path, key = "/admin/instruments/SOL_USDC/status", {"Idempotency-Key": "halt"}
    first = admin.http.post(path, json={"status": "close_only"}, headers=key)
    again = admin.http.post(path, json={"status": "close_only"}, headers=key)
    assert first.status_code == again.status_code == 200
    assert first.json() == again.json()
    other = admin.http.post(path, json={"status": "open"}, headers=key)
    assert code_of(other) == (422, "COMMAND_ID_REUSED")
    assert admin.http.post(path, json={"status": "open"}).json()["waiting"] == []


def test_exposure_and_the_liquidation_ladder_count_open_positions(exchange: Exchange) -> None:
    admin, user = administrator(exchange), exchange.new_user()

    def bitcoin() -> tuple[int, Decimal, int]:
        """Open shorts, their quantity, and how many of them a rise of 10 % would liquidate."""
        [market] = [item for item in admin.get("/admin/exposure")["items"] if item["symbol"] == "BTC_USDC"]
        rungs = {
            rung["move"]: rung["positions"]
            for rung in admin.get("/admin/liquidations")["items"]
            if (rung["symbol"], rung["side"]) == ("BTC_USDC", "short")
        }
        assert list(rungs.values()) == sorted(rungs.values()), "each step holds those before"
        return market["short"]["positions"], Decimal(market["short"]["quantity"]), rungs["10.00"]

    before = bitcoin()
    near, far = user.opened(side="short", leverage="20"), user.opened(side="short", leverage="2")
    user.get("/positions")
    positions, quantity, liquidated = bitcoin()
    assert positions == before[0] + 2
    assert quantity == before[1] + Decimal(near["quantity"]) + Decimal(far["quantity"])
    assert liquidated == before[2] + 1


def test_admin_routes_show_the_feed_by_symbol_and_the_lag_by_shard(exchange: Exchange) -> None:
    admin = administrator(exchange)
    feed = admin.get("/admin/feed")
    assert (feed["name"], feed["run"]) == ("simulated", exchange.run)
    assert {price["symbol"]: price["state"] for price in feed["prices"]}["SOL_USDC"] == "none"
    lag = eventually(
        lambda: admin.get("/admin/lag"), lambda seen: all(shard["projection_lag"] == 0 for shard in seen["shards"])
    )
    assert lag["broker_answers"] is True
    assert [shard["shard"] for shard in lag["shards"]] == list(range(exchange.settings.shards))
    assert all(shard["executed"] > 0 for shard in lag["shards"])


def test_the_synchronous_client_trades_and_reads_its_books_and_keeps_keys_and_alerts(exchange: Exchange) -> None:
    email = f"{uuid4().hex}@example.com"
    with SyncClient(exchange.url) as client:
        me = client.register(email, PASSWORD)
        with client.stream("account") as messages:
            preview = client.preview_order("BTC_USDC", "long", margin="100", leverage=10)
            order = client.place_order("BTC_USDC", "long", margin="100", leverage=10)
            assert (preview.status, preview.liquidation_price) == ("filled", order.liquidation_price)
            assert order.position_id is not None
            closed = client.close(order.position_id)
            heard = [messages.receive(20) for _ in range(3)]
        updates = [message.seq for message in heard if message is not None and message.kind == "update"]
        assert updates == list(range(updates[0], updates[0] + 2))
        [done] = list(client.orders("filled"))
        assert (done.order_id, closed.status) == (order.order_id, "closed")
        assert closed.receipt_id is not None
        assert client.receipt(closed.receipt_id).position_id == order.position_id

        statement = client.statement(end=datetime.now(UTC) + timedelta(days=1))
        lines = list(client.ledger())
        assert list(statement.items) == lines
        assert statement.opening_balance + sum(line.amount for line in lines) == statement.closing_balance
        assert len(list(csv.reader(StringIO(client.statement_csv())))) == len(lines) + 1
        events = list(client.events())
        assert [event.seq for event in events] == list(range(1, len(events) + 1))
        assert list(client.events(events[1].seq)) == events[2:]

        alert = client.create_alert("BTC_USDC", "70000")
        assert client.alert(alert.id) == alert
        client.delete_alert(alert.id)
        assert list(client.alerts()) == []
        private = Ed25519PrivateKey.generate()
        key = client.create_api_key(private.public_key().public_bytes_raw(), ["read"], name="reader")
        with SyncClient(exchange.url, api_key=ApiKey(key.id, private)) as program:
            assert program.account().account_id == me.account_id
        assert [client.api_key(saved.id).name for saved in client.api_keys()] == ["reader"]
        client.revoke_api_key(key.id)
        assert client.api_keys() == ()
        assert client.has_venue_keys() is False
        assert (client.venue().keys_stored, client.venue().open_orders, client.venue().positions) == (False, 0, ())
        assert list(client.venue_orders()) == []
        withdrawal = client.withdraw("10", note="rent")
        assert client.withdrawal(withdrawal.id).amount == Decimal(10)
        assert [each.note for each in client.withdrawals()] == ["rent"]
        assert client.websocket_ticket()
        client.logout_everywhere()
        with pytest.raises(NotSignedIn):
            client.me()
        client.login(email, PASSWORD)
        assert client.delete_me() == 0
        with pytest.raises(NotSignedIn):
            client.login(email, PASSWORD)


def test_the_synchronous_client_changes_its_password_and_ends_its_other_sessions(exchange: Exchange) -> None:
    email, new = f"{uuid4().hex}@example.com", f"another {PASSWORD}"
    with SyncClient(exchange.url) as client, SyncClient(exchange.url) as elsewhere:
        client.register(email, PASSWORD)
        elsewhere.login(email, PASSWORD)
        client.change_password(PASSWORD, new)
        with pytest.raises(NotSignedIn):
            elsewhere.me()
        elsewhere.login(email, new)
        [current, other] = client.sessions()
        assert (current.current, other.current) == (True, False)
        assert current.created_at <= current.last_seen_at < current.expires_at
        client.end_session(other.id)
        assert [session.id for session in client.sessions()] == [current.id]
        with pytest.raises(NotSignedIn):
            elsewhere.me()
