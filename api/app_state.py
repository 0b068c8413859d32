"""What main builds once: one of each thing that lives as long as the process, and how an endpoint asks for one."""

import asyncio
from typing import Annotated, Any, NamedTuple

from fastapi import Depends, Request

from api.credentials.credentials import Credentials
from api.http.metrics import ApiMetrics
from api.http.rate_limits import RateLimits
from api.log.broadcasts import Broadcasts
from api.log.command_producer import CommandProducer
from api.log.engine_lag import EngineLag
from api.log.event_bus import EventBus
from api.log.last_seen import LastSeen
from api.log.outcomes import Outcomes
from api.log.price_cache import PriceCache
from api.log.recent_positions import RecentPositions
from api.log.replay_channel import ReplayChannel
from api.log.sent_commands import SentCommands
from api.log.venue_channel import VenueChannel
from api.store.database import Database
from api.store.day_stats import DayStatsCache
from api.store.known_sessions import KnownSessions
from runtime.cluster import ClusterWatch
from runtime.settings import Settings


class AppState(NamedTuple):
    """One of each; nothing of it is started by being built."""

    settings: Settings
    database: Database
    sessions: KnownSessions
    prices: PriceCache
    bus: EventBus
    outcomes: Outcomes
    engine_lag: EngineLag
    producer: CommandProducer
    sent: SentCommands
    broadcasts: Broadcasts
    credentials: Credentials
    deletions: asyncio.Event  # set when a user has just asked to be deleted
    day_stats: DayStatsCache
    recent_positions: RecentPositions
    last_seen: LastSeen
    metrics: ApiMetrics
    venue: VenueChannel
    replay: ReplayChannel
    cluster: ClusterWatch
    rate_limits: RateLimits


async def app_state_of(request: Request) -> AppState:
    """Give the state of the application a request came to."""
    state: AppState = request.app.state.api
    return state


def _member(name: str) -> Any:
    """Give the dependency that is one member of the state."""

    async def member(request: Request) -> Any:
        return getattr(request.app.state.api, name)

    return Depends(member)


# Services take what they use, so endpoints ask for just that; the whole state is for what spans the API.
StateDep = Annotated[AppState, Depends(app_state_of)]
SettingsDep = Annotated[Settings, _member("settings")]
DatabaseDep = Annotated[Database, _member("database")]
PricesDep = Annotated[PriceCache, _member("prices")]
OutcomesDep = Annotated[Outcomes, _member("outcomes")]
ClusterDep = Annotated[ClusterWatch, _member("cluster")]
EngineLagDep = Annotated[EngineLag, _member("engine_lag")]
BroadcastsDep = Annotated[Broadcasts, _member("broadcasts")]
CredentialsDep = Annotated[Credentials, _member("credentials")]
DeletionsDep = Annotated[asyncio.Event, _member("deletions")]
DayStatsDep = Annotated[DayStatsCache, _member("day_stats")]
MetricsDep = Annotated[ApiMetrics, _member("metrics")]
ReplayDep = Annotated[ReplayChannel, _member("replay")]
