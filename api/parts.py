"""What the API consists of: built once by main, and passed to every request."""

import asyncio
from typing import Annotated, NamedTuple

from fastapi import Depends, Request

from api.auth.passwords import Passwords
from api.auth.throttle import Throttle
from api.auth.tokens import Tokens
from api.broadcasts import Broadcasts
from api.bus import Bus
from api.command_log import CommandLog
from api.database import Database
from api.ends import CommandEnds
from api.metrics import Metrics
from api.outcomes import Outcomes
from api.positions.tickets import Tickets
from api.prices import Prices
from api.rate_limits import RateLimits
from api.tickers.day import Days
from api.told import Told
from api.venue.channel import VenueChannel
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
