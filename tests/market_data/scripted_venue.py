"""A venue that speaks Backpack's protocol, and whose symbols each behave as a test wants."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import msgspec
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from market_data.clock import SystemClock

EVERY_S = 0.25
SECOND = 1_000_000


class Market:
    """What one symbol sends: quotes and tickers as messages. `fault` changes the quotes from when it is set."""

    def __init__(self, symbol: str, bid: float, ask: float) -> None:
        self.symbol = symbol
        self.bid, self.ask, self.last = bid, ask, bid
        self._number = 0

    def quote(self, bid: float | None = None, ask: float | None = None, shift_us: int = 0) -> str:
        """Give a quote, stamped so long after now."""
        self._number += 1
        data = {
            "e": "bookTicker",
            "s": self.symbol,
            "b": f"{bid or self.bid:.2f}",
            "a": f"{ask or self.ask:.2f}",
            "u": self._number,
            "T": SystemClock().micros() + shift_us,
        }
        return _message(f"bookTicker.{self.symbol}", data)

    def ticker(self) -> str:
        """Give the statistics, with the last price."""
        return _message(f"ticker.{self.symbol}", {"e": "ticker", "s": self.symbol, "c": f"{self.last:.2f}", "v": "1"})


Behaviour = Callable[[int], list[str]]


class ScriptedVenue:
    """Sends every subscriber what each subscribed symbol's behaviour gives, four times a second.

    A behaviour is asked with how many quarters of a second it has lasted.
    """

    def __init__(self) -> None:
        self.url = ""
        self.subscribed: set[str] = set()
        self._behaviours: dict[str, tuple[Behaviour, int]] = {}
        self._turn = 0

    def behave(self, symbol: str, behaviour: Behaviour) -> None:
        """Let a symbol behave like this from now on."""
        self._behaviours[symbol] = (behaviour, self._turn)

    async def serve(self, started: threading.Event, stop: threading.Event) -> None:
        """Serve until told to stop."""
        async with serve(self._speak, "127.0.0.1", 0) as server:
            self.url = f"ws://127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}"
            started.set()
            while not stop.is_set():  # noqa: ASYNC110  # Of another thread.
                await asyncio.sleep(0.05)

    async def _speak(self, connection: ServerConnection) -> None:
        listening = asyncio.create_task(self._listen(connection))
        try:
            while True:
                self._turn += 1
                for symbol, (behaviour, since) in list(self._behaviours.items()):
                    if symbol in self.subscribed:
                        for message in behaviour(self._turn - since):
                            await connection.send(message)
                await asyncio.sleep(EVERY_S)
        except ConnectionClosed:
            listening.cancel()

    async def _listen(self, connection: ServerConnection) -> None:
        async for request in connection:
            self.subscribed |= {name.partition(".")[2] for name in msgspec.json.decode(request)["params"]}


@contextmanager
def scripted_venue() -> Iterator[ScriptedVenue]:
    """A venue on this machine, in a thread of its own."""
    venue = ScriptedVenue()
    started, stop = threading.Event(), threading.Event()
    thread = threading.Thread(target=lambda: asyncio.run(venue.serve(started, stop)))
    thread.start()
    assert started.wait(10)
    try:
        yield venue
    finally:
        stop.set()
        thread.join(10)


def _message(stream: str, data: dict[str, object]) -> str:
    return msgspec.json.encode({"stream": stream, "data": data}).decode()
