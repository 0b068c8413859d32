"""How many of something a user may have: as many, however many are asked for at the same moment."""

from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.api.exchange import Exchange, User
from tests.api.second_process import at
from tests.auth.signing import public_half
from tests.security.racing import Sent, at_once

AT_ONCE = 12
ROUNDS = 2


def alert(user: User, number: int) -> Sent:
    body = {"symbol": "BTC_USDC", "direction": "above", "price": str(90_000 + number)}
    return lambda: user.http.post("/alerts", json=body)


def api_key(user: User, _: int) -> Sent:
    body = {"public_key": public_half(Ed25519PrivateKey.generate()), "scopes": ["read"]}
    return lambda: user.http.post("/api-keys", json=body)


@pytest.mark.parametrize(
    ("made", "most", "path", "code"),
    [(alert, 50, "/alerts", "TOO_MANY_ALERTS"), (api_key, 20, "/api-keys", "TOO_MANY_API_KEYS")],
    ids=["alerts", "API keys"],
)
def test_a_limit_of_a_user_holds_for_requests_at_the_same_moment_at_two_processes(
    exchange: Exchange, second: Exchange, made: Callable[[User, int], Sent], most: int, path: str, code: str
) -> None:
    for _ in range(ROUNDS):
        user = exchange.new_user()
        for number in range(most - 2):
            assert made(user, number)().status_code == 201
        with at(second, user) as there:
            sent = [made((user, there)[number % 2], 1_000 + number) for number in range(AT_ONCE)]
            replies = at_once(sent)
        found = sorted((reply.status_code, reply.json().get("code")) for reply in replies)
        assert found == [(201, None)] * 2 + [(409, code)] * (AT_ONCE - 2)
        assert len(user.get(path)["items"]) == most
