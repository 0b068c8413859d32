"""What it costs the API to send prices to a thousand WebSockets, and how late they are."""

import asyncio
import base64
import json as json_format
import tempfile
import time
from pathlib import Path
from typing import Final, cast

import uvloop

from bench._cpu import cpu_time, own_cpu_time
from bench._exchange import Exchange, running_exchange
from bench._quantiles import latencies
from bench.report.figures import CpuUse, Figure, Measured, rounded
from runtime.errors import FixableError
from runtime.settings import Settings
from schemas.instruments import START_PRICES, SYMBOLS
from stack.ports import LOOPBACK

SOCKETS: Final = 1_000
TICKS_PER_SECOND: Final = 20
SECONDS: Final = 10
TURNS: Final = 3
WARM_UP_S: Final = 10
SYMBOL: Final = SYMBOLS[0]
CYCLE: Final = 2_000  # prices before one comes again: each names its tick
# An address may hold 500 sockets; on Linux all of 127.0.0.0/8 is this machine.
SOCKETS_PER_ADDRESS: Final = 400
TEXT: Final = 1
CLOSE: Final = 8
PING: Final = 9
PONG: Final = 10
LENGTH_IN_TWO_BYTES: Final = 126
HEADER_MIN: Final = 2
MASK: Final = bytes(4)  # all zeros: what is sent stays as it is
CONNECT_S: Final = 60.0
BID: Final = b'"bid":"'


def run(sockets: int = SOCKETS, seconds: int = SECONDS, turns: int = TURNS) -> Measured:
    """Move a price 20 times a second, and let so many sockets listen to it, each in a connection of its own."""
    sent = SentTicks()
    with (
        tempfile.TemporaryDirectory(prefix="reprise-bench-") as folder,
        running_exchange(Settings(), Path(folder), 1 / TICKS_PER_SECOND, sent.move) as exchange,
    ):
        return uvloop.run(_measure(exchange, sent, sockets, seconds, turns))


