"""How the API is built from its settings, served, and stopped."""

import asyncio
import signal
from collections.abc import Awaitable, Callable
from time import monotonic
from typing import Final

import structlog
from confluent_kafka import KafkaException
from sqlalchemy import Connection
from sqlalchemy.exc import OperationalError, ProgrammingError
from starlette.types import ASGIApp

from api.app import create_app, create_pages, with_cors
from api.app_state import AppState
from api.auth.counting import Counting
from api.credentials.credentials import Credentials
from api.credentials.passwords import Passwords
from api.credentials.throttle import Throttle
from api.credentials.tokens import Tokens
from api.http.listening import listening
from api.http.metrics import ApiMetrics
from api.http.rate_limits import RateLimits
from api.log.broadcasts import Broadcasts
from api.log.command_producer import CommandProducer
from api.log.engine_lag import EngineLag
from api.log.event_bus import EventBus
from api.log.last_seen import LastSeen
from api.log.outcomes import Outcomes
from api.log.price_cache import CachedQuote, PriceCache
from api.log.recent_positions import RecentPositions
from api.log.replay_channel import ReplayChannel
from api.log.sent_commands import SentCommands
from api.log.venue_channel import VenueChannel
from api.store import journal
from api.store.database import Database, DatabaseSilentError
from api.store.day_stats import DayStatsCache
from api.store.failed_logins import FailedLogins
from api.store.known_sessions import KnownSessions
from api.store.migrate import migrate
from api.stream.protocol import MESSAGE_MAX, QuietWebSockets
from api.stream.sockets import Sockets
from api.transfers.carrying import TransferCarrier
from api.users.closing import AccountCloser
from projector import queries
from runtime import logging
from runtime.cluster import ClusterWatch
from runtime.errors import FixableError
from runtime.garbage import collect_seldom, keep_for_good
from runtime.http_config import ServerConfig
from runtime.http_connections import Connections
from runtime.http_headers import SecurityHeaders
from runtime.http_server import Server, connections_within, page_server, serve_pages, server_config
from runtime.secret_strength import HOW, require_strong
from runtime.settings import Settings
from runtime.vault import key_of

START_TIMEOUT_S: Final = 30.0
WATCH_S: Final = 1.0


