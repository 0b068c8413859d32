"""A small exchange's WebSocket over real sockets: one account's events, and every way in which it can break off."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Final

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed

TIME: Final = "2026-01-09T12:00:00.000001Z"


@dataclass
class SmallExchange:
    """Numbers its private events from 1. good: the token that is believed; kept: from which event on it can resume."""

    good: str = "token-1"
    kept: int = 1
    last: int = 0
    heard: list[dict[str, Any]] = field(default_factory=list)
    sockets: set[ServerConnection] = field(default_factory=set)
    listening: set[ServerConnection] = field(default_factory=set)
    server: Server | None = None
    port: int = 0

    async def happen(self, count: int = 1, *, unseen: bool = False) -> None:
        """Make events; unseen: no client gets them."""
        for _ in range(count):
            self.last += 1
            for socket in () if unseen else tuple(self.listening):
                await self.tell(socket, self.last)

    async def tell(self, socket: ServerConnection, seq: int) -> None:
        data = {"event_id": f"2-{seq}", "event": "Deposited", "ledger": []}
        await _send(socket, channel="account", seq=seq, ts=TIME, type="update", data=data)

    async def drop(self, code: int | None = None) -> None:
        """Close every socket with a code, or cut them off."""
        for socket in tuple(self.sockets):
            self.listening.discard(socket)
            if code is None:
                socket.transport.abort()
            else:
                await socket.close(code, "as the test wants")
        while self.sockets:  # noqa: ASYNC110  # The same.
            await asyncio.sleep(0.01)

    async def until_listening(self) -> None:
        async with asyncio.timeout(10):
            while not self.listening:  # noqa: ASYNC110  # What is waited for happens in many places.
                await asyncio.sleep(0.01)

    async def meet(self, socket: ServerConnection) -> None:
        self.sockets.add(socket)
        with suppress(ConnectionClosed):
            async for text in socket:
                await self._answer(socket, json.loads(text))
        self.sockets.discard(socket)
        self.listening.discard(socket)

    async def _answer(self, socket: ServerConnection, said: dict[str, Any]) -> None:
        self.heard.append(said)
        match said:
            case {"op": "auth", "token": token} if token != self.good:
                problem = {"status": 401, "code": "TOKEN_EXPIRED", "title": "The token has expired"}
                await _send(socket, type="error", id=None, op="auth", error=problem)
                return
            case {"op": "subscribe", "channels": channels}:
                unknown = [name for name in channels if name.partition(".")[0] not in {"ticks", "account"}]
                if unknown:
                    problem = {"status": 422, "code": "MALFORMED", "detail": f"there is no channel {unknown[0]}"}
                    await _send(socket, type="error", id=None, op="subscribe", error=problem)
                    return
                for name in channels:
                    if name == "account":
                        await self._snapshot(socket)
                    else:
                        data = {"symbol": name.partition(".")[2], "state": "fresh", "bid": "49999.9", "ask": "50000.0"}
                        await _send(socket, channel=name, seq=7, ts=TIME, type="snapshot", data=data)
            case {"op": "resume", "after": after}:
                if after + 1 < self.kept or after > self.last:
                    await _send(socket, type="resync", channel="account", ts=TIME)
                    await self._snapshot(socket)
                else:
                    for seq in range(after + 1, self.last + 1):
                        await self.tell(socket, seq)
                    self.listening.add(socket)
            case _:
                pass
        await _send(socket, type="ack", id=said.get("id"), op=said["op"], channels=[], account_id="a")

    async def _snapshot(self, socket: ServerConnection) -> None:
        data: dict[str, Any] = {"account": None, "positions": [], "orders": []}
        await _send(socket, channel="account", seq=self.last, ts=TIME, type="snapshot", data=data)
        self.listening.add(socket)


@asynccontextmanager
async def small_exchange() -> AsyncIterator[SmallExchange]:
    """Give one that listens on a port of its own."""
    made = SmallExchange()
    async with serve(made.meet, "127.0.0.1", 0) as server:
        made.port = next(iter(server.sockets)).getsockname()[1]
        yield made


async def _send(socket: ServerConnection, **content: Any) -> None:
    with suppress(ConnectionClosed):
        await socket.send(json.dumps(content))
