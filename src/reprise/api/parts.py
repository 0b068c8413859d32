"""What the API consists of: built once by main, and passed to every request."""

import asyncio
from typing import Annotated, NamedTuple

from fastapi import Depends, Request

from reprise.api.auth.passwords import Passwords
from reprise.api.auth.throttle import Throttle
from reprise.api.auth.tokens import Tokens
from reprise.api.broadcasts import Broadcasts
from reprise.api.bus import Bus
from reprise.api.command_log import CommandLog
from reprise.api.database import Database
from reprise.api.ends import CommandEnds
from reprise.api.metrics import Metrics
from reprise.api.outcomes import Outcomes
from reprise.api.positions.tickets import Tickets
from reprise.api.prices import Prices
from reprise.api.rate_limits import RateLimits
from reprise.api.tickers.day import Days
from reprise.api.told import Told
from reprise.api.venue.channel import VenueChannel
from reprise.runtime.settings import Settings


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
