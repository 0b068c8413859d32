"""The venue worker goes by the proxy of the environment, and where that cannot be used, says so and goes on."""

import asyncio

import httpx
import pytest
import structlog

from runtime.venue_keys import VenueKeys
from venue.binance import Binance, NotSent
from venue.clock import VenueClock
from venue.main import _client
from venue.rate_limits import VenueRateLimits
from venue.user_data_stream import UserDataStream

VENUE = "https://venue.example"
UNUSABLE = ["socks5://127.0.0.1:9", "ftp://127.0.0.1:9", "http://127.0.0.1:port"]


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.mark.parametrize("proxy", UNUSABLE)
def test_the_worker_says_once_that_a_proxy_cannot_be_used_and_sends_nothing(
    proxy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALL_PROXY", proxy)

    async def ask() -> None:
        clock = VenueClock()
        async with _client(VENUE) as http:
            venue = Binance(http, VenueRateLimits(clock.now_ms), clock, 5_000)
            for _ in range(2):
                with pytest.raises(NotSent):
                    await venue.symbols()

    with structlog.testing.capture_logs() as lines:
        asyncio.run(ask())
    (line,) = [line for line in lines if line["log_level"] == "error"]
    assert "The proxy of the environment cannot be used" in line["event"]


@pytest.mark.parametrize("proxy", UNUSABLE)
def test_a_venue_on_this_machine_is_met_directly(proxy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", proxy)

    async def ask() -> None:
        async with _client("http://127.0.0.1:9") as http:
            with pytest.raises(httpx.ConnectError, match="All connection attempts failed"):
                await http.get("/")

    asyncio.run(ask())


def test_a_user_data_stream_goes_on_trying_where_the_proxy_cannot_be_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", UNUSABLE[0])
    tries = 0

    async def keys() -> VenueKeys | None:
        nonlocal tries
        tries += 1
        return VenueKeys("key", "secret")

    async def now_ms() -> int:
        return 0

    stream = UserDataStream(
        f"{VENUE.replace('https', 'wss')}/ws", "account", keys, now_ms, lambda: None, lambda _: None, lambda: tries < 2
    )
    asyncio.run(stream.follow())
    assert tries == 2
