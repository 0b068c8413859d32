"""The WebSocket answers each operation, and private events come once, in order, in the shapes of REST.

Longer than 300 lines because its tests share one exchange, which starts once for each file.
"""

import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from uuid import UUID

import jwt
import pytest
from websockets.exceptions import InvalidStatus

from api.credentials.tokens import LIFETIME, Tokens, now
from tests.api.exchange import Exchange, User
from tests.api.websocket_client import WebSocketClient, listening, new_key, resuming, signed_ticket, websocket_client
from tests.processes import eventually


def test_the_account_channel_sends_a_snapshot_and_then_each_event_in_the_shapes_of_rest(exchange: Exchange) -> None:
    user = exchange.new_user()
    with listening(exchange, user) as opened:
        snapshot = opened.snapshot("account")
        assert snapshot["seq"] == 1
        assert snapshot["data"]["account"] == user.get("/account")
        assert (snapshot["data"]["positions"], snapshot["data"]["orders"]) == ([], [])
        order = user.opened(stop_loss="49000", client_order_id="mine")
        filled = opened.update("account")
        assert (filled["seq"], filled["data"]["event"]) == (2, "PositionOpened")
        assert filled["data"]["order"] == order
        assert filled["data"]["position"] == user.get(f"/positions/{order['position_id']}")
        assert filled["data"]["account"] == user.get("/account")
        assert filled["data"]["event_id"] == user.get("/fills")["items"][0]["event_id"]
        amended = user.http.patch(f"/positions/{order['position_id']}", json={"stop_loss": None, "take_profit": 60000})
        assert amended.status_code == 200, amended.text
        stops = opened.update("account")
        assert stops["data"]["position"] == user.get(f"/positions/{order['position_id']}")
        refused = user.order(margin="4950")
        assert refused.status_code == 409
        rejected = opened.update("account")
        assert (rejected["data"]["event"], rejected["data"]["code"]) == ("CommandRejected", "INSUFFICIENT_MARGIN")
        assert rejected["data"]["order"] == user.get(f"/orders/{refused.json()['command_id']}")
        part = user.http.post(f"/positions/{order['position_id']}/close", json={"quantity": "0.00500"})
        assert part.status_code == 200, part.text
        assert opened.update_of("PositionReduced")["data"]["position"] == user.get(f"/positions/{order['position_id']}")
        closed = user.close(order["position_id"]).json()
        told = opened.update("account")
        assert told["data"]["position"] == closed
        assert told["data"]["account"] == user.get("/account")
        assert user.http.post("/demo/deposit", json={"amount": "10"}).status_code == 200
        opened.update("account")
        lines = [line for message in opened.updates() for line in message["data"]["ledger"]]
        assert lines == user.get("/ledger")["items"][:-1][::-1]
        assert opened.seqs() == [2, 3, 4, 5, 6, 7]


def test_two_tabs_of_one_user_get_the_same_events_and_another_user_gets_none(exchange: Exchange) -> None:
    user, other = exchange.new_user(), exchange.new_user()
    with listening(exchange, user) as first, listening(exchange, user) as second, listening(exchange, other) as third:
        for opened in (first, second, third):
            opened.snapshot("account")
        order = user.opened()
        user.close(order["position_id"])
        for opened in (first, second):
            opened.until_seq(3)
        assert first.updates() == second.updates()
        second.close()
        user.opened()
        first.until_seq(4)
        assert first.seqs() == [2, 3, 4]
        third.asked("ping")
        assert third.updates() == []


def test_a_resumed_client_gets_the_missed_events_in_the_form_an_uninterrupted_client_got(exchange: Exchange) -> None:
    user = exchange.new_user()
    with listening(exchange, user) as stayed:
        stayed.snapshot("account")
        for number in range(4):
            order = user.opened(client_order_id=f"n{number}", take_profit="70000")
            user.http.patch(f"/positions/{order['position_id']}", json={"stop_loss": "40000"})
            user.http.post(f"/positions/{order['position_id']}/close", json={"quantity": "0.00100"})
            user.close(order["position_id"])
        user.order(leverage="100.5")
        stayed.until_seq(18)
        # The feed of the account is here, and remembers.
        with websocket_client(exchange, user) as resumed:
            resumed.asked("resume", channel="account", after=5)
            resumed.until_seq(18)
            assert resumed.seqs() == list(range(6, 19))
            assert resumed.updates() == stayed.updates()[4:]
    user.get("/positions")
    # It is not here any more, and PostgreSQL is asked.
    with websocket_client(exchange, user) as late:
        late.asked("resume", channel="account", after=0)
        late.until_seq(18)
        assert late.seqs() == list(range(1, 19))
        for message, before in zip(late.updates()[1:], stayed.updates(), strict=True):
            assert without_figures(message) == without_figures(before)
        assert [message["data"]["account"] is None for message in late.updates()] == [True] * 17 + [False]
        user.opened()
        late.until_seq(19)
        assert late.seqs()[-2:] == [18, 19]


