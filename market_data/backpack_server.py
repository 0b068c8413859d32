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
from market_data.derived_streams import Klines, depth_message, read_stream, trade_message
from market_data.feed import FeedQuote
from market_data.playback import Playback
from market_data.recorded_feed import open_recording, read_speed
from market_data.recording import Recording
from runtime.errors import FixableError

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

    The recording advances only while somebody is subscribed to anything of it, and a new subscriber first gets the last
    quote, as it was sent before. So a client that comes back misses nothing that was not already on its way, and sees
    by `T` and `u` what it had. `silent`, `drop_connections` and `send_to_all` do what exchanges do on bad days.
    """

    def __init__(self, recording: Recording, speed: float | None, host: str, port: int, clock: Clock) -> None:
        self._playback = Playback(recording, speed, clock)
        self._klines: dict[str, Klines] = {}
        self._host = host
        self._port = port
        self._clock = clock
        self._subscribers: set[Subscriber] = set()
        self._request_received = asyncio.Event()
        self._failed = asyncio.Event()
        self._failure = ""
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

    async def wait_until_failed(self) -> str:
        """Wait until the recording cannot be played any further; gives why."""
        await self._failed.wait()
        return self._failure

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
            name = read_stream(stream)
            if name is None:
                await subscriber.connection.send(error_message(f"Invalid stream: {stream}"))
            elif name.symbol not in self._playback.symbols:
                await subscriber.connection.send(error_message(f"Invalid market: {name.symbol}"))
            elif request.method == "UNSUBSCRIBE":
                subscriber.streams.discard(stream)
            elif stream not in subscriber.streams:
                # First the stream, then what it is at now: what is sent meanwhile comes after it.
                subscriber.streams.add(stream)
                await self._send_state(subscriber, stream, name.kind, name.symbol)
        self._request_received.set()

    async def _send_state(self, subscriber: Subscriber, stream: str, kind: str, symbol: str) -> None:
        """Send a new subscriber the last quote, or all of the book there is."""
        message, quote = self._playback.last_message(symbol), self._playback.last_quote(symbol)
        if message is None or quote is None:
            return
        if kind == "bookTicker":
            await subscriber.connection.send(message)
        elif kind == "depth":
            await subscriber.connection.send(depth_message(stream, quote, None, self._clock.micros()))

    async def _play(self) -> None:
        """Send the whole recording; where it cannot be read any further, `wait_until_failed` tells."""
        try:
            await self._send_quotes()
        except FixableError as error:
            self._failure = str(error)
            self._failed.set()

    async def _send_quotes(self) -> None:
        """Send each quote when its time comes to the subscribers of its symbol; wait while there are none at all."""
        async for symbol in self._playback.due_symbols():
            while self.silent or not any(subscriber.streams for subscriber in self._subscribers):
                self._playback.pause()
                self._request_received.clear()
                await self._wait_for_request()
            before = self._playback.last_quote(symbol)
            message = self._playback.next_message()
            await self._send_to_subscribers(f"bookTicker.{symbol}", message)
            quote = self._playback.last_quote(symbol)
            assert quote is not None, "its message was made"
            await self._send_derived(quote, before)

    async def _send_derived(self, quote: FeedQuote, before: FeedQuote | None) -> None:
        """Send what a quote means for the streams that a recording of quotes does not have itself."""
        now, symbol = self._clock.micros(), quote.symbol
        trade = trade_message(quote, before, now)
        if trade is not None:
            await self._send_to_subscribers(f"trade.{symbol}", trade)
        names = {stream: read_stream(stream) for subscriber in self._subscribers for stream in subscriber.streams}
        of_symbol = {stream: name for stream, name in names.items() if name is not None and name.symbol == symbol}
        for stream, name in of_symbol.items():
            if name.kind == "depth":
                await self._send_to_subscribers(stream, depth_message(stream, quote, before, now))
        intervals = {name.interval for name in of_symbol.values() if name.kind == "kline"}
        await self._send_klines(symbol, self._klines_of(symbol).add(quote, now, intervals))

    def _klines_of(self, symbol: str) -> Klines:
        return self._klines.setdefault(symbol, Klines(symbol))

    async def _send_klines(self, symbol: str, messages: list[tuple[str, str]]) -> None:
        for interval, message in messages:
            await self._send_to_subscribers(f"kline.{interval}.{symbol}", message)

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
            for symbol in sorted(self._playback.symbols):
                statistics = self._playback.statistics(symbol)
                if statistics is not None:
                    message = ticker_message(symbol, statistics, self._clock.micros())
                    await self._send_to_subscribers(f"ticker.{symbol}", message)
                klines, now = self._klines_of(symbol), self._clock.micros()
                await self._send_klines(symbol, klines.end_due(now) + klines.take_changed(now))

    async def _send_to_subscribers(self, stream: str, message: str) -> None:
        for subscriber in [subscriber for subscriber in self._subscribers if stream in subscriber.streams]:
            await self._send(subscriber, message)

    async def _send(self, subscriber: Subscriber, message: str) -> None:
        try:
            await subscriber.connection.send(message)
        except ConnectionClosed:
            self._subscribers.discard(subscriber)


def serve(file: Path, speed: str, symbol: str | None, port: int | None = None, host: str = "127.0.0.1") -> None:
    """Serve a recording until SIGTERM or SIGINT. port: None for a free one; the address is printed.

    symbol: of bars whose file's name does not say it.
    """
    times = read_speed(speed)
    recording = open_recording(file, SPREAD_BPS, times, symbol)
    server = BackpackServer(recording, times, host, port or 0, SystemClock())
    if recording.notice is not None:
        print(recording.notice, flush=True)
    asyncio.run(_serve_until_stopped(server, file))


async def _serve_until_stopped(server: BackpackServer, file: Path) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    try:
        async with server:
            print(f"{file} is played at {server.url}; BACKPACK_WS_URL={server.url} follows it.", flush=True)
            stopping, failing = asyncio.create_task(stop.wait()), asyncio.create_task(server.wait_until_failed())
            await asyncio.wait((stopping, failing), return_when=asyncio.FIRST_COMPLETED)
            stopping.cancel()
            if not failing.cancel():
                raise FixableError(failing.result())
    except OSError as error:
        raise FixableError(
            f"The server cannot listen: {error.strerror or error}. --port names another port."
        ) from error
