"""How orders are sent over WebSockets: many in flight on each, as a program that trades has them."""

import asyncio
import json
import time
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from typing import Any, Final
from uuid import uuid4

from websockets.asyncio.client import ClientConnection, connect

from bench._http_load import HOST, UnexpectedReply

IN_FLIGHT: Final = 16  # on each socket


async def send_over_sockets(
    port: int, tokens: Sequence[str], order: Mapping[str, Any], per_socket: int
) -> tuple[float, list[float]]:
    """Send so many orders, each with a key, on a socket of each token; seconds in all, and of each order, sorted."""
    async with AsyncExitStack() as stack:
        sockets = [await stack.enter_async_context(_connect(port)) for _ in tokens]
        for socket, token in zip(sockets, tokens, strict=True):
            await _ask(socket, {"op": "auth", "token": token}, "ack")
        started = time.perf_counter()
        seconds = await asyncio.gather(*(_send(socket, order, per_socket) for socket in sockets))
        duration = time.perf_counter() - started
    return duration, sorted(each for of_socket in seconds for each in of_socket)


def _connect(port: int) -> connect:
    # Compression is refused by the server anyway, and no proxy stands between processes of one machine.
    return connect(f"ws://{HOST}:{port}/api/v1/ws", compression=None, proxy=None)


async def _send(socket: ClientConnection, order: Mapping[str, Any], count: int) -> list[float]:
    """Keep some in flight until all are answered; the seconds of each."""
    places = asyncio.Semaphore(IN_FLIGHT)
    began: dict[int, float] = {}
    seconds: list[float] = []

    async def read() -> None:
        for _ in range(count):
            reply = json.loads(await socket.recv())
            if reply.get("status") != 201:  # noqa: PLR2004
                raise UnexpectedReply(str(reply)[:500])
            seconds.append(time.perf_counter() - began[reply["id"]])
            places.release()

    async with asyncio.TaskGroup() as group:
        group.create_task(read())
        for number in range(count):
            await places.acquire()
            message = {"op": "order.place", "id": number, "idempotency_key": str(uuid4()), "args": order}
            began[number] = time.perf_counter()
            await socket.send(json.dumps(message))
    return seconds


async def _ask(socket: ClientConnection, message: Mapping[str, Any], expected: str) -> None:
    await socket.send(json.dumps(message))
    reply = json.loads(await socket.recv())
    if reply.get("type") != expected:
        raise UnexpectedReply(str(reply)[:500])