def without_figures(message: dict[str, object]) -> dict[str, object]:
    """The account's figures, and a position's profit, are of the moment they are sent."""
    data = dict(message["data"])  # type: ignore[call-overload]  # An object of JSON.
    position = data["position"]
    if position is not None:
        data["position"] = {**position, "unrealized_pnl": None}
    return {**message, "data": {**data, "account": None}}


def test_a_resume_from_an_impossible_number_gets_resync_and_a_snapshot(exchange: Exchange) -> None:
    user = exchange.new_user()
    with websocket_client(exchange, user) as opened:
        opened.asked("resume", channel="account", after=10_000_000)
        assert opened.next()["type"] == "resync"
        assert opened.next()["data"]["account"] == user.get("/account")
        user.opened()
        opened.until_seq(2)


def test_ticks_have_the_shape_of_tickers_and_streamed_candles_the_shape_of_candles(exchange: Exchange) -> None:
    with websocket_client(exchange) as opened:
        ack = opened.asked("subscribe", channels=["ticks.ETH_USDC", "candles.1m.ETH_USDC", "ticks.SOL_USDC"])
        assert set(ack["channels"]) == {"ticks.ETH_USDC", "candles.1m.ETH_USDC", "ticks.SOL_USDC"}
        first = {message["channel"]: message for message in (opened.next(), opened.next(), opened.next())}
        assert {message["type"] for message in first.values()} == {"snapshot"}
        assert first["ticks.SOL_USDC"]["data"]["state"] == "none"
        assert set(first["ticks.ETH_USDC"]["data"]) == set(exchange.ticker("ETH_USDC"))
        exchange.price("ETH_USDC", "2001.00", "2001.01")
        told = opened.until(lambda message: (message.get("data") or {}).get("bid") == "2001.00")
        assert told["seq"] >= first["ticks.ETH_USDC"]["seq"]
        candle = opened.until(lambda message: (message.get("data") or {}).get("close") == "2001.005")
        assert (candle["channel"], candle["type"]) == ("candles.1m.ETH_USDC", "update")
        eventually(lambda: stored_candles(exchange, "ETH_USDC"), lambda stored: candle["data"] in stored)
        opened.asked("unsubscribe", channels=["ticks.ETH_USDC", "candles.1m.ETH_USDC", "ticks.SOL_USDC"])
        heard = len(opened.heard)
        exchange.price("ETH_USDC", "2000.00", "2000.01")
        exchange.until_fresh("ETH_USDC", "2000.00")
        opened.asked("ping")
        assert len(opened.heard) == heard + 1


def stored_candles(exchange: Exchange, symbol: str) -> list[dict[str, object]]:
    items = exchange.http.get(f"/api/v1/candles?symbol={symbol}&interval=1m").json()["items"]
    return [candle | {"closed": False} for candle in items]


def test_an_impossible_operation_is_refused_with_a_code_and_changes_no_subscription(exchange: Exchange) -> None:
    user = exchange.new_user()
    with websocket_client(exchange) as opened:
        assert opened.refused("subscribe", channels=["account"]) == "NOT_AUTHENTICATED"
        assert opened.refused("resume", channel="account", after=1) == "NOT_AUTHENTICATED"
        assert opened.refused("subscribe", channels=["ticks.BTC_USDC", "ticks.DOGE"]) == "NOT_FOUND"
        assert opened.refused("subscribe", channels=["candles.2m.BTC_USDC"]) == "NOT_FOUND"
        assert opened.refused("subscribe", channels=[]) == "MALFORMED"
        assert opened.refused("subscribe") == "MALFORMED"
        assert opened.refused("resume", channel="account", after=-1) == "MALFORMED"
        assert opened.refused("dance") == "MALFORMED"
        assert opened.refused("auth") == "MALFORMED"
        for text in ("{", "[]", "1", "null", "\u0000", '{"op":["auth"]}', b"binary", "[" * 5_000):
            opened.say_text(text)
            assert opened.next()["error"]["code"] == "MALFORMED"
        assert opened.asked("auth", token=user.token)["account_id"] == user.get("/account")["account_id"]
        assert opened.asked("unsubscribe", channels=["ticks.BTC_USDC"])["channels"] == []
        assert opened.asked("subscribe", channels=["account", "account"])["channels"] == ["account"]
        assert opened.refused("auth", token=exchange.new_user().token) == "CREDENTIALS_CONFLICT"
        assert opened.refused("auth", token="x") == "TOKEN_INVALID"
        user.opened()
        opened.update_of("PositionOpened")


