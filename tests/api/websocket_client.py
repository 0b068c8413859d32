"""A blocking WebSocket client for tests, which keeps every message."""

import json
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from stack.ports import LOOPBACK
from tests.api.exchange import Exchange, User
from tests.auth.signing import Key, headers_of, public_half

TIMEOUT_S: Final = 60.0

Message = dict[str, Any]


class WebSocketClient:
    """One open socket. heard: every message so far."""

    def __init__(self, socket: ClientConnection) -> None:
        self.heard: list[Message] = []
        self._socket = socket
        self._asked = 0

    def say(self, **content: Any) -> None:
        self._socket.send(json.dumps(content))

    def say_text(self, text: str | bytes) -> None:
        self._socket.send(text)

    def ask(self, op: str, **content: Any) -> Message:
        """Send an operation, and give its ack, pong or error."""
        self._asked += 1
        self.say(op=op, id=f"q{self._asked}", **content)
        return self.until(lambda message: message.get("id") == f"q{self._asked}")

    def asked(self, op: str, **content: Any) -> Message:
        """An operation that must be done."""
        reply = self.ask(op, **content)
        assert reply["type"] in ("ack", "pong"), reply
        return reply

    def refused(self, op: str, **content: Any) -> str:
        """An operation that must be refused; by which code."""
        reply = self.ask(op, **content)
        assert reply["type"] == "error", reply
        assert reply["op"] == op
        code: str = reply["error"]["code"]
        return code

    def next(self, timeout_s: float = TIMEOUT_S) -> Message:
        message: Message = json.loads(self._socket.recv(timeout_s))
        self.heard.append(message)
        return message

    def until(self, holds: Callable[[Message], bool], timeout_s: float = TIMEOUT_S) -> Message:
        """Listen until a message comes that is wanted."""
        deadline = time.monotonic() + timeout_s
        while True:
            message = self.next(max(0.0, deadline - time.monotonic()))
            if holds(message):
                return message

    def snapshot(self, channel: str) -> Message:
        return self.until(lambda message: message.get("channel") == channel and message["type"] == "snapshot")

    def update(self, channel: str) -> Message:
        return self.until(lambda message: message.get("channel") == channel and message["type"] == "update")

    def update_of(self, event: str) -> Message:
        """The next event of the account of this type."""
        return self.until(lambda message: message.get("channel") == "account" and message["data"].get("event") == event)

    def until_seq(self, seq: int) -> None:
        """Listen until the account has come to its event of this number."""
        if self.seqs()[-1:] < [seq]:
            self.until(lambda message: message.get("channel") == "account" and message.get("seq", 0) >= seq)

    def seqs(self) -> list[int]:
        """Numbers of the account's events, in the order they came; a snapshot's is not among them."""
        return [message["seq"] for message in self.updates()]

    def updates(self) -> list[Message]:
        return [
            message for message in self.heard if message.get("channel") == "account" and message["type"] == "update"
        ]

    def end(self, timeout_s: float = TIMEOUT_S) -> tuple[int, str]:
        """Listen until the server closes; its code and reason."""
        deadline = time.monotonic() + timeout_s
        with suppress(ConnectionClosed):
            while True:
                self.next(max(0.0, deadline - time.monotonic()))
        code, reason = self._socket.close_code, self._socket.close_reason
        assert code is not None, "it is closed"
        return code, reason or ""

    def close(self) -> None:
        self._socket.close()


@contextmanager
def websocket_client(
    exchange: Exchange, user: User | None = None, *, query: str = "", receive_buffer: int = 0, **options: Any
) -> Iterator[WebSocketClient]:
    """A socket, signed in by its first message where a user is given; closed at the end.

    receive_buffer: bytes the kernel takes for a client that does not read; as many as it likes by itself.
    """
    url = f"ws://{LOOPBACK}:{exchange.settings.port}/api/v1/ws{query}"
    with socket.socket() as connection:
        if receive_buffer:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        connection.settimeout(TIMEOUT_S)
        connection.connect((LOOPBACK, exchange.settings.port))
        with connect(url, sock=connection, open_timeout=TIMEOUT_S, close_timeout=2, **options) as opened:
            made = WebSocketClient(opened)
            if user is not None:
                made.asked("auth", token=user.token)
            yield made


@contextmanager
def listening(exchange: Exchange, user: User) -> Iterator[WebSocketClient]:
    """A client that has subscribed to its user's account."""
    with websocket_client(exchange, user) as opened:
        opened.asked("subscribe", channels=["account"])
        yield opened


@contextmanager
def resuming(exchange: Exchange, user: User, after: int) -> Iterator[WebSocketClient]:
    """A client that goes on behind an event of its user's account."""
    with websocket_client(exchange, user) as opened:
        opened.asked("resume", channel="account", after=after)
        yield opened


def new_key(user: User) -> Key:
    """An API key of the user's, for reading and trading."""
    private = Ed25519PrivateKey.generate()
    reply = user.http.post("/api-keys", json={"public_key": public_half(private), "scopes": ["read", "trade"]})
    assert reply.status_code == 201, reply.text
    return Key(reply.json()["id"], private)


def signed_ticket(exchange: Exchange, key: Key) -> str:
    """A WebSocket ticket requested with an API key."""
    reply = exchange.http.post("/api/v1/ws-ticket", headers=headers_of(key, "POST", "/ws-ticket"))
    assert reply.status_code == 201, reply.text
    ticket: str = reply.json()["ticket"]
    return ticket
