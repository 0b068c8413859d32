"""A seeded load on the venue worker: orders of all kinds, moving prices, cancels, and what must hold at the end."""

import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal

from projector.queries import VenueOrderRow
from tests.processes import eventually
from tests.venue.testnet import Chaos
from tests.venue.venue_setup import FINAL, Trader, VenueSetup

SYMBOLS = {"BTCUSDT": 50_000, "ETHUSDT": 2_000}
UNDECIDED = frozenset({"pending", "unknown"})
ASSETS = {"BTCUSDT": "BTC", "ETHUSDT": "ETH"}


class Load:
    """Some traders who do something every few milliseconds."""

    def __init__(self, venue: VenueSetup, seed: int, traders: int) -> None:
        self._random = random.Random(seed)
        self._venue = venue
        self.traders = [venue.trader() for _ in range(traders)]
        self.placed: list[tuple[Trader, str]] = []

    def begin(self) -> None:
        """One good order of each trader, so that the worker is seen to work."""
        for trader in self.traders:
            self.placed.append((trader, self._venue.place(trader)))
        for trader, order_id in self.placed:
            self._venue.wait_for(trader, order_id, "filled", timeout_s=30)

    def run(self, seconds: float, pause_s: float) -> None:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            self._do_something()
            time.sleep(pause_s * self._random.random() * 2)

    def _do_something(self) -> None:
        luck = self._random.random()
        if luck < 0.1 and self.placed:
            self._venue.cancel(*self._random.choice(self.placed))
        elif luck < 0.2:
            symbol = self._random.choice(list(SYMBOLS))
            self._venue.testnet.move(symbol, self._price(symbol))
        else:
            self._place()

    def _place(self) -> None:
        trader = self._random.choice(self.traders)
        symbol = self._random.choice(list(SYMBOLS))
        quantity = str(Decimal(self._random.randint(20, 2_000)) / 10_000)
        side = self._random.choice(["buy", "sell"])
        price = self._price(symbol) if self._random.random() < 0.5 else None
        order_id = self._venue.place(
            trader, quantity, "buy" if side == "buy" else "sell", price, symbol=symbol, within_s=30.0
        )
        self.placed.append((trader, order_id))

    def _price(self, symbol: str) -> str:
        return f"{SYMBOLS[symbol] * self._random.uniform(0.97, 1.03):.2f}"


@contextmanager
def failing_testnet(venue: VenueSetup) -> Iterator[None]:
    """5 % of replies lost, 5 % answered with 5xx, streams cut, and a limit that is reached."""
    testnet = venue.testnet
    limit = testnet.weight_limit
    testnet.chaos, testnet.weight_limit = Chaos(dropped=0.05, failed=0.05, cut=0.02), 600
    try:
        yield
    finally:
        testnet.chaos, testnet.weight_limit = Chaos(), limit


def assert_consistent(venue: VenueSetup, load: Load, timeout_s: float) -> None:
    """No order twice, none undecided for ever, and positions that are the venue's."""
    testnet = venue.testnet
    rows = eventually(lambda: rows_of(venue, load), lambda seen: not undecided(seen, load), timeout_s, 0.5)
    assert len(rows) == len(load.placed)
    assert all(testnet.market.placed[order_id] <= 1 for _, order_id in load.placed)

    def differing() -> list[str]:
        return [
            f"{trader.account_id} {symbol}: {ours} here, {theirs} there"
            for trader in load.traders
            for symbol, asset in ASSETS.items()
            if (ours := venue.position(trader, symbol))
            != (theirs := testnet.call(held_of(venue, trader.api_key, asset)))
        ]

    def forgotten() -> list[str]:
        """Orders that rest here, and the venue does not know them."""
        seen = rows_of(venue, load)
        there = {
            trader.api_key: {one.client_id for one in testnet.market.of(trader.api_key)} for trader in load.traders
        }
        return [
            order_id
            for trader, order_id in load.placed
            if seen[order_id].status not in FINAL and order_id not in there[trader.api_key]
        ]

    assert eventually(differing, lambda seen: not seen, timeout_s, 0.5) == []
    assert eventually(forgotten, lambda seen: not seen, timeout_s, 0.5) == []
    venue.events()  # Numbered without a gap.


def held_of(venue: VenueSetup, api_key: str, asset: str) -> Callable[[], Decimal]:
    return lambda: venue.testnet.market.held(api_key, asset)


def rows_of(venue: VenueSetup, load: Load) -> dict[str, VenueOrderRow]:
    return {order_id: row for trader in load.traders for order_id, row in venue.orders(trader).items()}


def undecided(rows: dict[str, VenueOrderRow], load: Load) -> list[str]:
    return [order_id for _, order_id in load.placed if order_id not in rows or rows[order_id].status in UNDECIDED]