def test_a_triggered_price_alert_is_sent_to_each_tab_of_its_owner(exchange: Exchange) -> None:
    user, other = exchange.new_user(), exchange.new_user()
    made = user.http.post("/alerts", json={"symbol": "ETH_USDC", "price": "2003.00", "note": "sell"}).json()
    with websocket_client(exchange) as nobody:
        assert nobody.refused("subscribe", channels=["ticks.ETH_USDC", "alerts"]) == "NOT_AUTHENTICATED"
    with (
        websocket_client(exchange, user) as first,
        websocket_client(exchange, user) as second,
        websocket_client(exchange, other) as third,
    ):
        for opened, alerts in ((first, [made]), (second, [made]), (third, [])):
            assert "alerts" in opened.asked("subscribe", channels=["alerts", "account"])["channels"]
            assert opened.snapshot("alerts")["data"] == alerts
        second.asked("unsubscribe", channels=["alerts"])
        assert second.refused("resume", channel="alerts", after=0) == "MALFORMED"
        second.asked("subscribe", channels=["alerts"])
        exchange.price("ETH_USDC", "2003.00", "2003.01")
        told = first.update("alerts")
        assert told["data"] == user.get("/alerts", status="triggered")["items"][0]
        assert told["data"]["id"] == made["id"]
        assert second.update("alerts") == told
        third.asked("ping")
        assert "alerts" not in [message.get("channel") for message in third.heard if message["type"] == "update"]
    with websocket_client(exchange, user) as again:
        again.asked("subscribe", channels=["alerts"])
        assert again.snapshot("alerts")["data"] == []
    exchange.price("ETH_USDC", "2000.00", "2000.01")
    exchange.until_fresh("ETH_USDC", "2000.00")


def test_a_websocket_ticket_opens_one_socket_once(exchange: Exchange) -> None:
    user = exchange.new_user()
    assert exchange.http.post("/api/v1/ws-ticket").status_code == 401
    made = user.http.post("/ws-ticket")
    assert (made.status_code, made.json()["expires_in"]) == (201, 30)
    ticket = made.json()["ticket"]
    with websocket_client(exchange, query=f"?ticket={ticket}") as opened:
        assert opened.next()["account_id"] == user.get("/account")["account_id"]
        opened.asked("subscribe", channels=["account"])
        with websocket_client(exchange, query=f"?ticket={ticket}") as again:
            assert again.next()["error"]["code"] == "TOKEN_INVALID"
            assert again.end() == (4401, "TOKEN_INVALID")
        opened.asked("auth", ticket=user.http.post("/ws-ticket").json()["ticket"])
    with websocket_client(exchange) as spoken:
        assert spoken.refused("auth", ticket=ticket) == "TOKEN_INVALID"
        assert spoken.end() == (4401, "TOKEN_INVALID")


def test_a_socket_ends_with_its_session_or_its_api_key(exchange: Exchange) -> None:
    user, other = exchange.new_user(), exchange.new_user()
    key, kept = new_key(user), new_key(user)
    with (
        websocket_client(exchange, query=f"?ticket={signed_ticket(exchange, key)}") as revoked,
        websocket_client(exchange, query=f"?ticket={signed_ticket(exchange, kept)}") as opened,
        listening(exchange, other) as signed_out,
    ):
        for one in (revoked, opened):
            one.asked("subscribe", channels=["account"])
        unused = signed_ticket(exchange, key)
        assert user.http.delete(f"/api-keys/{key.id}").status_code == 204
        assert other.http.post("/auth/logout").status_code == 204
        assert revoked.end() == (4401, "the API key was revoked")
        assert signed_out.end() == (4401, "signed out")
        with websocket_client(exchange, query=f"?ticket={unused}") as never:
            assert never.end() == (4401, "TOKEN_INVALID")
        user.opened()
        opened.update_of("PositionOpened")


def test_a_client_that_sends_too_many_or_too_large_messages_is_disconnected(exchange: Exchange) -> None:
    with websocket_client(exchange) as opened:
        for _ in range(150):
            opened.say(op="ping")
        assert opened.end()[0] == 4429
    with websocket_client(exchange) as opened:
        opened.say_text("x" * 20_000)
        assert opened.end()[0] == 1009


