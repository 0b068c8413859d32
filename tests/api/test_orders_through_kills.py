"""A program whose orders are in flight while the API is killed asks what became of each, and sends none twice."""

import asyncio
import random
from collections.abc import Iterator
from typing import Final
from uuid import uuid4

import pytest

from reprise_client import Client, Order, TradingSocket
from tests.api.conftest import running_exchange
from tests.api.exchange import Exchange
from tests.shared_exchange import begin

pytestmark = pytest.mark.timeout(300)

PASSWORD: Final = "correct horse battery"
KILLS: Final = 4
AT_ONCE: Final = 60


@pytest.fixture(scope="module")
def killed(kafka: str, postgres: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Exchange]:
    with running_exchange(kafka, postgres, tmp_path_factory.mktemp("killed")) as exchange:
        begin(exchange)
        yield exchange


async def until_connected(trading: TradingSocket) -> None:
    async with asyncio.timeout(30):
        while not trading.is_connected:  # noqa: ASYNC110  # It has nobody to tell.
            await asyncio.sleep(0.05)


def test_a_program_knows_every_order_in_flight_when_the_api_is_killed_and_none_is_doubled(
    killed: Exchange,
) -> None:
    chance = random.Random(3)

    async def trade() -> None:
        async with Client(killed.url, patience_s=90) as client:
            await client.register(f"{uuid4().hex}@example.com", PASSWORD)
            async with client.trading() as trading:
                for turn in range(KILLS):
                    asked = [
                        asyncio.create_task(
                            trading.place_order("BTC_USDC", "long", margin=1, leverage=2, key=f"{turn} {number}")
                        )
                        for number in range(AT_ONCE)
                    ]
                    # Amid them: some are answered, some in the log, some on their way, some were never read.
                    await asyncio.sleep(chance.uniform(0.0, 0.06))
                    killed.services["api"].kill()
                    still_waiting = sum(not task.done() for task in asked)
                    killed.services["api"].restart()
                    orders: list[Order] = await asyncio.gather(*asked)
                    assert still_waiting > 0
                    assert {order.status for order in orders} == {"filled"}
                    assert len({order.position_id for order in orders}) == AT_ONCE
                    # Whatever was told is what the ledger has under that key.
                    again = await asyncio.gather(
                        *(
                            trading.place_order("BTC_USDC", "long", margin=1, leverage=2, key=f"{turn} {number}")
                            for number in range(AT_ONCE)
                        )
                    )
                    assert [order.order_id for order in again] == [order.order_id for order in orders]
                    await until_connected(trading)
                opened = [event async for event in client.events() if event.type == "PositionOpened"]
                assert len(opened) == KILLS * AT_ONCE
                assert {closing.status for closing in await trading.close_all()} == {"done"}
            assert [position async for position in client.positions()] == []

    asyncio.run(trade())
