"""A page of another origin reads an answer that is given before the application as it reads any other."""

import asyncio
import contextlib
import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Final, Self

import pytest
from starlette.types import ASGIApp, Receive, Scope, Send

from api.main import config_of
from runtime.http_bounds import HEAD_MAX, LINGER_S
from runtime.http_connections import REFUSED_MAX
from runtime.http_server import Server
from tests.api.lone_application import LoneApplication
from tests.processes import eventually
from tests.security.slow_clients import LOOPBACK, answer_to, connection, is_open, read_to_the_end, status_of

OF_ADDRESS: Final = 4
HOLD: Final = b"GET /hold HTTP/1.1\r\nHost: here\r\n\r\n"
JSON: Final = "Content-Type: application/json\r\n"
ALLOWED: Final = "http://localhost:3000"
OF_SETTINGS: Final = "https://desk.example"
FOREIGN: Final = "https://evil.example"
ORDERS: Final = "/api/v1/orders"
# Who asks at which route, and what the browser is told of it.
PAGES: Final = {
    "an allowed page": ("demo", ORDERS, ALLOWED, ALLOWED),
    "another page": ("demo", ORDERS, FOREIGN, None),
    "another page at a route that is open to all": ("demo", "/auth/login?next=1", FOREIGN, "*"),
    "no page": ("demo", ORDERS, None, None),
    "a page of the settings": ("production", ORDERS, OF_SETTINGS, OF_SETTINGS),
    "a page of the demo profile": ("production", ORDERS, ALLOWED, None),
}
STATUSES: Final = {"HEAD_TOO_LARGE": 431, "REQUEST_TOO_SLOW": 408, "TOO_MANY_CONNECTIONS": 503}


class Holding:
    """An application with a route at which a request is worked for until its client leaves."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self.held = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] != "/hold":
            await self._app(scope, receive, send)
            return
        self.held += 1
        while (await receive())["type"] != "http.disconnect":
            pass
        self.held -= 1


class Place:
    """A server of the API, whose database and broker are not there."""

    def __init__(self, lone: LoneApplication) -> None:
        self.app = Holding(lone.app)
        self._server = Server(config_of(self.app, lone.state.settings))
        self._socket = socket.create_server((LOOPBACK, 0))
        self.port: int = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._serve)

    def _serve(self) -> None:
        asyncio.run(self._server.serve([self._socket]))

    def __enter__(self) -> Self:
        self._thread.start()
        eventually(lambda: self._server.started, bool)
        return self

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = True
        self._thread.join()


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Place]]:
    """One for each profile."""
    with ExitStack() as stack:
        found = {}
        for profile in ("demo", "production"):
            folder: Path = tmp_path_factory.mktemp(profile)
            lone = LoneApplication(
                folder,
                profile=profile,
                cors_origins=(OF_SETTINGS,),
                http_connections_of_address=OF_ADDRESS,
                http_head_timeout_ms=200,
                http_body_timeout_ms=200,
            )
            stack.enter_context(closing(lone))
            found[profile] = stack.enter_context(Place(lone))
        yield found


@contextlib.contextmanager
def full(place: Place) -> Iterator[None]:
    """Every connection that this address may have is worked for in this block."""
    with ExitStack() as stack:
        for _ in range(OF_ADDRESS):
            stack.enter_context(connection(place.port)).sendall(HOLD)
        eventually(lambda: place.app.held, lambda held: held == OF_ADDRESS)
        yield
    eventually(lambda: place.app.held, lambda held: held == 0)


def headers_of(answer: bytes) -> dict[str, str]:
    """What an answer says about pages."""
    lines = answer.partition(b"\r\n\r\n")[0].decode().split("\r\n")[1:]
    pairs = (line.split(": ", 1) for line in lines)
    return {name: value for name, value in pairs if name.startswith("access-control-") or name == "vary"}


def head(path: str, origin: str | None, more: str = "", method: str = "GET") -> bytes:
    sender = "" if origin is None else f"Origin: {origin}\r\n"
    return f"{method} {path} HTTP/1.1\r\nHost: here\r\n{sender}{more}".encode()


def refused(place: Place, code: str, path: str, origin: str | None) -> bytes:
    """What one gets whose request is refused before the application sees it."""
    match code:
        case "HEAD_TOO_LARGE":
            return answer_to(place.port, head(path, origin, f"X-Long: {'a' * HEAD_MAX}\r\n\r\n"))
        case "REQUEST_TOO_SLOW":
            return answer_to(place.port, head(path, origin, f"{JSON}Content-Length: 9\r\n\r\n{{", "POST"))
        case _:
            with full(place):
                return answer_to(place.port, head(path, origin, "\r\n"))


@pytest.mark.parametrize("code", STATUSES)
@pytest.mark.parametrize("page", PAGES)
def test_a_refusal_before_the_application_has_the_cors_headers_of_any_answer(
    places: dict[str, Place], page: str, code: str
) -> None:
    profile, path, origin, allowed = PAGES[page]
    any_answer = answer_to(places[profile].port, head(path, origin, "Connection: close\r\n\r\n"))
    refusal = refused(places[profile], code, path, origin)
    assert status_of(refusal) == STATUSES[code]
    assert json.loads(refusal.partition(b"\r\n\r\n")[2])["code"] == code
    assert headers_of(refusal) == headers_of(any_answer)
    assert headers_of(refusal).get("access-control-allow-origin") == allowed


def test_a_request_that_is_refused_amid_its_head_has_the_cors_headers_of_its_origin(
    places: dict[str, Place],
) -> None:
    answer = answer_to(places["demo"].port, head(ORDERS, ALLOWED, "X-More: "))
    assert status_of(answer) == 408
    assert headers_of(answer)["access-control-allow-origin"] == ALLOWED


def test_silent_connections_without_a_place_are_kept_in_a_bounded_number_until_they_are_refused(
    places: dict[str, Place],
) -> None:
    place = places["demo"]
    with full(place), ExitStack() as stack:
        kept = [stack.enter_context(connection(place.port)) for _ in range(REFUSED_MAX)]
        eventually(lambda: sum(map(is_open, kept)), lambda count: count == REFUSED_MAX)
        assert status_of(answer_to(place.port, b"")) == 503
        assert all(map(is_open, kept))
        began = time.monotonic()
        assert [status_of(read_to_the_end(one)) for one in kept] == [503] * REFUSED_MAX
        assert time.monotonic() - began < 2 * LINGER_S
