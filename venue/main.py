"""What the venue worker consists of, and how it is started and stopped."""

import asyncio
import logging
import signal
from typing import Any, Final

import httpx
import structlog
import uvloop
from confluent_kafka import KafkaException
from prometheus_client import REGISTRY

from runtime.addresses import is_local
from runtime.errors import FixableError
from runtime.logging import configure
from runtime.pages import Pages
from runtime.settings import Settings
from runtime.vault import Vault, vault_of
from venue.binance import CONCURRENT_MAX, TIMEOUT_S, Binance
from venue.clock import VenueClock
from venue.keys import KeyStore
from venue.log import EventLog
from venue.order_cache import OrderCache
from venue.order_executor import OrderExecutor
from venue.rate_limits import VenueRateLimits
from venue.trading_rules import TradingRules
from venue.worker import VenueWorker

# Below WARNING these log addresses, headers or frames, and with them keys and signatures.
UNSAFE_LOGGERS: Final = ("httpx", "httpcore", "websockets")

log = structlog.get_logger(__name__)


def main(settings: Settings) -> None:
    """Carry orders to the venue until SIGTERM or SIGINT. Where a second one starts, the first one ends."""
    configure("venue", settings.log_level)
    for name in UNSAFE_LOGGERS:
        logging.getLogger(name).setLevel(logging.WARNING)
    vault = vault_of(settings)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(settings, vault))


async def _serve(settings: Settings, vault: Vault) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    cache, clock = OrderCache(), VenueClock()
    limits = VenueRateLimits(clock.now_ms)
    events, keys = EventLog(settings, cache), KeyStore(settings.database_url, vault)
    async with _client(settings.binance_api_url) as http:
        client = Binance(http, limits, clock, settings.venue_receive_window_ms)
        executor = OrderExecutor(events, client, keys, TradingRules(client), settings.venue_give_up_ms)
        worker = VenueWorker(settings, cache, events, client, keys, executor)
        pages = Pages(settings.venue_host, settings.venue_port, worker.readiness, worker.status, REGISTRY)
        pages.start()
        try:
            await _run_until(stop, worker)
        finally:
            pages.stop()
            events.close()
            keys.close()


async def _run_until(stop: asyncio.Event, worker: VenueWorker) -> None:
    """Work until told to stop; what is not finished then is found in the log by the next worker."""
    working, stopping = asyncio.create_task(worker.run()), asyncio.create_task(stop.wait())
    await asyncio.wait((working, stopping), return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    working.cancel()
    try:
        await working
    except asyncio.CancelledError:
        log.info("venue worker stopped")
    except KafkaException as error:
        raise _log_unusable(error) from error
    except ExceptionGroup as group:
        broken, others = group.split(KafkaException)
        if broken is None or others is not None:
            raise
        raise _log_unusable(broken.exceptions[0]) from group


def _log_unusable(error: Exception) -> FixableError:
    return FixableError(
        f"The log cannot be used any more ({error}): another worker took over, or Kafka does not answer. "
        "The process manager starts this one again."
    )


def _client(url: str) -> httpx.AsyncClient:
    options: dict[str, Any] = {
        "base_url": url,
        "timeout": TIMEOUT_S,
        "limits": httpx.Limits(max_connections=CONCURRENT_MAX, max_keepalive_connections=CONCURRENT_MAX),
    }
    try:
        return httpx.AsyncClient(**options, trust_env=not is_local(url))
    # A SOCKS proxy needs a package that is not installed; another kind of address is none the client knows.
    except (ImportError, ValueError, httpx.InvalidURL) as error:
        why = f"The proxy of the environment cannot be used, so the venue is not reached: {error}"
        log.error(why)  # noqa: TRY400  # One sentence: it is the person's setting.

        # Nothing is sent, and each order ends as it does where the venue cannot be reached.
        async def refuse(request: httpx.Request) -> None:
            raise httpx.ConnectError(why, request=request)

        return httpx.AsyncClient(**options, trust_env=False, event_hooks={"request": [refuse]})
