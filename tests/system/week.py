"""A real week of one-minute bars, played at full speed over a thousand accounts that trade while it runs."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Final

from confluent_kafka import Consumer, Producer, TopicPartition
from prometheus_client import CollectorRegistry

from bench._workload import first_instruments
from market_data.bars import Walk
from market_data.clock import SystemClock
from market_data.feed import FeedEnded, FeedItem, FeedQuote
from market_data.metrics import FeedMetrics
from market_data.outbox import PriceOutbox
from market_data.pacing import PriceIntervals
from market_data.publisher import PricePublisher
from market_data.quote_board import QuoteBoard
from market_data.recording import Recording
from runtime.kafka import command_producer_options, reader_options
from runtime.settings import Settings
from schemas.codec import decode_event
from schemas.commands import AmendStops, ClosePosition, OpenAccount, OpenPosition
from schemas.events import PositionClosed, PositionOpened
from schemas.ids import open_account_id
from schemas.instruments import BY_SYMBOL
from schemas.messages import Side
from schemas.topics import EVENTS
from schemas.units import MICROS_PER_USDC
from tests.market_data.ledgers import ledger_of
from tests.system.exchange import CommandWriter

SYMBOL: Final = "BTC_USDC"
FIRST_HOUR_TICKS: Final = 60 * 4
ACCOUNTS: Final = 1_000
POSITIONS: Final = 2_000
TRADE_EVERY: Final = 20  # ticks between two orders while the week goes on
SPREAD_BPS: Final = 2


class Clients:
    """A thousand accounts that open, amend and close at random; seeded, so that a failure can be played again."""

    def __init__(self, settings: Settings, seed: int) -> None:
        self._writer = CommandWriter(settings)
        self._dice = random.Random(seed)
        self._accounts = [f"account-{number:04}" for number in range(ACCOUNTS)]
        self._orders = 0
        self._open: dict[str, str] = {}
        self._events = Consumer(reader_options(settings, "test-clients"))
        self._events.assign([TopicPartition(EVENTS, shard, 0) for shard in range(settings.shards)])
        for shard in range(settings.shards):
            self._writer.send(first_instruments(shard))
        self._writer.flush()

    def open_accounts(self) -> None:
        """Give everyone 20,000 USDC."""
        for account_id in self._accounts:
            self._writer.send(
                OpenAccount(
                    command_id=open_account_id(account_id),
                    account_id=account_id,
                    first_deposit=20_000 * MICROS_PER_USDC,
                )
            )

    def open_position(self, price: int) -> None:
        """Open at 1x to 100x, long or short, sometimes with stops. price: about where the market is, in ticks."""
        side: Side = "long" if self._dice.random() < 0.5 else "short"
        away = price * self._dice.randint(2, 60) // 1_000
        against, favour = (price - away, price + 2 * away) if side == "long" else (price + away, price - 2 * away)
        self._orders += 1
        self._writer.send(
            OpenPosition(
                command_id=f"order-{self._orders}",
                account_id=self._dice.choice(self._accounts),
                symbol=SYMBOL,
                side=side,
                margin=self._dice.randint(10, 1_000) * MICROS_PER_USDC,
                leverage=self._dice.randint(100, 10_000),
                stop_loss=against if self._dice.random() < 0.4 else None,
                take_profit=favour if self._dice.random() < 0.4 else None,
            )
        )

    def trade(self, price: int) -> None:
        """Open, amend, close, or try to close what is another's."""
        self._look()
        choice = self._dice.random()
        if choice < 0.5 or not self._open:
            self.open_position(price)
            return
        position_id = self._dice.choice(list(self._open))
        owner = self._open[position_id] if choice < 0.95 else self._dice.choice(self._accounts)
        self._orders += 1
        if choice < 0.6:
            self._writer.send(
                AmendStops(
                    command_id=f"order-{self._orders}",
                    account_id=owner,
                    position_id=position_id,
                    amend_stop_loss=True,
                    stop_loss=price * self._dice.choice((97, 103)) // 100,
                    amend_take_profit=False,
                )
            )
        else:
            self._writer.send(
                ClosePosition(command_id=f"order-{self._orders}", account_id=owner, position_id=position_id)
            )

    def flush(self) -> None:
        """Wait until the broker has every order."""
        self._writer.flush()

    def close(self) -> None:
        """Let go of the broker."""
        self._writer.flush()
        self._events.close()

    def _look(self) -> None:
        """See which positions exist by now."""
        for message in self._events.consume(1_000, 0):
            if message.error() is not None:
                continue
            value = message.value()
            assert isinstance(value, bytes)
            event = decode_event(value)
            if isinstance(event, PositionOpened):
                assert event.account_id is not None
                self._open[event.position_id] = event.account_id
            elif isinstance(event, PositionClosed):
                self._open.pop(event.position_id, None)


class WeekFeed:
    """The week as a feed whose quotes are taken as fast as they are published; `between` is called after each."""

    name = "recorded"
    live = False

    def __init__(self, run: str, quotes: Iterator[FeedQuote], between: Callable[[int, FeedQuote], None]) -> None:
        self.run = run
        self._quotes = quotes
        self._between = between

    async def items(self) -> AsyncIterator[FeedItem]:
        """Quote the week; what happens between two quotes is up to the test."""
        for count, quote in enumerate(self._quotes, 1):
            yield quote
            self._between(count, quote)
            await asyncio.sleep(0)
        yield FeedEnded()


def play(
    settings: Settings, bars: Path, clients: Clients, meanwhile: Callable[[int], None], ticks_max: int | None = None
) -> int:
    """Publish the first hour, open the positions, publish the rest while others trade; gives the number of ticks."""
    played = 0

    def between(count: int, quote: FeedQuote) -> None:
        nonlocal played
        played = count
        price = int(float(quote.bid) * 10 ** BY_SYMBOL[SYMBOL].tick_exponent)
        if count == FIRST_HOUR_TICKS:
            clients.open_accounts()
            for _ in range(POSITIONS):
                clients.open_position(price)
        elif count > FIRST_HOUR_TICKS and count % TRADE_EVERY == 0:
            clients.trade(price)
        meanwhile(count)

    quotes = islice(Recording(bars, Walk(SPREAD_BPS, step_us=None)).quotes(), ticks_max)
    asyncio.run(_publish(settings, WeekFeed("the-week", quotes, between)))
    clients.flush()
    return played


async def _publish(settings: Settings, feed: WeekFeed) -> None:
    clock = SystemClock()
    outbox = PriceOutbox(Producer(command_producer_options(settings)), clock)
    publisher = PricePublisher(
        feed=feed,  # type: ignore[arg-type]  # Its attributes are plain where the protocol has properties.
        ledger=ledger_of(SYMBOL, shards=settings.shards),
        intervals=PriceIntervals(0.0, 0.0),
        outbox=outbox,
        clock=clock,
        metrics=FeedMetrics(CollectorRegistry()),
        board=QuoteBoard(clock),
    )
    await publisher.select_feed()
    await publisher.follow()
    await outbox.wait_until_confirmed()
