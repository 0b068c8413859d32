"""How price alerts are made, listed and deleted."""

import asyncio
from functools import partial
from time import monotonic
from typing import Final, NamedTuple
from uuid import UUID, uuid4

from sqlalchemy import ColumnElement, Connection

from api.alerts.schemas import Alert, AlertRequest, Alerts, alert_reply
from api.auth.caller import SignedInUser
from api.http.amounts import mid, price
from api.http.cursors import read_cursor, write_cursor
from api.http.numbers import units_of
from api.http.problems import (
    ALERT_REACHED,
    PROJECTION_BEHIND,
    REFUSALS,
    TOO_MANY_ALERTS,
    ApiError,
    malformed,
    not_found,
)
from api.http.times import now
from api.log.outcomes import Outcomes
from api.log.price_cache import PriceCache
from api.store import counts
from api.store.database import Database
from api.store.users import is_not_deleted
from projector.queries import alert_queries
from projector.queries.alert_queries import AlertRow, Direction, NewAlert, Status
from schemas.ids import keyed_alert_id
from schemas.messages import Instrument
from schemas.rejections import Rejection
from schemas.sharding import PRICE_SHARD

ACTIVE_MAX: Final = 50
PATIENCE_S: Final = 2.0
PAUSE_S: Final = 0.05


class CreatedAlert(NamedTuple):
    """An alert; replayed: by the same request sent before."""

    alert: Alert
    replayed: bool = False


async def create(
    database: Database,
    outcomes: Outcomes,
    prices: PriceCache,
    caller: SignedInUser,
    request: AlertRequest,
    key: str | None = None,
) -> CreatedAlert:
    """Store an alert that the next price may trigger; where it is reached already, it is refused.

    What a key made before is given again, as it is now: it may have triggered since, and its price be reached.
    """
    give_up = monotonic() + PATIENCE_S
    account_id, provided = caller.account_id, is_not_deleted(caller.user.user_id)
    alert_id = uuid4() if key is None else UUID(keyed_alert_id(account_id, key))
    is_full = False
    while True:
        before = None if key is None else await _created_before(database, prices, account_id, alert_id, request)
        if before is not None:
            return CreatedAlert(before, replayed=True)
        if is_full:
            detail = f"You have {ACTIVE_MAX} active alerts, as many as a user may have; delete one first"
            raise ApiError(TOO_MANY_ALERTS, detail, details={"active_alerts_max": ACTIVE_MAX})
        # In this order: the price is of this event or a later one, so that none after it is missed.
        seen = outcomes.seq(PRICE_SHARD)
        alert = _judged(prices, account_id, alert_id, request)
        row = await database.ask_in_transaction(partial(_added, alert=alert, seen=seen, provided=provided))
        if row is not None:
            return CreatedAlert(alert_reply(row, prices.instruments))
        is_full = await database.ask(lambda db: alert_queries.active_count(db, account_id)) >= ACTIVE_MAX
        if is_full:
            continue  # The last that fitted in may be this key's.
        if monotonic() > give_up:
            raise ApiError(
                PROJECTION_BEHIND, "The tables and the prices are too far apart to begin an alert; try again"
            )
        # The tables have a price already that this process has not: read it, and judge again.
        await asyncio.sleep(PAUSE_S)


async def page(
    database: Database, prices: PriceCache, account_id: str, status: Status | None, limit: int, cursor: str | None
) -> Alerts:
    """List the caller's alerts."""
    question = f"alerts~{status or ''}"
    before = read_cursor(question, cursor)
    found = await database.ask(
        lambda db: alert_queries.alert_page(db, account_id, status=status, limit=limit, before=before)
    )
    return Alerts(
        items=[alert_reply(row, prices.instruments) for row in found.items],
        next_cursor=write_cursor(question, found.next_cursor),
    )


async def find(database: Database, prices: PriceCache, account_id: str, alert_id: str) -> Alert:
    """Give one of the caller's alerts."""
    wanted = _uuid(alert_id)
    row = await database.ask(lambda db: alert_queries.find_alert(db, account_id, wanted))
    if row is None:
        raise not_found("alert", alert_id)
    return alert_reply(row, prices.instruments)


async def remove(database: Database, account_id: str, alert_id: str) -> None:
    """Delete one of the caller's alerts, active or triggered."""
    wanted = _uuid(alert_id)
    if not await database.ask(lambda db: alert_queries.remove_alert(db, account_id, wanted)):
        raise not_found("alert", alert_id)


def _added(db: Connection, alert: NewAlert, seen: int, provided: ColumnElement[bool]) -> AlertRow | None:
    """Store an alert if it is not one too many."""
    counts.hold(db, f"alerts of {alert.account_id}")
    return alert_queries.add_alert(db, alert, seen=seen, most=ACTIVE_MAX, provided=provided)


async def _created_before(
    database: Database, prices: PriceCache, account_id: str, alert_id: UUID, request: AlertRequest
) -> Alert | None:
    """Find the alert a key made; 422 where that was another one."""
    row = await database.ask(lambda db: alert_queries.find_alert(db, account_id, alert_id))
    if row is None:
        return None
    instrument = prices.instruments[row.symbol]
    is_same = (
        request.symbol == row.symbol
        and request.direction in (None, row.direction)
        and units_of("/price", request.price, instrument.tick_exponent) == row.price
        and request.note == row.note
    )
    if not is_same:
        raise ApiError(REFUSALS[Rejection.COMMAND_ID_REUSED])
    return alert_reply(row, prices.instruments)


def _judged(prices: PriceCache, account_id: str, alert_id: UUID, request: AlertRequest) -> NewAlert:
    """Write an alert in the ledger's units, its direction as the price is now; or refuse what can never be awaited."""
    instrument = prices.instruments.get(request.symbol)
    if instrument is None:
        raise ApiError(REFUSALS[Rejection.SYMBOL_UNKNOWN], f"There is no instrument {request.symbol!r}")
    ticks = units_of("/price", request.price, instrument.tick_exponent)
    if ticks <= 0:
        raise malformed("/price", "must be above zero")
    quote = prices.quote(request.symbol)
    if quote is None:
        raise ApiError(REFUSALS[Rejection.NO_PRICE])
    doubled = quote.bid + quote.ask
    direction = request.direction or ("above" if doubled < 2 * ticks else "below")
    if doubled >= 2 * ticks if direction == "above" else doubled <= 2 * ticks:
        raise _reached(instrument, doubled, ticks, direction)
    return NewAlert(alert_id, account_id, request.symbol, direction, ticks, request.note, now())


def _reached(instrument: Instrument, doubled: int, ticks: int, direction: Direction) -> ApiError:
    current, wanted_price = mid(instrument, doubled), price(instrument, ticks)
    if doubled == 2 * ticks:
        advice = "choose another price"
    else:
        advice = f"choose a {'higher' if direction == 'above' else 'lower'} price, or leave `direction` out"
    return ApiError(
        ALERT_REACHED,
        f"The mid of {instrument.symbol} is {current}, {_where(doubled, ticks)} {wanted_price}: {advice}",
        mid=current,
    )


def _where(doubled: int, ticks: int) -> str:
    if doubled == 2 * ticks:
        return "exactly"
    return "above" if doubled > 2 * ticks else "below"


def _uuid(alert_id: str) -> UUID:
    """What is no id names nothing."""
    try:
        return UUID(alert_id)
    except ValueError as error:
        raise not_found("alert", alert_id) from error
