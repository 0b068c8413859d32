"""How requests are sent as fast as one process can: bytes over sockets that stay open, and no client library."""

import asyncio
import time
from collections.abc import Iterator, Sequence
from typing import Final

HOST: Final = "127.0.0.1"
READ_MAX: Final = 1 << 20


class UnexpectedReply(Exception):
    """A reply that was not the one expected."""


class ClosedConnection(UnexpectedReply):
    """No reply: the server closed the connection."""


class Connection:
    """One socket, one request at a time."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def post(self, request: bytes, expected: int) -> bytes:
        """Send a request, give the reply's body; UnexpectedReply where it has another status, or none comes."""
        self._writer.write(request)
        try:
            head = await self._reader.readuntil(b"\r\n\r\n")
        except asyncio.IncompleteReadError as error:
            raise ClosedConnection("The server closed the connection.") from error
        length = 0
        for line in head.split(b"\r\n")[1:]:
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        body = await self._reader.readexactly(length)
        if int(head[9:12]) != expected:
            raise UnexpectedReply(f"{head[:15].decode()} {body.decode()[:500]}")
        return body

    async def close(self) -> None:
        """Close the socket."""
        self._writer.close()
        await self._writer.wait_closed()


async def connect(port: int) -> Connection:
    """Open a socket."""
    return Connection(*await asyncio.open_connection(HOST, port, limit=READ_MAX))


def post(path: str, body: bytes, headers: dict[str, str] | None = None) -> bytes:
    """Write a request with a JSON body."""
    fields = {"Host": HOST, "Content-Type": "application/json", "Content-Length": str(len(body))} | (headers or {})
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return f"POST {path} HTTP/1.1\r\n{head}\r\n".encode() + body


async def send_at_full_speed(
    connections: list[Connection], requests: Sequence[Iterator[bytes]], per_connection: int, expected: int
) -> tuple[float, list[float]]:
    """Send so many on each connection, one after another; requests a second, and the seconds of each, sorted."""
    seconds: list[float] = []

    async def send(connection: Connection, own_requests: Iterator[bytes]) -> None:
        for _ in range(per_connection):
            began = time.perf_counter()
            await connection.post(next(own_requests), expected)
            seconds.append(time.perf_counter() - began)

    started = time.perf_counter()
    await asyncio.gather(*(send(*pair) for pair in zip(connections, requests, strict=True)))
    return len(seconds) / (time.perf_counter() - started), sorted(seconds)


async def send_at_even_intervals(
    connections: list[Connection], requests: Sequence[Iterator[bytes]], per_second: int, count: int, expected: int
) -> list[float]:
    """Send at even intervals whether or not the ones before were answered; seconds from when each was due, sorted."""
    seconds: list[float] = []
    started = time.perf_counter() + 0.1

    async def send(connection_number: int) -> None:
        for number in range(connection_number, count, len(connections)):
            due = started + number / per_second
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            await connections[connection_number].post(next(requests[connection_number]), expected)
            seconds.append(time.perf_counter() - due)

    await asyncio.gather(*(send(connection_number) for connection_number in range(len(connections))))
    return sorted(seconds)
