"""Routes of health and metrics, for those who run the API."""

from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST

from api.app_state import BroadcastsDep, ClusterDep, DatabaseDep, EngineLagDep, MetricsDep, OutcomesDep
from api.health import service
from api.health.schemas import Alive, Ready

router = APIRouter(tags=["health"])


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


@router.get("/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
async def metrics(metrics: MetricsDep) -> Response:
    """Give what was counted, in Prometheus' text format."""
    return Response(metrics.page(), media_type=CONTENT_TYPE_LATEST)
