"""Routes of statements."""

from typing import Annotated, Final, Literal

from fastapi import APIRouter, Query, Response
from starlette.responses import StreamingResponse

from api.app_state import DatabaseDep
from api.auth.caller import SCHEMES, SIGNED_IN, Caller
from api.dispatch.read_your_writes import CAUGHT_UP
from api.http.cursors import LIMIT, Cursor, Limit
from api.http.problems import MALFORMED, responses
from api.http.times import Moment
from api.statements import service
from api.statements.schemas import Statement

CSV: Final = "text/csv"

router = APIRouter(prefix="/statements", tags=["account"], dependencies=SCHEMES)


@router.get(
    "",
    dependencies=[CAUGHT_UP],
    response_model=Statement,
    responses=SIGNED_IN | responses(MALFORMED) | {200: {"content": {CSV: {"schema": {"type": "string"}}}}},
)
async def get_statement(
    database: DatabaseDep,
    caller: Caller,
    response: Response,
    start: Annotated[Moment | None, Query(alias="from", description="the beginning by default, RFC 3339")] = None,
    end: Annotated[Moment | None, Query(alias="to", description="before this; now by default, RFC 3339")] = None,
    form: Annotated[Literal["json", "csv"], Query(alias="format", description="csv has no pages")] = "json",
    limit: Limit = LIMIT,
    cursor: Cursor = None,
) -> Statement | StreamingResponse:
    """Give the changes of your balance in a period, with the balance before and after it."""
    period = service.period_of(start, end)
    if form == "json":
        return await service.page(database, caller.account_id, period, limit, cursor)
    return StreamingResponse(
        service.table(database, caller.account_id, period),
        media_type=CSV,
        headers={**response.headers, "Content-Disposition": 'attachment; filename="statement.csv"'},
    )
