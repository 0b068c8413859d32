"""The venue's prices are asked for once in some seconds, and are still known while it does not answer."""

import asyncio
from decimal import Decimal

import pytest

from api.compat import venue_prices
from api.compat.venue_prices import PATH, VenuePrices
from stack.ports import free_ports
from tests.venue.testnet import Testnet


def test_a_price_is_the_venue_s_and_is_kept_for_some_seconds() -> None:
    async def test(testnet: Testnet) -> None:
        prices = VenuePrices(testnet.url)
        assert await prices.of([]) == {}
        assert await prices.of(["BTCUSDT", "ETHUSDT"]) == {
            symbol: testnet.market.prices[symbol] for symbol in ("BTCUSDT", "ETHUSDT")
        }
        testnet.market.prices["BTCUSDT"] = Decimal(1)
        assert await prices.of(["BTCUSDT"]) != {"BTCUSDT": 1}

    with Testnet() as testnet:
        asyncio.run(test(testnet))
        assert len(testnet.requests_of("GET", PATH.removeprefix("/api/v3/"))) == 2


def test_a_venue_that_does_not_answer_leaves_the_last_price_and_is_requested_again_later(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(venue_prices, "KEPT_S", 0.0)

    async def test(testnet: Testnet) -> None:
        prices = VenuePrices(testnet.url)
        known = await prices.of(["BTCUSDT"])
        testnet.chaos.dropped = 1.0
        asked = len(testnet.requests)
        for _ in range(3):
            assert await prices.of(["BTCUSDT"]) == known
        assert len(testnet.requests) == asked + 1

    with Testnet() as testnet:
        asyncio.run(test(testnet))


def test_the_price_of_a_venue_that_never_answered_is_not_known() -> None:
    (port,) = free_ports(1)
    assert asyncio.run(VenuePrices(f"http://127.0.0.1:{port}").of(["BTCUSDT"])) == {}
