"""What the API consists of: built once by main, and passed to every request."""

import asyncio
from typing import Annotated, NamedTuple

from fastapi import Depends, Request

from api.credentials.passwords import Passwords
from api.credentials.throttle import Throttle
from api.credentials.tokens import Tokens
from api.http.metrics import Metrics
from api.http.rate_limits import RateLimits
from api.log.broadcasts import Broadcasts
from api.log.command_producer import CommandLog
from api.log.engine_lag import CommandEnds
from api.log.event_bus import Bus
from api.log.last_seen import Told
from api.log.outcomes import Outcomes
from api.log.price_cache import Prices
from api.log.recent_positions import Tickets
from api.log.venue_channel import VenueChannel
from api.store.database import Database
from api.store.day_stats import Days
from runtime.settings import Settings


class Parts(NamedTuple):
    """One of each."""

    settings: Settings
    database: Database
    prices: Prices
    bus: Bus
    outcomes: Outcomes
    ends: CommandEnds
    command_log: CommandLog
    broadcasts: Broadcasts
    passwords: Passwords
    tokens: Tokens
    throttle: Throttle
    deletions: asyncio.Event  # set when a user has just asked to be deleted
    days: Days
    tickets: Tickets
    told: Told
    metrics: Metrics
    venue: VenueChannel
    rate_limits: RateLimits


async def parts_of(request: Request) -> Parts:
    """Give the parts of the application a request came to."""
    parts: Parts = request.app.state.parts
    return parts


Api = Annotated[Parts, Depends(parts_of)]
