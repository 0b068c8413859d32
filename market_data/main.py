"""What market data consists of, and how it is started and stopped."""

import asyncio
import signal
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any, Final

import structlog
import uvloop
from confluent_kafka import KafkaException, Producer
from prometheus_client import REGISTRY

from market_data.clock import SystemClock
from market_data.feed_selection import choose_feed
from market_data.ledger import FollowedLedger
from market_data.ledger_reader import LedgerReader
from market_data.metrics import FeedMetrics
from market_data.outbox import PriceOutbox
from market_data.pacing import price_intervals
from market_data.publisher import PricePublisher
from market_data.quote_board import QuoteBoard
from runtime.errors import FixableError
from runtime.kafka import command_producer_options
from runtime.logging import configure
from runtime.pages import Pages
from runtime.settings import Settings
from runtime.topics import require_topics
from schemas.topics import COMMANDS

FLUSH_TIMEOUT_S: Final = 10.0

log = structlog.get_logger(__name__)


def main(settings: Settings) -> None:
    """Publish one feed until SIGTERM or SIGINT. A recording that ended leaves it running: its pages say so."""
    configure("market-data", settings.log_level)
    require_topics(settings, COMMANDS)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(settings))


async def _serve(settings: Settings) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    clock = SystemClock()
    metrics, board = FeedMetrics(REGISTRY), QuoteBoard(clock)
    outbox = PriceOutbox(Producer(command_producer_options(settings, "reprise-market-data")), clock)
    pages = Pages(settings.market_data_host, settings.market_data_port, board.readiness, board.status)
    pages.start()
    try:
        await _run_until(stop, _publish(settings, outbox, clock, metrics, board))
    except KafkaException as error:
        raise FixableError(f"Kafka did not take what was sent; is KAFKA_BROKERS right? {error}") from error
    finally:
        unconfirmed = outbox.flush(FLUSH_TIMEOUT_S)
        log.info("market data stopped", unconfirmed_records=unconfirmed)
        pages.stop()


async def _publish(
    settings: Settings, outbox: PriceOutbox, clock: SystemClock, metrics: FeedMetrics, board: QuoteBoard
) -> None:
    ledger = FollowedLedger(settings.shards, settings.symbols)
    reader = LedgerReader(settings, ledger, clock)
    try:
        await asyncio.to_thread(reader.begin)
        await _together(reader.follow(), _publish_prices(settings, ledger, reader, outbox, clock, metrics, board))
    finally:
        reader.close()


async def _publish_prices(
    settings: Settings,
    ledger: FollowedLedger,
    reader: LedgerReader,
    outbox: PriceOutbox,
    clock: SystemClock,
    metrics: FeedMetrics,
    board: QuoteBoard,
) -> None:
    await reader.wait_until_known()
    feed = await choose_feed(settings, ledger, clock, metrics)
    publisher = PricePublisher(feed, ledger, price_intervals(settings), outbox, clock, metrics, board)
    await publisher.select_feed()
    await _together(
        publisher.follow(),
        publisher.send_due_periodically(),
        outbox.poll_periodically(),
        ledger.warn_periodically(clock),
    )


async def _together(*work: Coroutine[Any, Any, None]) -> None:
    """Do all of it at once; an error of one ends the others, and is raised as it was."""
    tasks = [asyncio.create_task(part) for part in work]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _run_until(stop: asyncio.Event, work: Coroutine[Any, Any, None]) -> None:
    """Work until told to stop; an error of the work ends it, and is raised as it was."""
    working, stopping = asyncio.create_task(work), asyncio.create_task(stop.wait())
    await asyncio.wait((working, stopping), return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if not working.done():
        working.cancel()
    with suppress(asyncio.CancelledError):
        await working
