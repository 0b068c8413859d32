"""Seed 001's interface but for its engine and its users: its README's logins, its price and its candles."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Final

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel
from starlette.responses import Response
from starlette.routing import Match
from starlette.types import Scope

from api.app_state import StateDep
from api.auth.cross_site import refuse_cross_site
from api.compat import candles
from api.compat.declared import ANYONE, NEW_USER, SIGNED_IN, SIGNED_UP
from api.compat.names import instrument_named, short
from api.compat.replies import encoded
from api.compat.routes import Seed001Route
from api.compat.sessions import SignIn, SignUp, Welcome, sign_in, sign_up, welcome
from api.dispatch.dispatcher import DispatcherDep
from api.http.amounts import mid
from api.http.problems import DATABASE_UNAVAILABLE, MALFORMED, RATE_LIMITED, REFUSALS, ApiError, responses
from api.http.seed_clients import PORT_OF_SEED_001, port_of
from schemas.messages import Instrument
from schemas.rejections import Rejection
from schemas.units import parse

SCALES: Final = {"BTC": 4, "ETH": 6, "SOL": 6}
PLACES: Final = 6  # of any other, unless its mid has more
CANDLES: Final = timedelta(hours=24)


class AssetPrice(BaseModel):
    """The mid, as an integer of 10^-decimal."""

    asset: str
    price: str
    decimal: int


class SeedKline(BaseModel, title="Kline"):
    """A candle as Backpack writes it. volume, quoteVolume: 0, for none are known here."""

    start: str
    end: str
    open: str
    high: str
    low: str
    close: str
    volume: str = "0"
    quoteVolume: str = "0"  # noqa: N815
    trades: str


class AssetRoute(Seed001Route):
    """A route that is asked only with `asset=`, or at this seed's port: the same path without is the canonical one."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        if b"asset=" not in scope.get("query_string", b"") and port_of(scope) != PORT_OF_SEED_001:
            return Match.NONE, {}
        return super().matches(scope)


router = APIRouter(tags=["seed 001"], route_class=Seed001Route)
klines = APIRouter(tags=["seed 001"], route_class=AssetRoute)


@router.post(
    "/api/v1/auth/signup",
    status_code=201,
    response_model=Welcome,
    responses=Seed001Route.refusals(*SIGNED_UP),
    dependencies=NEW_USER,
)
async def signup(state: StateDep, dispatcher: DispatcherDep, request: Request, body: SignUp) -> Response:
    """Make a user and their account, and sign them in for a day."""
    refuse_cross_site(request, state.settings)
    session = await sign_up(state, dispatcher, request, body)
    return welcome(state, session, request, "authToken", "Signed up", 201)


@router.post(
    "/api/v1/auth/signin", response_model=Welcome, responses=Seed001Route.refusals(*SIGNED_IN), dependencies=ANYONE
)
async def signin(state: StateDep, dispatcher: DispatcherDep, request: Request, body: SignIn) -> Response:
    """Sign in for a day."""
    refuse_cross_site(request, state.settings)
    session = await sign_in(state, dispatcher, request, body)
    return welcome(state, session, request, "authToken", "Signed in")


@router.get(
    "/api/v1/price",
    responses=Seed001Route.refusals(
        MALFORMED, REFUSALS[Rejection.SYMBOL_UNKNOWN], REFUSALS[Rejection.NO_PRICE], DATABASE_UNAVAILABLE, RATE_LIMITED
    ),
    dependencies=ANYONE,
)
async def price(state: StateDep, asset: Annotated[str, Query(max_length=32, examples=["SOL_USDC"])]) -> AssetPrice:
    """Give the last price, however old: a ticker says how old."""
    instrument = instrument_named(state, asset, "asset")
    quote = state.prices.quote(instrument.symbol)
    if quote is None:
        raise ApiError(REFUSALS[Rejection.NO_PRICE])
    return price_of(instrument, quote.bid + quote.ask)


def price_of(instrument: Instrument, doubled: int) -> AssetPrice:
    """Write a mid, given bid + ask in ticks: with as many places as the seed had for the asset, or as it needs."""
    places = SCALES.get(short(instrument.symbol), max(PLACES, instrument.tick_exponent + 1))
    return AssetPrice(asset=instrument.symbol, price=str(parse(mid(instrument, doubled), places)), decimal=places)


@klines.get(
    "/api/v1/candles",
    response_model=list[SeedKline],
    # Without `asset=` it is the canonical route that answers, and says that it wants a symbol.
    responses=Seed001Route.refusals(MALFORMED, REFUSALS[Rejection.SYMBOL_UNKNOWN], DATABASE_UNAVAILABLE, RATE_LIMITED)
    | responses(MALFORMED),
    dependencies=ANYONE,
)
async def last_klines(
    state: StateDep,
    asset: Annotated[str, Query(max_length=32, examples=["SOL"])],
    interval: Annotated[str, Query(max_length=8)] = "1h",
) -> Response:
    """Give the candles of the last 24 hours, oldest first, as Backpack writes them."""
    known = candles.interval_of("interval", interval)
    found = await candles.oldest_first(state, asset, known, datetime.now(UTC) - CANDLES, None)
    return encoded(
        [
            SeedKline(
                start=candles.written(candle.start),
                end=candles.written(candle.end),
                open=candle.open,
                high=candle.high,
                low=candle.low,
                close=candle.close,
                trades=str(candle.ticks),
            ).model_dump()
            for candle in found
        ]
    )
