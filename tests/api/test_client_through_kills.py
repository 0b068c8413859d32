"""Programs that trade with the client while the API is killed: each order once, each private event once, in order."""

import asyncio
import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple
from uuid import uuid4

import pytest

from reprise_client import AccountUpdate, Client, Message, Refused, read_events
from tests.api.conftest import running_exchange
from tests.api.exchange import Exchange
from tests.shared_exchange import begin

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

TRADERS: Final = 4
ROUNDS: Final = 75
KILLS: Final = 5
PASSWORD: Final = "correct horse battery"


class Trader(NamedTuple):
    """What one program did and heard."""

    account_id: str
    opened: list[str]
    closed: list[str]
    heard: list[Message]
    listed: list[str]


@pytest.fixture
def running(kafka: str, postgres: str, tmp_path: Path) -> Iterator[Exchange]:
    with running_exchange(kafka, postgres, tmp_path) as exchange:
        begin(exchange)
        yield exchange


async def trade(url: str, started: asyncio.Event) -> Trader:
    """Open and close, one after the other, and listen until the last close was heard."""
    opened: list[str] = []
    closed: list[str] = []
    heard: list[Message] = []
    async with Client(url, patience_s=60) as client:
        account_id = (await client.register(f"{uuid4().hex}@example.com", PASSWORD)).account_id
        async with client.stream("account") as messages:

            async def listen() -> None:
                async for message in messages:
                    heard.append(message)  # noqa: PERF401  # It is looked at while it grows.

            listening = asyncio.create_task(listen())
            await started.wait()
            for number in range(ROUNDS):
                order = await client.place_order("BTC_USDC", "long", margin=1 + number, leverage=2)
                assert order.position_id is not None
                opened.append(order.position_id)
                closed.append((await client.close(order.position_id)).id)
            with pytest.raises(Refused, match="POSITION_NOT_OPEN"):
                await client.close(closed[-1])
            async with asyncio.timeout(60):
                await until_heard(heard, closed[-1])
        await listening
        listed = [position.id async for position in client.positions("all")]
    return Trader(account_id, opened, closed, heard, listed)


async def until_heard(heard: list[Message], position_id: str) -> None:
    while not any(  # noqa: ASYNC110  # The listener has nothing to say it with.
        _is(message.read(AccountUpdate), position_id) and message.read(AccountUpdate).event == "PositionClosed"
        for message in heard
        if message.kind == "update"
    ):
        await asyncio.sleep(0.05)


def _is(update: AccountUpdate, position_id: str) -> bool:
    return update.position is not None and update.position.id == position_id


async def kill(running: Exchange, dice: random.Random, started: asyncio.Event, ended: asyncio.Event) -> int:
    """Kill the API and start it again, while they trade; how often."""
    api = running.services["api"]
    started.set()
    kills = 0
    for _ in range(KILLS):
        await asyncio.sleep(dice.uniform(0.5, 2.0))
        if ended.is_set():
            break
        await asyncio.to_thread(api.kill)
        kills += 1
        api.restart()
        await asyncio.to_thread(running.until_ready, api)
    return kills


def test_a_client_trading_while_the_api_is_killed_gets_each_order_and_each_event_once(running: Exchange) -> None:
    async def run() -> tuple[list[Trader], int]:
        started, ended = asyncio.Event(), asyncio.Event()
        trading = [asyncio.create_task(trade(running.url, started)) for _ in range(TRADERS)]
        await asyncio.sleep(2.0)
        killing = asyncio.create_task(kill(running, random.Random(5), started, ended))
        traders = await asyncio.gather(*trading)
        ended.set()
        return traders, await killing

    traders, kills = asyncio.run(run())
    assert kills >= 3
    settings = running.settings
    events = list(read_events(settings.kafka_brokers, verify_digests=True, until_end=True))
    for trader in traders:
        own = [event for event in events if event.fields["account_id"] == trader.account_id]
        kinds = Counter(event.type for event in own)
        assert kinds["PositionOpened"] == kinds["PositionClosed"] == ROUNDS, "each order once"
        assert trader.opened == trader.closed == trader.listed[::-1]
        assert len(set(trader.opened)) == ROUNDS

        first, *updates = trader.heard
        assert first.kind == "snapshot"
        assert [message.kind for message in updates] == ["update"] * len(updates)
        assert [message.seq for message in updates] == list(range(first.seq + 1, first.seq + 1 + len(updates)))
        by_seq = {event.fields["account_seq"]: event for event in own}
        for message in updates:
            event = by_seq[message.seq]
            assert message.read(AccountUpdate).event == event.type
            assert message.read(AccountUpdate).event_id == f"{event.shard}-{event.fields['seq']}"