def test_a_cross_site_page_opens_no_socket(exchange: Exchange) -> None:
    with pytest.raises(InvalidStatus) as refused, websocket_client(exchange, origin="https://evil.example"):
        pass
    assert refused.value.response.status_code == 403
    with websocket_client(exchange, origin="http://localhost:3000") as opened:
        opened.asked("ping")
    with websocket_client(exchange, origin=exchange.url) as opened:
        opened.asked("ping")


def short_token(exchange: Exchange, user: User, seconds: float) -> str:
    """Another token of the user's session, which is good for so long."""
    assert exchange.settings.jwt_secret is not None
    claims = jwt.decode(user.token, options={"verify_signature": False})
    begins = now() - LIFETIME + timedelta(seconds=seconds)
    return Tokens(exchange.settings.jwt_secret).issue(UUID(claims["sub"]), UUID(claims["sid"]), begins)


def test_a_socket_ends_with_its_token_unless_a_new_token_is_sent_in_place(exchange: Exchange) -> None:
    user = exchange.new_user()
    with websocket_client(exchange) as expired:
        assert expired.refused("auth", token=short_token(exchange, user, -1)) == "TOKEN_EXPIRED"
        assert expired.end() == (4401, "TOKEN_EXPIRED")
    token = short_token(exchange, user, 3)
    with websocket_client(exchange) as forgotten, websocket_client(exchange) as renewed:
        for opened in (forgotten, renewed):
            opened.asked("auth", token=token)
            opened.asked("subscribe", channels=["account"])
        first = renewed.asked("auth", token=user.token)["signed_in_until"]
        assert forgotten.end() == (4401, "sign in again")
        user.opened()
        renewed.update_of("PositionOpened")
        assert [message["type"] for message in renewed.heard].count("snapshot") == 1
        assert renewed.asked("auth", token=user.token)["signed_in_until"] == first


def test_a_client_that_reconnects_at_random_moments_gets_each_event_once_and_in_order(exchange: Exchange) -> None:
    chance = random.Random(5)
    user = exchange.new_user()

    def trade() -> None:
        for _ in range(15):
            user.close(user.opened(margin="10")["position_id"])

    trading = threading.Thread(target=trade)
    trading.start()
    heard: list[int] = []
    reconnects = 0
    while len(heard) < 31:
        with resuming(exchange, user, after=len(heard)) as opened:
            reconnects += 1
            stop_at = len(heard) + chance.randint(1, 4)
            while len(heard) < min(stop_at, 31):
                message = opened.until(lambda message: message.get("channel") == "account")
                assert message["type"] == "update"
                heard.append(message["seq"])
    trading.join()
    assert heard == list(range(1, 32))
    assert reconnects > 7


@contextmanager
def slow_client(exchange: Exchange, user: User) -> Iterator[WebSocketClient]:
    """A client that takes little before it is read."""
    with websocket_client(exchange, user, max_queue=1, receive_buffer=4_096) as opened:
        yield opened


def test_a_slow_reader_misses_prices_but_no_event_and_is_disconnected_when_too_many_messages_wait(
    exchange: Exchange,
) -> None:
    user = exchange.new_user()
    for _ in range(40):
        user.opened(margin="10", leverage="1")
    with slow_client(exchange, user) as slow, slow_client(exchange, user) as slower:
        slow.asked("subscribe", channels=["account", "ticks.ETH_USDC"])
        for _ in range(20):
            slow.say(op="subscribe", channels=["account"])
        for _ in range(90):
            slower.say(op="subscribe", channels=["account"])
        time.sleep(0.5)
        for cent in range(20):
            exchange.price("ETH_USDC", f"2000.{cent:02}", f"2000.{cent + 1:02}")
            time.sleep(0.1)
        for _ in range(5):
            user.opened(margin="10", leverage="1")
        exchange.price("ETH_USDC", "2000.50", "2000.51")
        exchange.until_fresh("ETH_USDC", "2000.50")
        time.sleep(0.5)
        slow.until(lambda message: (message.get("data") or {}).get("bid") == "2000.50")
        assert slow.seqs() == list(range(42, 47))
        prices = [message["data"]["bid"] for message in slow.heard if message.get("channel") == "ticks.ETH_USDC"]
        assert len(set(prices) & {f"2000.{cent:02}" for cent in range(20)}) < 15
        # It has read nothing yet, and is given up already.
        assert 'stream_closes_total{code="4408"} 1.0' in exchange.metrics()
        assert slower.end()[0] == 4408