class SentTicks:
    """When the tick with each bid was sent last. A bid comes again after 100 s, and names its tick until then."""

    def __init__(self) -> None:
        self._at: dict[int, float] = {}
        self.count = 0

    def move(self, number: int) -> int:
        """Give by how much a tick moves the price, a hundredth of a percent each, and note that it is sent now."""
        move = number % CYCLE - CYCLE // 2
        start = START_PRICES[SYMBOL]
        self._at[start + start * move // 10_000] = time.perf_counter()
        self.count += 1
        return move

    def seconds_since(self, bid: int, now: float) -> float | None:
        """Give how long ago a tick was sent; null for one from before."""
        sent = self._at.get(bid)
        return None if sent is None else now - sent


class ListeningSocket(asyncio.Protocol):
    """One WebSocket that subscribes to a price and notes when each message came."""

    def __init__(self, sent: SentTicks, port: int) -> None:
        self._sent = sent
        self._port = port
        self._received = bytearray()
        self._is_open = False
        self._transport: asyncio.Transport | None = None
        self.subscribed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.seconds: list[float] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = opened = cast("asyncio.Transport", transport)
        fields = {
            "Host": f"{LOOPBACK}:{self._port}",
            "Connection": "Upgrade",
            "Upgrade": "websocket",
            "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Key": base64.b64encode(bytes(16)).decode(),
        }
        head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        opened.write(f"GET /api/v1/ws HTTP/1.1\r\n{head}\r\n".encode())

    def data_received(self, data: bytes) -> None:
        now = time.perf_counter()
        self._received += data
        if not self._is_open and not self._open():
            return
        while (frame := _next_frame(self._received)) is not None:
            self._take(*frame, now)

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        if not self.subscribed.done():
            self.subscribed.set_exception(FixableError("The API closed a WebSocket of the bench."))

    def _open(self) -> bool:
        """Read the answer to the handshake, where it is whole, and subscribe."""
        end = self._received.find(b"\r\n\r\n")
        if end < 0:
            return False
        head = bytes(self._received[:end])
        if not head.startswith(b"HTTP/1.1 101"):
            self.subscribed.set_exception(FixableError(f"The API opened no WebSocket: {head.decode()[:200]}"))
            return False
        del self._received[: end + 4]
        self._is_open = True
        self._write(TEXT, json_format.dumps({"op": "subscribe", "channels": [f"ticks.{SYMBOL}"]}).encode())
        return True

    def _take(self, kind: int, payload: bytes, now: float) -> None:
        if kind == PING:
            self._write(PONG, payload)
        elif kind == CLOSE and not self.subscribed.done():
            self.subscribed.set_exception(FixableError(f"The API closed a WebSocket: {payload[2:].decode()}"))
        elif kind == TEXT and (at := payload.find(BID)) >= 0:
            digits = payload[at + len(BID) : payload.index(b'"', at + len(BID))]
            seconds = self._sent.seconds_since(int(digits.replace(b".", b"")), now)
            if b'"type":"update"' in payload and seconds is not None:
                self.seconds.append(seconds)
            if not self.subscribed.done():
                self.subscribed.set_result(None)

    def _write(self, kind: int, payload: bytes) -> None:
        assert self._transport is not None, "it is connected"
        length = len(payload)
        assert length < LENGTH_IN_TWO_BYTES, "what the bench sends is short"
        self._transport.write(bytes((0x80 | kind, 0x80 | length)) + MASK + payload)

    def close(self) -> None:
        """Close the connection."""
        assert self._transport is not None, "it is connected"
        self._transport.close()


def _next_frame(received: bytearray) -> tuple[int, bytes] | None:
    """Take the next frame from what a server has sent; null where it is not whole yet."""
    if len(received) < HEADER_MIN:
        return None
    length, start = received[1] & 0x7F, HEADER_MIN
    if length >= LENGTH_IN_TWO_BYTES:
        start = 4 if length == LENGTH_IN_TWO_BYTES else 10
        length = int.from_bytes(received[HEADER_MIN:start], "big")
    if len(received) < start + length:
        return None
    kind, payload = received[0] & 0x0F, bytes(received[start : start + length])
    del received[: start + length]
    return kind, payload


async def _measure(exchange: Exchange, sent: SentTicks, sockets: int, seconds: int, turns: int) -> Measured:
    listeners = [await _listener(exchange, sent, number) for number in range(sockets)]
    await asyncio.sleep(min(WARM_UP_S, seconds))
    lateness: list[list[float]] = []
    per_second: list[float] = []
    with cpu_time(exchange.roots) as cpu, own_cpu_time() as own:
        ticks, began = sent.count, time.perf_counter()
        for _ in range(turns):
            turn_began = time.perf_counter()
            for listener in listeners:
                listener.seconds.clear()
            await asyncio.sleep(seconds)
            turn = [second for listener in listeners for second in listener.seconds]
            if not turn:
                raise FixableError("No price reached a WebSocket.")
            lateness.append(turn)
            per_second.append(len(turn) / (time.perf_counter() - turn_began))
        took = time.perf_counter() - began
        ticks = sent.count - ticks
    for listener in listeners:
        listener.close()
    delivered = sum(map(len, lateness))
    figures = [
        Figure.of_runs("messages_per_second", "messages delivered", per_second, "messages/s"),
        _figure("ticks_per_second", "ticks sent by the feed", ticks / took, "ticks/s"),
        _figure("delivered_per_socket", "of which a socket gets", delivered / sockets / took, "ticks/s"),
        *latencies("delivery_", "tick sent to message received", lateness),
        _figure("api_cpu_percent", "CPU of the API", cpu["api"] / took * 100, "% of a core"),
    ]
    uses = [
        CpuUse(what="the API", each="message", count=delivered, seconds={"api": cpu["api"]}),
        CpuUse(what="the exchange", each="second", count=seconds * turns, seconds=cpu),
        CpuUse(what="the bench itself", each="message", count=delivered, seconds=own),
    ]
    return Measured(figures=figures, cpu=uses)


def _figure(name: str, label: str, value: float, unit: str) -> Figure:
    return Figure(name=name, label=label, value=rounded(value), unit=unit)


async def _listener(exchange: Exchange, sent: SentTicks, number: int) -> ListeningSocket:
    """Open a WebSocket, and give it once its first price has come."""
    address = f"127.0.0.{1 + number // SOCKETS_PER_ADDRESS}"
    _, listener = await asyncio.get_running_loop().create_connection(
        lambda: ListeningSocket(sent, exchange.port), LOOPBACK, exchange.port, local_addr=(address, 0)
    )
    async with asyncio.timeout(CONNECT_S):
        await listener.subscribed
    return listener
