"""The WebSockets of the API and of the seeds share their bounds, and no client's sockets hold up another's orders."""

import asyncio
import contextlib
import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.frames import Frame, Opcode
from websockets.sync.client import ClientConnection, connect

from api.store.projection_waits import WAITING_MAX, WAITING_OF_ACCOUNT, ProjectionWaits
from api.stream.admission import SOCKETS_OF_ACCOUNT
from api.stream.message_rate import BURST, TEXT_MAX
from tests.api.exchange import Exchange, User
from tests.processes import eventually

SOCKETS = ("/", "/api/v1/ws")


@pytest.fixture(scope="module")
def exchange(bounded: Exchange) -> Exchange:
    """The one with small bounds, none of which is reached here."""
    return bounded


@pytest.fixture(params=SOCKETS)
def path(request: pytest.FixtureRequest) -> str:
    """The address of each kind of WebSocket in turn."""
    found: str = request.param
    return found


def address(exchange: Exchange, user: User, path: str) -> str:
    """Where a user's socket is opened, signed in."""
    host = f"ws://127.0.0.1:{exchange.settings.port}{path}"
    if path == "/":
        return f"{host}?token={user.token}"
    return f"{host}?ticket={user.http.post('/ws-ticket').json()['ticket']}"


@contextlib.contextmanager
def opened(exchange: Exchange, user: User, path: str, **options: Any) -> Iterator[ClientConnection]:
    with connect(address(exchange, user, path), proxy=None, **options) as socket:
        yield socket


def is_signed_in(socket: ClientConnection) -> bool:
    """Whether a socket is a user's, by its first message."""
    try:
        message = json.loads(socket.recv(timeout=10))
    except ConnectionClosed:
        return False
    return message["type"] in {"CONNECTED", "ack"}


def close_code(socket: ClientConnection) -> int:
    """Read up to the end; the code the server ended with."""
    try:
        while True:
            socket.recv(timeout=20)
    except ConnectionClosed as error:
        return 0 if error.rcvd is None else error.rcvd.code


def test_an_account_has_no_more_sockets_than_its_bound(exchange: Exchange, path: str) -> None:
    user, other = exchange.new_user(), exchange.new_user()
    with contextlib.ExitStack() as stack:
        for _ in range(SOCKETS_OF_ACCOUNT):
            assert is_signed_in(stack.enter_context(opened(exchange, user, path)))
        if path == "/":
            with pytest.raises(InvalidStatus) as refused:
                stack.enter_context(opened(exchange, user, path))
            assert refused.value.response.status_code == 429
            assert json.loads(refused.value.response.body)["code"] == "TOO_MANY_SOCKETS"
        else:
            one_more = stack.enter_context(opened(exchange, user, path))
            assert "TOO_MANY_SOCKETS" in str(one_more.recv(timeout=10))
            assert close_code(one_more) == 4401
        assert is_signed_in(stack.enter_context(opened(exchange, other, path)))
    eventually(lambda: tries(exchange, user, path), bool)


def tries(exchange: Exchange, user: User, path: str) -> bool:
    try:
        with opened(exchange, user, path) as socket:
            return is_signed_in(socket)
    except InvalidStatus:
        return False


def test_the_sockets_of_both_kinds_are_counted_together(exchange: Exchange) -> None:
    user = exchange.new_user()
    with contextlib.ExitStack() as stack:
        for number in range(SOCKETS_OF_ACCOUNT):
            assert is_signed_in(stack.enter_context(opened(exchange, user, SOCKETS[number % 2])))
        assert not tries(exchange, user, "/")


def test_a_page_of_another_site_opens_no_socket(exchange: Exchange, path: str) -> None:
    user = exchange.new_user()
    with pytest.raises(InvalidStatus) as refused, opened(exchange, user, path, origin="https://evil.example"):
        pass
    assert refused.value.response.status_code == 403


def test_an_allowed_page_opens_a_socket(exchange: Exchange, path: str) -> None:
    own = f"http://127.0.0.1:{exchange.settings.port}"
    for origin in (own, "http://localhost:3000"):
        with opened(exchange, exchange.new_user(), path, origin=origin) as socket:
            assert is_signed_in(socket)


