"""A user whose orders go over the WebSocket: whatever a test does over REST, it does over a socket with this one."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from typing import Final

import httpx

from tests.api.exchange import Exchange, User
from tests.api.websocket_client import Message, WebSocketClient, websocket_client

OPERATIONS: Final = {
    ("POST", r"/orders"): "order.place",
    ("POST", r"/positions/([^/]+)/close"): "order.close",
    ("POST", r"/positions/close-all"): "order.close_all",
    ("PATCH", r"/positions/([^/]+)"): "order.amend",
}
FIELDS: Final = {"Idempotency-Key": "idempotency_key", "If-Match": "if_match", "Prefer": "prefer"}
HEADERS: Final = {
    "ledger_position": "Ledger-Position",
    "location": "Location",
    "etag": "ETag",
    "retry_after_s": "Retry-After",
}


class SocketTransport(httpx.BaseTransport):
    """Sends orders over a socket, and all else over HTTP. messages: the replies to orders, as they came."""

    def __init__(self, opened: WebSocketClient) -> None:
        self.messages: list[Message] = []
        self._opened = opened
        self._http = httpx.HTTPTransport()
        self._numbers = count()

    def close(self) -> None:
        self._http.close()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path.removeprefix("/api/v1")
        for (method, pattern), op in OPERATIONS.items():
            found = re.fullmatch(pattern, path)
            if request.method == method and found:
                return self._ordered(op, found.groups(), request)
        return self._http.handle_request(request)

    def _ordered(self, op: str, names: tuple[str, ...], request: httpx.Request) -> httpx.Response:
        """Write a request as a message, digit for digit, and the reply to it as a response."""
        body = request.read().decode() or "{}"
        for name in names:
            rest = body.strip().removeprefix("{")
            body = f'{{"position_id": {json.dumps(name)}{"" if rest.strip() == "}" else ","} {rest}'
        members = {member: request.headers[name] for name, member in FIELDS.items() if name in request.headers}
        message_id = f"o{next(self._numbers)}"
        head = json.dumps({"op": op, "id": message_id} | members).removesuffix("}")
        self._opened.say_text(f'{head}, "args": {body}}}')
        reply = self._opened.until(lambda message: message.get("id") == message_id)
        self.messages.append(reply)
        return response_of(reply)


def response_of(reply: Message) -> httpx.Response:
    headers = {name: str(reply[member]) for member, name in HEADERS.items() if reply[member] is not None}
    if reply["replayed"]:
        headers["Idempotent-Replayed"] = "true"
    if reply["rate_limit"] is not None:
        left = reply["rate_limit"]
        headers["RateLimit"] = f'"{left["bucket"]}";r={left["remaining"]};t={left["reset_s"]}'
    if reply["type"] == "outcome":
        return httpx.Response(reply["status"], headers=headers, json=reply["data"])
    problem = {name: value for name, value in reply["error"].items() if value is not None}
    return httpx.Response(
        problem["status"],
        headers=headers | {"Content-Type": "application/problem+json"},
        content=json.dumps(problem).encode(),
    )


class SocketUser(User):
    """The same user; see `SocketTransport`."""

    def __init__(self, base_url: str, user: User, opened: WebSocketClient) -> None:
        super().__init__(base_url, user.email, user.token)
        self.opened_socket = opened
        self.transport = SocketTransport(opened)
        self.http = httpx.Client(
            base_url=f"{base_url}/api/v1",
            headers={"Authorization": f"Bearer {user.token}"},
            timeout=10.0,
            transport=self.transport,
        )


@contextmanager
def over_a_socket(exchange: Exchange, user: User) -> Iterator[SocketUser]:
    """The same user, whose orders go over a socket to this process."""
    with websocket_client(exchange, user) as opened:
        there = SocketUser(exchange.url, user, opened)
        with there.http:
            yield there


def placed(opened: WebSocketClient, message_id: str | int, *, prefix: str | None = None, **fields: str) -> None:
    """Send an order; under a key of its own where a prefix is given."""
    key = {} if prefix is None else {"idempotency_key": f"{prefix}{message_id}"}
    args = {"symbol": "BTC_USDC", "side": "long", "margin": "10", "leverage": "10"} | fields
    opened.say(op="order.place", id=message_id, args=args, **key)


def reply_to(opened: WebSocketClient, message_id: str | int) -> Message:
    return opened.until(lambda message: message.get("id") == message_id)
