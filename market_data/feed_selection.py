"""Which feed runs: the one the settings name, or with `auto` Backpack if it quotes and else the simulation.

In production `auto` is Backpack and nothing else: prices are never made up there.
"""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from pathlib import Path
from typing import Final, Literal
from urllib.parse import urlsplit
from urllib.request import getproxies_environment
from uuid import uuid4

import msgspec
import structlog

from market_data.backpack_feed import BackpackFeed
from market_data.clock import Clock
from market_data.conversion import scaled
from market_data.feed import FeedEnded, FeedItem, FeedQuote, PriceFeed
from market_data.last_prices import last_accepted_prices
from market_data.ledger import FollowedLedger
from market_data.metrics import FeedMetrics
from market_data.recorded_feed import RecordedFeed, open_recording, read_speed
from market_data.simulated_feed import PRICE_MAX, SimulatedFeed
from runtime.errors import FixableError
from runtime.setting_values import RECORDED, symbol_of
from runtime.settings import Settings
from schemas.bounds import EXPONENT_MAX
from schemas.instruments import START_PRICES
from schemas.messages import Instrument
from schemas.units import NotRepresentable
from schemas.words import FeedName

PROBE_S: Final = 5.0
NO_NETWORK_S: Final = 1.0  # Where no address of Backpack is found: there is nothing to wait for.
MARKET_WITHIN_S: Final = 60.0
MARKET_PAUSE_S: Final = 0.2
CHOICE_FILE: Final = "auto-feed.json"
DEFAULT_PRICE: Final = 100  # USDC; where a simulated symbol begins of which nothing else is said

log = structlog.get_logger(__name__)


class AutoChoice(msgspec.Struct, frozen=True):
    """What `auto` chose within one start of the instance."""

    start: str
    feed: Literal["backpack", "simulated"]


class PrefetchedFeed:
    """A feed whose first items were read ahead: they come first, and none is lost."""

    def __init__(self, feed: PriceFeed, first: list[FeedItem], rest: AsyncIterator[FeedItem]) -> None:
        self.name, self.run, self.live = feed.name, feed.run, feed.live
        self._first = first
        self._rest = rest

    async def items(self) -> AsyncIterator[FeedItem]:
        """Give the items read ahead, then the others."""
        for item in self._first:
            yield item
        async for item in self._rest:
            yield item


class StoppedFeed:
    """A recorded feed that cannot begin, and says why."""

    name: FeedName = "recorded"
    live = False

    def __init__(self, why: str) -> None:
        self.run = str(uuid4())
        self._why = why

    async def items(self) -> AsyncIterator[FeedItem]:
        """Give its end."""
        yield FeedEnded(failure=self._why)


async def choose_feed(settings: Settings, ledger: FollowedLedger, clock: Clock, metrics: FeedMetrics) -> PriceFeed:
    """Give the feed of the settings; FixableError when they name none."""
    kind = settings.feed
    if kind == "simulated" and settings.profile == "production":
        raise FixableError("The production profile trades on no invented prices: FEED must not be simulated.")
    if kind == "auto":
        return await _choose_auto(settings, ledger, clock, metrics)
    if kind == "backpack":
        return _backpack(settings, ledger, clock, metrics)
    if kind == "simulated":
        return await _simulated(settings, ledger, clock)
    if kind.startswith(RECORDED) and kind != RECORDED:
        return await _recorded_or_stopped(settings, Path(kind.removeprefix(RECORDED)), ledger, clock)
    raise FixableError(f"FEED is auto, simulated, backpack or recorded:FILE, not {kind!r}.")


async def probe(feed: PriceFeed, give_up: Callable[[], Awaitable[None]]) -> PrefetchedFeed | None:
    """Give the feed once it quoted something; None when `give_up` returned first, and then it is closed."""
    items = feed.items()
    received: list[FeedItem] = []

    async def receive() -> None:
        while not (received and isinstance(received[-1], FeedQuote)):
            received.append(await anext(items))

    receiving = asyncio.ensure_future(receive())
    giving_up = asyncio.ensure_future(give_up())
    await asyncio.wait((receiving, giving_up), return_when=asyncio.FIRST_COMPLETED)
    giving_up.cancel()
    if receiving.done():
        receiving.result()
        return PrefetchedFeed(feed, received, items)
    receiving.cancel()
    await asyncio.gather(receiving, giving_up, return_exceptions=True)
    return None


async def _choose_auto(settings: Settings, ledger: FollowedLedger, clock: Clock, metrics: FeedMetrics) -> PriceFeed:
    if settings.profile == "production":
        log.info("auto is Backpack in production, and waits until it quotes", url=settings.backpack_ws_url)
        return _backpack(settings, ledger, clock, metrics)
    previous = _previous_choice(settings)
    if previous is not None:
        log.info("auto keeps the feed it chose when the exchange was started", feed=previous)
        return (
            _backpack(settings, ledger, clock, metrics)
            if previous == "backpack"
            else await _simulated(settings, ledger, clock)
        )
    url = settings.backpack_ws_url
    log.info("auto tries Backpack", url=url, for_s=PROBE_S)
    began = clock.monotonic()
    received = await probe(_backpack(settings, ledger, clock, metrics), lambda: _time_to_quote(url, clock))
    if received is not None:
        log.info("auto chose Backpack: it quotes", url=url)
        _store_choice(settings, "backpack")
        return received
    waited = round(clock.monotonic() - began, 1)
    log.warning("auto chose the SIMULATION: no quote of Backpack was heard", url=url, for_s=waited)
    _store_choice(settings, "simulated")
    return await _simulated(settings, ledger, clock)


