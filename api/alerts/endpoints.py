"""Routes of price alerts."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from api.alerts import service
from api.alerts.schemas import Alert, AlertRequest, Alerts
from api.app_state import DatabaseDep, OutcomesDep, PricesDep
from api.auth.caller import REFUSALS, SCHEMES, Caller
from api.dispatch.read_your_writes import CAUGHT_UP
from api.dispatch.request_options import IdempotencyKey
from api.http.cursors import LIMIT, Cursor, Limit
from api.http.numbers import ExactRoute
from api.http.problems import (
    ALERT_REACHED,
    CROSS_SITE_REQUEST,
    MALFORMED,
    NOT_FOUND,
    PROJECTION_BEHIND,
    REPLAYED,
    TOO_MANY_ALERTS,
    responses,
)
from api.http.problems import REFUSALS as CORE
from projector.queries.alert_queries import Status
from schemas.rejections import Rejection

router = APIRouter(prefix="/alerts", tags=["alerts"], route_class=ExactRoute, dependencies=SCHEMES)

NOT_MADE = (
    *(MALFORMED, CORE[Rejection.COMMAND_ID_REUSED], CORE[Rejection.SYMBOL_UNKNOWN], CORE[Rejection.NO_PRICE]),
    *(ALERT_REACHED, TOO_MANY_ALERTS, CROSS_SITE_REQUEST, PROJECTION_BEHIND),
)


@router.post("", status_code=201, responses=responses(*REFUSALS, *NOT_MADE))
async def create_alert(
    database: DatabaseDep,
    outcomes: OutcomesDep,
    prices: PricesDep,
    caller: Caller,
    body: AlertRequest,
    key: IdempotencyKey,
    response: Response,
) -> Alert:
    """Be told once when the mid gets to a price: over the WebSocket's channel `alerts`, and here by its `status`.

    Every price counts that is accepted from here on, also one the market came back from between two that were told.
    A key makes one alert until you delete that: sent again, it gives the alert as it is then.
    """
    alert, replayed = await service.create(database, outcomes, prices, caller, body, key)
    response.headers["Location"] = f"/api/v1/alerts/{alert.id}"
    if replayed:
        response.headers[REPLAYED] = "true"
    return alert


@router.get("", dependencies=[CAUGHT_UP], responses=responses(*REFUSALS, MALFORMED))
async def list_alerts(
    database: DatabaseDep,
    prices: PricesDep,
    caller: Caller,
    status: Annotated[Status | None, Query(description="all by default")] = None,
    limit: Limit = LIMIT,
    cursor: Cursor = None,
) -> Alerts:
    """List your alerts, the last made first; those that triggered stay until you delete them."""
    return await service.page(database, prices, caller.account_id, status, limit, cursor)


@router.get("/{alert_id}", dependencies=[CAUGHT_UP], responses=responses(*REFUSALS, NOT_FOUND, MALFORMED))
async def get_alert(database: DatabaseDep, prices: PricesDep, caller: Caller, alert_id: str) -> Alert:
    """Give one alert of yours."""
    return await service.find(database, prices, caller.account_id, alert_id)


@router.delete("/{alert_id}", status_code=204, responses=responses(*REFUSALS, CROSS_SITE_REQUEST, NOT_FOUND, MALFORMED))
async def delete_alert(database: DatabaseDep, caller: Caller, alert_id: str) -> None:
    """Delete an alert, whether it has triggered or not."""
    await service.remove(database, caller.account_id, alert_id)
