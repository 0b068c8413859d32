"""A WebSocket server that speaks Backpack's protocol and plays a recording, for those without the internet."""

import asyncio
import signal
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from websockets.asyncio.server import Server, ServerConnection
from websockets.asyncio.server import serve as serve_websocket
from websockets.exceptions import ConnectionClosed

from market_data.backpack_protocol import SubscriptionRefused, error_message, read_request, ticker_message
from market_data.clock import Clock, SystemClock
from market_data.playback import Playback
from market_data.recorded_feed import open_recording, read_speed
from market_data.recording import Recording

SPREAD_BPS: Final = 2  # around the prices of bars, which have no bid or ask
PING_INTERVAL_S: Final = 60.0
PONG_WITHIN_S: Final = 120.0
TICKER_EVERY_S: Final = 1.0
CLOSE_TIMEOUT_S: Final = 2.0
GOING_AWAY: Final = 1001


class Subscriber:
    """One connection, and the streams it is subscribed to."""

    def __init__(self, connection: ServerConnection) -> None:
        self.connection = connection
        self.streams: set[str] = set()


class BackpackServer:
    """Plays one recording to whoever is subscribed, as an exchange does: there is one market, and it is now.

    The recording advances only while somebody is subscribed, and a new subscriber first gets the last quote, as it
    was sent before. So a client that comes back misses nothing that was not already on its way, and sees by `T` and `u`
    what it had. `silent`, `drop_connections` and `send_to_all` do what exchanges do on bad days.
    """

    def __init__(self, recording: Recording, speed: float | None, host: str, port: int, clock: Clock) -> None:
        self._playback = Playback(recording, speed, clock)
        self._host = host
        self._port = port
        self._clock = clock
        self._subscribers: set[Subscriber] = set()
        self._request_received = asyncio.Event()
        self._server: Server | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self.silent = False
        self.requests: list[str] = []

    async def __aenter__(self) -> Self:
        self._server = await serve_websocket(
            self._serve_connection,
            self._host,
            self._port,
            ping_interval=PING_INTERVAL_S,
            ping_timeout=PONG_WITHIN_S,
            close_timeout=CLOSE_TIMEOUT_S,
        )
        self._tasks = [asyncio.create_task(self._play()), asyncio.create_task(self._send_tickers_periodically())]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        assert self._server is not None, "it was entered"
        self._server.close()
        await self._server.wait_closed()

    @property
    def url(self) -> str:
        """Where it listens."""
        assert self._server is not None, "it was entered"
        return f"ws://{self._host}:{next(iter(self._server.sockets)).getsockname()[1]}"

    @property
    def finished(self) -> bool:
        """Whether the whole recording was sent."""
        return self._playback.finished

    async def drop_connections(self, *, with_close_frame: bool = True) -> None:
        """Close every connection: with a Close frame, or as a cable that is cut."""
        for subscriber in list(self._subscribers):
            self._subscribers.discard(subscriber)
            if with_close_frame:
                await subscriber.connection.close(GOING_AWAY, "going away")
            else:
                subscriber.connection.transport.abort()

    async def send_to_all(self, message: str | bytes | list[str]) -> None:
        """Send every subscriber a message as it is; a list goes as the fragments of one message."""
        for subscriber in list(self._subscribers):
            await subscriber.connection.send(message)

    def write_bytes(self, data: bytes) -> None:
        """Write to every connection past the protocol."""
        for subscriber in self._subscribers:
            subscriber.connection.transport.write(data)

    async def _serve_connection(self, connection: ServerConnection) -> None:
        subscriber = Subscriber(connection)
        self._subscribers.add(subscriber)
        try:
            async for message in connection:
                self.requests.append(str(message))
                await self._answer(subscriber, message)
        except ConnectionClosed:
            pass  # The subscriber left without a Close frame; nothing is owed to it.
        finally:
            self._subscribers.discard(subscriber)

    async def _answer(self, subscriber: Subscriber, message: str | bytes) -> None:
        """Do what a request asks. One that is understood has no answer, as with Backpack."""
        try:
            request = read_request(message)
        except SubscriptionRefused as error:
            await subscriber.connection.send(error_message(str(error)))
            return
        for stream in request.params:
            kind, _, symbol = stream.partition(".")
            if kind not in ("bookTicker", "ticker"):
                await subscriber.connection.send(error_message(f"Invalid stream: {stream}"))
            elif symbol not in self._playback.symbols:
                await subscriber.connection.send(error_message(f"Invalid market: {symbol}"))
            elif request.method == "UNSUBSCRIBE":
                subscriber.streams.discard(stream)
            elif stream not in subscriber.streams:
                # First the stream, then its last quote: what is sent meanwhile comes after it.
                subscriber.streams.add(stream)
                last = self._playback.last_message(symbol)
                if kind == "bookTicker" and last is not None:
                    await subscriber.connection.send(last)
        self._request_received.set()

    async def _play(self) -> None:
        """Send each quote when its time comes to the subscribers of its symbol; wait while there are none at all."""
        async for symbol in self._playback.due_symbols():
            while self.silent or not any(self._wants_quotes(subscriber) for subscriber in self._subscribers):
                self._playback.pause()
                self._request_received.clear()
                await self._wait_for_request()
            message = self._playback.next_message()
            for subscriber in self._subscribers_of(f"bookTicker.{symbol}"):
                await self._send(subscriber, message)

    async def _wait_for_request(self) -> None:
        """Wait for a request, and look again now and then, because silence ends without one."""
        try:
            async with asyncio.timeout(TICKER_EVERY_S / 10):
                await self._request_received.wait()
        except TimeoutError:
            return

    async def _send_tickers_periodically(self) -> None:
        while True:
            await self._clock.sleep(TICKER_EVERY_S)
            if self.silent:
                continue
            for symbol in self._playback.symbols:
                statistics = self._playback.statistics(symbol)
                if statistics is not None:
                    message = ticker_message(symbol, statistics, self._clock.micros())
                    for subscriber in self._subscribers_of(f"ticker.{symbol}"):
                        await self._send(subscriber, message)

    def _wants_quotes(self, subscriber: Subscriber) -> bool:
        return any(f"bookTicker.{symbol}" in subscriber.streams for symbol in self._playback.symbols)

    def _subscribers_of(self, stream: str) -> list[Subscriber]:
        return [subscriber for subscriber in self._subscribers if stream in subscriber.streams]

    async def _send(self, subscriber: Subscriber, message: str) -> None:
        try:
            await subscriber.connection.send(message)
        except ConnectionClosed:
            self._subscribers.discard(subscriber)


def serve(file: Path, speed: str, port: int | None = None, host: str = "127.0.0.1") -> None:
    """Serve a recording until SIGTERM or SIGINT. port: None for a free one; the address is printed."""
    times = read_speed(speed)
    recording = open_recording(file, SPREAD_BPS, times)
    asyncio.run(_serve_until_stopped(BackpackServer(recording, times, host, port or 0, SystemClock()), file))


async def _serve_until_stopped(server: BackpackServer, file: Path) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with server:
        print(f"{file} is played at {server.url}; BACKPACK_WS_URL={server.url} follows it.", flush=True)
        await stop.wait()
