"""Routes of health and metrics, for those who run the API."""

from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST

from api.app_state import BroadcastsDep, ClusterDep, DatabaseDep, EngineLagDep, MetricsDep, OutcomesDep
from api.auth.caller import ADMIN_REFUSALS, SESSION_SCHEMES, AdminReader
from api.auth.limiting import BY_ACCOUNT
from api.health import service
from api.health.schemas import Alive, Ready
from api.http.problems import RATE_LIMITED, responses

router = APIRouter(tags=["health"])
for_administrators = APIRouter(tags=["health"])
for_operators = APIRouter()


@router.get("/healthz")
async def healthz() -> Alive:
    """Say that the process answers."""
    return Alive(alive=True)


@router.get("/readyz", responses={503: {"model": Ready, "description": "Not ready, and why"}})
async def readyz(
    database: DatabaseDep,
    broadcasts: BroadcastsDep,
    outcomes: OutcomesDep,
    engine_lag: EngineLagDep,
    cluster: ClusterDep,
    response: Response,
) -> Ready:
    """Say whether the API does its work."""
    ready = await service.readiness(database, broadcasts, outcomes, engine_lag, cluster)
    response.status_code = 200 if ready.ready else 503
    return ready


@for_administrators.get(
    "/metrics",
    response_class=Response,
    dependencies=[*SESSION_SCHEMES, BY_ACCOUNT],
    responses={200: {"content": {"text/plain": {}}}, **responses(*ADMIN_REFUSALS, RATE_LIMITED)},
)
async def metrics(metrics: MetricsDep, _: AdminReader) -> Response:
    """Give what was counted, in Prometheus' text format; a Prometheus reads it at API_PAGES_PORT."""
    return Response(metrics.page(), media_type=CONTENT_TYPE_LATEST)


@for_operators.get("/metrics")
async def metrics_page(metrics: MetricsDep) -> Response:
    """Give the same to whoever reaches the port of those who run the API."""
    return Response(metrics.page(), media_type=CONTENT_TYPE_LATEST)
