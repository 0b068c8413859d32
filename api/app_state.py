"""What the API consists of: built once by main, and passed to every request."""

import asyncio
from typing import Annotated, NamedTuple

from fastapi import Depends, Request

from api.credentials.passwords import Passwords
from api.credentials.throttle import Throttle
from api.credentials.tokens import Tokens
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
from api.log.venue_channel import VenueChannel
from api.store.database import Database
from api.store.day_stats import DayStatsCache
from runtime.settings import Settings


class AppState(NamedTuple):
    """One of each."""

    settings: Settings
    database: Database
    prices: PriceCache
    bus: EventBus
    outcomes: Outcomes
    engine_lag: EngineLag
    producer: CommandProducer
    broadcasts: Broadcasts
    passwords: Passwords
    tokens: Tokens
    throttle: Throttle
    deletions: asyncio.Event  # set when a user has just asked to be deleted
    day_stats: DayStatsCache
    recent_positions: RecentPositions
    last_seen: LastSeen
    metrics: ApiMetrics
    venue: VenueChannel
    rate_limits: RateLimits


async def app_state_of(request: Request) -> AppState:
    """Give the parts of the application a request came to."""
    state: AppState = request.app.state.api
    return state


StateDep = Annotated[AppState, Depends(app_state_of)]
