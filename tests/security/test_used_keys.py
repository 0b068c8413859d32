"""An Idempotency-Key is used for one thing, whichever of two requests under it comes first and to which process."""

from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.api.exchange import Exchange, User
from tests.api.second_process import at
from tests.processes import eventually
from tests.security.racing import Sent, at_once

ROUNDS = 5
SPOT = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.001"}
VENUE_KEYS = {"api_key": "a" * 64, "secret_key": "b" * 64}


def spot_order(exchange: Exchange, user: User, key: dict[str, str], **fields: Any) -> httpx.Response:
    headers = {"Authorization": f"Bearer {user.token}"} | key
    return httpx.post(f"{exchange.url}/api/trading/orders", json=SPOT | fields, headers=headers, timeout=20.0)


def new_key() -> dict[str, str]:
    return {"Idempotency-Key": uuid4().hex}


def is_taken(reply: httpx.Response) -> bool:
    """Whether it was done, or is on its way; else it was refused for its key."""
    if reply.status_code >= 300:
        assert reply.json()["code"] in {"COMMAND_ID_REUSED", "KEY_IN_USE"}, reply.text
    return reply.status_code < 300


def spot_order_now(exchange: Exchange, user: User, order_id: str) -> dict[str, Any]:
    """A spot order, once it is known what came of it."""
    headers = {"Authorization": f"Bearer {user.token}"}

    def found() -> dict[str, Any]:
        reply = httpx.get(f"{exchange.url}/api/trading/orders/{order_id}", headers=headers, timeout=20.0)
        assert reply.status_code == 200, reply.text
        order: dict[str, Any] = reply.json()
        return order

    return eventually(found, lambda order: order["status"] != "PENDING", 30)


def test_a_spot_order_under_the_key_of_another_command_is_refused_and_never_filled(exchange: Exchange) -> None:
    user = exchange.new_user()
    doing: list[Sent] = [
        lambda: user.order(headers=key, margin="10"),
        lambda: user.http.post("/positions/close-all", headers=key),
        lambda: user.http.post("/demo/deposit", json={"amount": "1"}, headers=key),
    ]
    for one in doing:
        key = new_key()
        assert one().status_code in {200, 201}
        refused = spot_order(exchange, user, key)
        assert (refused.status_code, refused.json()["code"]) == (400, "COMMAND_ID_REUSED"), refused.text
    for one in doing:
        key = new_key()
        assert spot_order(exchange, user, key).status_code == 200
        assert one().json()["code"] == "COMMAND_ID_REUSED"


def test_a_spot_order_and_an_order_at_once_under_one_key_are_one_order(exchange: Exchange, second: Exchange) -> None:
    user = exchange.new_user()
    with at(second, user) as there:
        for number in range(ROUNDS):
            key = new_key()
            replies = at_once(
                [
                    lambda: spot_order(exchange, user, key),  # noqa: B023  # Awaited in this round.
                    lambda: there.order(headers=key, margin="10"),  # noqa: B023
                ]
            )
            assert sum(is_taken(reply) for reply in replies) == 1
            if is_taken(replies[0]):
                assert spot_order_now(exchange, user, replies[0].json()["orderId"])["status"] == "FILLED"
            listed = eventually(lambda: user.get("/positions")["items"], lambda found: len(found) > number)  # noqa: B023
            assert len(listed) == number + 1


def test_two_spot_orders_at_once_under_one_key_are_one_order(exchange: Exchange, second: Exchange) -> None:
    for with_venue in (False, True):
        user = exchange.new_user()
        if with_venue:
            assert user.http.put("/venue-keys", json=VENUE_KEYS).status_code == 200
        for _ in range(ROUNDS):
            key = new_key()
            replies = at_once(
                [
                    lambda: spot_order(exchange, user, key, quantity="0.001"),  # noqa: B023  # Awaited in this round.
                    lambda: spot_order(second, user, key, quantity="0.002"),  # noqa: B023
                ]
            )
            assert sum(is_taken(reply) for reply in replies) == 1


@pytest.mark.parametrize("path", ["/orders", "/positions/close-all", "/demo/deposit"])
def test_an_order_at_the_venue_and_a_command_at_once_under_one_key_are_one(
    exchange: Exchange, second: Exchange, path: str
) -> None:
    user = exchange.new_user()
    assert user.http.put("/venue-keys", json=VENUE_KEYS).status_code == 200
    bodies = {
        "/orders": {"symbol": "BTC_USDC", "side": "long", "margin": "10", "leverage": "10"},
        "/demo/deposit": {"amount": "1"},
    }
    with at(second, user) as there:
        for _ in range(ROUNDS):
            key = new_key()
            replies = at_once(
                [
                    lambda: spot_order(exchange, user, key),  # noqa: B023  # Awaited in this round.
                    lambda: there.http.post(path, json=bodies.get(path), headers=key),  # noqa: B023
                ]
            )
            assert sum(is_taken(reply) for reply in replies) == 1