async def _time_to_quote(url: str, clock: Clock) -> None:
    """Return when Backpack has had its time; much sooner where its name has no address and no proxy finds one."""
    await clock.sleep(NO_NETWORK_S)
    if getproxies_environment() or await _has_address(urlsplit(url).hostname):
        await clock.sleep(PROBE_S - NO_NETWORK_S)


async def _has_address(host: str | None) -> bool:
    """Whether a name has an address; where nobody says so in time it may have one."""
    try:
        await asyncio.wait_for(asyncio.get_running_loop().getaddrinfo(host, None), PROBE_S - NO_NETWORK_S)
    except socket.gaierror:
        return False
    except TimeoutError:
        pass  # Its own time is over meanwhile.
    return True


def _backpack(settings: Settings, ledger: FollowedLedger, clock: Clock, metrics: FeedMetrics) -> BackpackFeed:
    parts = urlsplit(settings.backpack_ws_url)
    if parts.scheme not in ("ws", "wss") or not parts.hostname:
        raise FixableError(
            f"BACKPACK_WS_URL is {settings.backpack_ws_url!r}, which is no address like wss://host or ws://host:port."
        )
    return BackpackFeed(settings.backpack_ws_url, ledger, clock, metrics)


async def _simulated(settings: Settings, ledger: FollowedLedger, clock: Clock) -> SimulatedFeed:
    accepted = await asyncio.to_thread(last_accepted_prices, settings, ledger.followed)
    given = given_prices(settings)

    def first_price(instrument: Instrument) -> int:
        price = accepted.get(instrument.symbol) or _given_or_default(instrument, given)
        log.info(
            "the simulation of a symbol starts",
            symbol=instrument.symbol,
            price=price,
            of_the_log=instrument.symbol in accepted,
            seed=settings.simulation_seed,
        )
        return price

    return SimulatedFeed(str(uuid4()), settings.simulation_seed, ledger, first_price, clock)


def given_prices(settings: Settings) -> dict[str, str]:
    """Read where the simulation is to begin: prices as they are written, by symbol; FixableError for other text."""
    prices = {}
    for part in settings.simulation_prices:
        name, _, digits = part.partition("=")
        try:
            units, _ = scaled(digits.strip(), EXPONENT_MAX)
        except NotRepresentable:
            units = 0
        if units <= 0:
            raise FixableError(f"SIMULATION_PRICES has {part!r}, which is no price like SOL_USDC=150.5.")
        prices[symbol_of(name)] = digits.strip()
    return prices


def _given_or_default(instrument: Instrument, given: Mapping[str, str]) -> int:
    """Give the price a symbol begins at that the ledger has none of, in ticks."""
    if instrument.symbol in given:
        units, divisor = scaled(given[instrument.symbol], instrument.tick_exponent)
        price = units // divisor
    else:
        price = START_PRICES.get(instrument.symbol, DEFAULT_PRICE * 10**instrument.tick_exponent)
    return min(max(price, 1), PRICE_MAX)


async def _recorded_or_stopped(settings: Settings, file: Path, ledger: FollowedLedger, clock: Clock) -> PriceFeed:
    """Give the recorded feed. A process manager would start a process that ends because of its file for ever again."""
    read_speed(settings.feed_speed)
    try:
        if settings.start_id is not None:
            await _wait_for_market(settings, file, ledger, clock)
        return _recorded(settings, file, ledger, clock)
    except FixableError as error:
        if settings.start_id is None:
            raise
        return StoppedFeed(str(error))


async def _wait_for_market(settings: Settings, file: Path, ledger: FollowedLedger, clock: Clock) -> None:
    """Wait until the ledger has an instrument of a recording: `up` may be about to define it."""
    recording = open_recording(file, settings.feed_spread_bps, None, settings.feed_symbol)
    held = recording.check().symbols
    give_up = clock.monotonic() + MARKET_WITHIN_S
    while not held & ledger.followed.keys() and clock.monotonic() < give_up:
        await clock.sleep(MARKET_PAUSE_S)


def _recorded(settings: Settings, file: Path, ledger: FollowedLedger, clock: Clock) -> RecordedFeed:
    speed = read_speed(settings.feed_speed)
    recording = open_recording(file, settings.feed_spread_bps, speed, settings.feed_symbol)
    return RecordedFeed(str(uuid4()), recording, ledger, speed, clock, loop=settings.feed_loop)


def _previous_choice(settings: Settings) -> Literal["backpack", "simulated"] | None:
    """What `auto` chose earlier in this start of the instance: a process that is restarted does not change markets."""
    file = settings.data / CHOICE_FILE
    if settings.start_id is None or not file.is_file():
        return None
    try:
        choice = msgspec.json.decode(file.read_bytes(), type=AutoChoice)
    except msgspec.DecodeError:
        return None
    return choice.feed if choice.start == settings.start_id else None


def _store_choice(settings: Settings, feed: Literal["backpack", "simulated"]) -> None:
    if settings.start_id is not None:
        settings.data.mkdir(parents=True, exist_ok=True)
        (settings.data / CHOICE_FILE).write_bytes(msgspec.json.encode(AutoChoice(settings.start_id, feed)))