def main(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT; FixableError where it cannot start."""
    logging.configure("api", settings.log_level)
    collect_seldom()
    secret, retired = jwt_secret(settings), retired_secrets(settings)
    key_of(settings)
    with asyncio.Runner(loop_factory=uvloop_loop) as runner:
        runner.run(_serve(settings, secret, retired))


def jwt_secret(settings: Settings) -> str:
    """Give the secret that signs tokens, or refuse to start."""
    if not settings.jwt_secret:
        raise FixableError(f"JWT_SECRET is not set, and `reprise up` did not make one in the data folder. {HOW}")
    return require_strong("JWT_SECRET", settings.jwt_secret, settings.profile)


def retired_secrets(settings: Settings) -> tuple[str, ...]:
    """Give the secrets whose tokens are still believed, which must be as good; or refuse to start."""
    return tuple(
        require_strong("JWT_SECRETS_RETIRED", secret, settings.profile) for secret in settings.jwt_secrets_retired
    )


def build(settings: Settings, secret: str, retired: tuple[str, ...] = ()) -> AppState:
    """Make every part; nothing is started."""
    database = Database(settings.database_url, settings.api_workers)
    prices = PriceCache()
    bus = EventBus()
    outcomes = Outcomes(settings, prices, bus)
    sent = SentCommands()
    cluster = ClusterWatch(settings)
    producer = CommandProducer(settings, sent, cluster)
    engine_lag = EngineLag(settings, outcomes)
    tokens = Tokens(secret, *retired)
    return AppState(
        settings=settings,
        database=database,
        sessions=KnownSessions(database),
        prices=prices,
        bus=bus,
        outcomes=outcomes,
        engine_lag=engine_lag,
        producer=producer,
        sent=sent,
        broadcasts=Broadcasts(database, producer, outcomes, engine_lag, settings.shards),
        credentials=Credentials(Passwords(), tokens, Throttle(FailedLogins(database), tokens.name_hash)),
        deletions=asyncio.Event(),
        day_stats=DayStatsCache(database),
        recent_positions=RecentPositions(),
        last_seen=LastSeen(),
        metrics=ApiMetrics(),
        venue=VenueChannel(settings, cluster),
        replay=ReplayChannel(settings, secret),
        cluster=cluster,
        rate_limits=RateLimits(settings, tokens.name_hash if settings.api_workers > 1 else None),
    )


async def start(state: AppState) -> None:
    """Take up prices and the log's end, and begin to follow; FixableError where something stays missing."""
    loop = asyncio.get_running_loop()
    url, profile = state.settings.database_url, state.settings.profile
    await asyncio.to_thread(state.cluster.require_same)
    await _retried(lambda: asyncio.to_thread(migrate, url))
    await _retried(lambda: state.database.ask_in_transaction(lambda db: journal.note_profile(db, profile)))
    await _retried(lambda: state.database.ask(lambda db: _take_prices(state.prices, db)))
    await _retried(lambda: asyncio.to_thread(state.outcomes.start, loop))
    await _retried(lambda: asyncio.to_thread(state.venue.start, loop))
    state.engine_lag.start()
    state.cluster.start()
    state.producer.start(loop)


async def stop(state: AppState) -> None:
    """Send what waits, then close everything."""
    await asyncio.to_thread(state.producer.stop)
    await asyncio.to_thread(state.cluster.stop)
    await asyncio.to_thread(state.venue.stop)
    await asyncio.to_thread(state.outcomes.stop)
    await asyncio.to_thread(state.engine_lag.stop)
    await state.replay.close()
    state.database.close()


def uvloop_loop() -> asyncio.AbstractEventLoop:
    """Make the loop the API runs on."""
    import uvloop  # noqa: PLC0415

    return uvloop.new_event_loop()


def config_of(app: ASGIApp, settings: Settings) -> ServerConfig:
    """Give what the API is served with, and within."""
    most = connections_within(settings.http_connections)
    if most < settings.http_connections:
        structlog.get_logger().warning("fewer connections than HTTP_CONNECTIONS, by this process's limit", most=most)
    return server_config(
        app,
        Connections(most, settings.http_connections_of_address, settings.trusted_proxies),
        lambda refusing: SecurityHeaders(with_cors(refusing, settings)),
        settings.http_head_timeout_ms / 1000,
        settings.http_body_timeout_ms / 1000,
        ws=QuietWebSockets,
        ws_max_size=MESSAGE_MAX,
        ws_ping_interval=settings.ws_ping_interval_ms / 1000,
        ws_ping_timeout=settings.ws_ping_timeout_ms / 1000,
        # A stream of small messages to a thousand sockets has no time for it.
        ws_per_message_deflate=False,
        # Limits by address are for who asks, not for the proxy in front; but only that one is believed.
        forwarded_allow_ips=settings.trusted_proxies,
    )


async def _serve(settings: Settings, secret: str, retired: tuple[str, ...]) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    state = build(settings, secret, retired)
    starting = asyncio.create_task(start(state))
    stopping = asyncio.create_task(stopped.wait())
    await asyncio.wait((starting, stopping), return_when=asyncio.FIRST_COMPLETED)
    if not starting.done():
        starting.cancel()
        return
    starting.result()
    try:
        await _until(state, stopping)
    finally:
        stopping.cancel()
        await stop(state)


async def _until(state: AppState, stopping: asyncio.Task[bool]) -> None:
    """Serve until a signal to stop; FixableError where that cannot begin, or cannot go on."""
    places = listening(state.settings)
    app = create_app(state)
    sockets: Sockets = app.state.sockets
    server = Server(config_of(app, state.settings))
    pages = _Pages(state)
    pages.start()
    sending = asyncio.create_task(state.broadcasts.send_for_ever())
    closing = asyncio.create_task(AccountCloser(state, app.state.dispatcher).close_for_ever())
    carrying = asyncio.create_task(TransferCarrier(app.state.dispatcher, state.database).carry_for_ever())
    counting = asyncio.create_task(
        Counting(state.database, state.rate_limits.counts, state.settings.api_workers).count_for_ever()
    )
    keep_for_good()
    serving = asyncio.create_task(server.serve(places))
    reading = asyncio.create_task(_until_reading_ends(state))
    streaming = asyncio.create_task(sockets.run_for_ever())
    try:
        await asyncio.wait((serving, reading, streaming, stopping), return_when=asyncio.FIRST_COMPLETED)
        await sockets.shut_down()
        server.should_exit = True
        await serving
        await pages.stop()
    finally:
        for task in (sending, closing, carrying, counting, reading, streaming):
            task.cancel()
        await asyncio.gather(sending, closing, carrying, counting, reading, streaming, return_exceptions=True)
    if not streaming.cancelled():
        streaming.result()
    if not stopping.done():
        raise FixableError("The engine's events could no longer be read; the process manager starts a new API.")


class _Pages:
    """Health and metrics on a port of their own, which no flood of clients reaches."""

    def __init__(self, state: AppState) -> None:
        self._settings = state.settings
        self._server = page_server(create_pages(state))
        self._serving: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to serve where the settings say a port, once no other process has it."""
        host, port = self._settings.api_pages_host, self._settings.api_pages_port
        if port is not None:
            self._serving = asyncio.create_task(serve_pages(self._server, host, port))

    async def stop(self) -> None:
        """Answer what was asked, and end."""
        if self._serving is not None:
            self._server.should_exit = True
            await self._serving


async def _until_reading_ends(state: AppState) -> None:
    """Last as long as events are read: without them replies would wait for nothing."""
    while state.outcomes.is_reading():  # noqa: ASYNC110  # It is a thread that ends.
        await asyncio.sleep(WATCH_S)


async def _retried(step: Callable[[], Awaitable[None]]) -> None:
    """Try a step of the start again while what it needs may still be starting beside it."""
    give_up = monotonic() + START_TIMEOUT_S
    while True:
        try:
            await step()
        except (OperationalError, DatabaseSilentError, ProgrammingError, KafkaException) as error:
            if monotonic() > give_up:
                raise _what_to_do(error) from error
            structlog.get_logger().warning("not started yet", error=str(error.args[0]))
            await asyncio.sleep(WATCH_S)
        else:
            return


def _what_to_do(error: Exception) -> FixableError:
    match error:
        case ProgrammingError():
            return FixableError("The database has no tables of this version. Run `reprise migrate`.")
        case OperationalError() | DatabaseSilentError():
            return FixableError("PostgreSQL does not answer. Start it (`reprise up`), or set DATABASE_URL.")
        case _:
            return FixableError(
                f"The log cannot be read ({error.args[0]}). Start the broker (`reprise up`), "
                "make the topics (`reprise topics`), or set KAFKA_BROKERS."
            )


def _take_prices(prices: PriceCache, db: Connection) -> None:
    for row in queries.instruments(db):
        prices.instruments[row.instrument.symbol] = row.instrument
        prices.set_status(row.instrument.symbol, row.status)
    feed = queries.last_feed(db)
    prices.feed = None if feed is None else feed.name
    for price in queries.last_prices(db).values():
        if price.bid is not None and price.ask is not None and price.heard_at is not None and price.feed is not None:
            quote = CachedQuote(price.bid, price.ask, price.heard_at, price.feed, price.feed_changed, price.held_at)
            prices.start_from(price.symbol, quote)