def test_a_socket_that_says_too_much_is_closed(exchange: Exchange, path: str) -> None:
    with opened(exchange, exchange.new_user(), path) as socket:
        with contextlib.suppress(ConnectionClosed):
            for _ in range(int(2 * BURST)):
                socket.send('{"op":"ping"}')
        assert close_code(socket) == 4429
    with opened(exchange, exchange.new_user(), path) as socket:
        socket.send("a" * (TEXT_MAX + 1))
        assert close_code(socket) == 1009


def test_a_message_in_endless_empty_parts_is_closed(exchange: Exchange, path: str) -> None:
    with opened(exchange, exchange.new_user(), path) as socket:
        parts = Frame(Opcode.TEXT, b"", fin=False).serialize(mask=True)
        parts += Frame(Opcode.CONT, b"", fin=False).serialize(mask=True) * 20_000
        with contextlib.suppress(OSError):
            for _ in range(20):
                socket.socket.sendall(parts)
                parts = Frame(Opcode.CONT, b"", fin=False).serialize(mask=True) * 20_000
        assert close_code(socket) in {0, 1009}


def test_a_price_is_the_same_text_for_every_socket_of_the_seeds(exchange: Exchange) -> None:
    with (
        opened(exchange, exchange.new_user(), "/") as one,
        opened(exchange, exchange.new_user(), "/") as other,
    ):
        prices = [texts_of(socket, "PRICE_UPDATE", 2) for socket in (one, other)]
    assert set(prices[0]) == set(prices[1])


def texts_of(socket: ClientConnection, kind: str, count: int) -> list[str]:
    found: list[str] = []
    while len(found) < count:
        text = str(socket.recv(timeout=10))
        if json.loads(text)["type"] == kind:
            found.append(text)
    return found


def test_a_socket_of_the_seeds_ends_with_its_session(exchange: Exchange) -> None:
    user = exchange.new_user()
    with opened(exchange, user, "/") as socket:
        assert user.http.post("/auth/logout").status_code == 204
        assert close_code(socket) == 1008


def test_reads_that_wait_hold_nobody_up_and_name_their_lag(exchange: Exchange) -> None:
    user, other = exchange.new_user(), exchange.new_user()
    user.get("/account")
    count = 2 * WAITING_OF_ACCOUNT
    began = time.monotonic()
    with ThreadPoolExecutor(count) as pool:
        lags = list(pool.map(lambda _: lag_far_ahead(user), range(count)))
        assert other.opened()["status"] == "filled"
    assert all(lag is not None for lag in lags)
    assert time.monotonic() - began < 15


def lag_far_ahead(user: User) -> str | None:
    """What a read says that waits for an event which the log will not have."""
    place = {"Ledger-Position": "0:999999999"} | dict(user.http.headers)
    lag: str | None = httpx.get(f"{user.http.base_url}account", headers=place, timeout=30).headers.get("Projection-Lag")
    return lag


def test_an_account_has_a_bounded_number_of_waiting_reads_and_so_have_all() -> None:
    async def nothing(_: object) -> int:
        return 0

    waits = ProjectionWaits(nothing)
    with contextlib.ExitStack() as stack:
        places = [stack.enter_context(waits.place("alice")) for _ in range(WAITING_OF_ACCOUNT + 1)]
        assert places == [True] * WAITING_OF_ACCOUNT + [False]
        others = [stack.enter_context(waits.place(f"account {number}")) for number in range(WAITING_MAX)]
        assert others.count(True) == WAITING_MAX - WAITING_OF_ACCOUNT
    with waits.place("alice") as has_room:
        assert has_room


def test_a_look_at_the_tables_is_made_once_for_all_who_wait() -> None:
    looks = 0

    async def look(_: object) -> int:
        nonlocal looks
        looks += 1
        return 7

    async def waiting() -> list[int]:
        waits = ProjectionWaits(look)
        return await asyncio.gather(*(waits.projected_soon(shard=0) for _ in range(300)))

    assert asyncio.run(waiting()) == [7] * 300
    assert looks == 1
