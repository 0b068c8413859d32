"""Programs that trade over a socket of the Python client: the calls of the client, many at once, each once."""

import asyncio
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Final
from uuid import uuid4

import pytest

from reprise_client import ApiKey, Changed, Client, Forbidden, Malformed, NotSignedIn, Order, Refused, SyncClient
from tests.api.exchange import Exchange
from tests.security.keys import new_key

PASSWORD: Final = "correct horse battery"


def email() -> str:
    return f"{uuid4().hex}@example.com"


async def position_events(client: Client) -> Counter[str]:
    return Counter([event.type async for event in client.events()])


def test_a_program_opens_amends_reduces_and_closes_over_a_socket(exchange: Exchange) -> None:
    async def trade() -> None:
        async with Client(exchange.url) as client:
            await client.register(email(), PASSWORD)
            async with client.trading() as trading:
                assert trading.is_connected
                order = await trading.place_order("BTC_USDC", "long", margin="100", leverage=10, stop_loss="49000")
                position_id = order.position_id
                assert position_id is not None
                assert order == await client.order(order.order_id)
                read = await client.position(position_id)
                amended = await trading.amend(position_id, take_profit=60_000, stop_loss=None, if_match=read.etag)
                assert (amended.stop_loss, amended.take_profit) == (None, Decimal(60_000))
                with pytest.raises(Changed):
                    await trading.amend(position_id, take_profit=61_000, if_match=read.etag)
                part = await trading.close(position_id, "0.00500")
                assert (part.status, part.quantity) == ("open", Decimal("0.015"))
                assert (await trading.close(position_id)).status == "closed"
                with pytest.raises(Refused) as refused:
                    await trading.close(position_id)
                assert refused.value.code == "POSITION_NOT_OPEN"
                with pytest.raises(Malformed):
                    await trading.place_order("BTC_USDC", "long", margin="a lot", leverage=10)
                await asyncio.gather(
                    *(trading.place_order("BTC_USDC", "short", margin=1, leverage=2) for _ in range(3))
                )
                assert [closing.status for closing in await trading.close_all()] == ["done"] * 3
                assert trading.is_connected
                # What is read sees what was done over the socket.
                assert [position async for position in client.positions()] == []

    asyncio.run(trade())


def test_calls_made_at_once_are_executed_in_their_order_each_once_and_beyond_what_a_socket_takes(
    exchange: Exchange,
) -> None:
    async def trade() -> None:
        async with Client(exchange.url) as client:
            await client.register(email(), PASSWORD)
            async with client.trading() as trading:
                asked = (
                    trading.place_order("ETH_USDC", "long", margin=1, leverage=2, client_order_id=f"n{number}")
                    for number in range(400)
                )
                orders: list[Order] = await asyncio.gather(*asked)
                numbers = [int((order.position_id or "").partition("-")[2]) for order in orders]
                assert numbers == sorted(set(numbers))
                assert [order.client_order_id for order in orders] == [f"n{number}" for number in range(400)]
                again = await trading.place_order("ETH_USDC", "long", margin=1, leverage=2, client_order_id="n7")
                assert again == orders[7]
            assert (await position_events(client))["PositionOpened"] == 400

    asyncio.run(trade())


def test_a_program_that_signs_with_an_api_key_trades_over_a_socket_as_its_scopes_allow(exchange: Exchange) -> None:
    user = exchange.new_user()

    async def trade(*scopes: str) -> Order:
        key = new_key(user, *scopes)
        async with Client(exchange.url, api_key=ApiKey(key.id, key.private)) as client, client.trading() as trading:
            return await trading.place_order("BTC_USDC", "long", margin=1, leverage=2)

    assert asyncio.run(trade("trade")).status == "filled"
    assert asyncio.run(trade("read", "trade")).status == "filled"
    with pytest.raises(Forbidden) as refused:
        asyncio.run(trade("read"))
    assert refused.value.code == "SCOPE_MISSING"


def test_a_program_without_a_login_opens_no_trading_socket(exchange: Exchange) -> None:
    async def trade() -> None:
        async with Client(exchange.url) as client, client.trading():
            raise AssertionError("nobody is signed in")

    with pytest.raises(NotSignedIn):
        asyncio.run(trade())


def test_a_program_whose_session_ended_elsewhere_is_refused_and_its_socket_signs_in_anew(exchange: Exchange) -> None:
    async def trade() -> None:
        name = email()
        async with Client(exchange.url) as client, Client(exchange.url) as elsewhere:
            await client.register(name, PASSWORD)
            await elsewhere.login(name, PASSWORD)
            async with client.trading() as trading:
                await elsewhere.logout_everywhere()
                with pytest.raises(NotSignedIn):
                    await trading.place_order("BTC_USDC", "long", margin=1, leverage=2)
                await client.login(name, PASSWORD)
                assert (await trading.place_order("BTC_USDC", "long", margin=1, leverage=2)).status == "filled"
                async with asyncio.timeout(30):
                    while not trading.is_connected:  # noqa: ASYNC110  # It has nobody to tell.
                        await asyncio.sleep(0.05)
                assert (await trading.place_order("BTC_USDC", "long", margin=1, leverage=2)).status == "filled"
            assert (await position_events(client))["PositionOpened"] == 2

    asyncio.run(trade())


def test_the_calls_of_a_socket_that_was_let_go_of_go_over_http(exchange: Exchange) -> None:
    async def trade() -> None:
        async with Client(exchange.url) as client:
            await client.register(email(), PASSWORD)
            async with client.trading() as trading:
                await trading.place_order("BTC_USDC", "long", margin=1, leverage=2, key="one")
            assert not trading.is_connected
            again = await trading.place_order("BTC_USDC", "long", margin=1, leverage=2, key="one")
            assert again == await client.order(again.order_id)
            assert (await position_events(client))["PositionOpened"] == 1

    asyncio.run(trade())


def test_threads_share_the_socket_of_a_client_without_an_event_loop(exchange: Exchange) -> None:
    with SyncClient(exchange.url) as client:
        client.register(email(), PASSWORD)
        with client.trading() as trading, ThreadPoolExecutor(8) as threads:
            asked = [threads.submit(trading.place_order, "BTC_USDC", "long", margin=1, leverage=2) for _ in range(40)]
            assert len({order.result().position_id for order in asked}) == 40
            assert len(trading.close_all()) == 40
    assert threading.current_thread() is threading.main_thread()
