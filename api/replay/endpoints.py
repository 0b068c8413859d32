"""Routes of an account's replay; the audit's own service, which alone executes with the core, makes the answers."""

from datetime import datetime
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query, Response
from starlette.responses import StreamingResponse

from api.app_state import ReplayDep
from api.auth.caller import ADMIN_REFUSALS, SCHEMES, Caller
from api.http.problems import MALFORMED, NOT_FOUND, REPLAY_BUSY, REPLAY_UNAVAILABLE, malformed, responses
from api.http.times import Moment
from api.replay import service
from api.replay.schemas import Replay, ReplayCommand, ReplayPrices, ReplaySteps
from schemas.units import INT64_MAX

ZIP: Final = "application/zip"
JSON: Final = "application/json"
LIMIT: Final = 50
LIMIT_MAX: Final = 200
PERIOD_MAX_MS: Final = 86_400_000

router = APIRouter(
    prefix="/audit/replay",
    tags=["replay"],
    dependencies=SCHEMES,
    responses=responses(*ADMIN_REFUSALS, NOT_FOUND, MALFORMED, REPLAY_BUSY, REPLAY_UNAVAILABLE),
)


async def _account(
    caller: Caller,
    account: Annotated[
        str | None, Query(min_length=1, max_length=64, description="of administrators and auditors: whose; else yours")
    ] = None,
) -> str:
    return service.account_for(caller, account)


Account = Annotated[str, Depends(_account)]
Offset = Annotated[int | None, Query(ge=0, le=INT64_MAX)]


@router.get("", response_model=Replay)
async def get_replay(
    replay: ReplayDep,
    account: Account,
    at: Annotated[Moment | None, Query(description="the last step up to this time, RFC 3339")] = None,
    offset: Annotated[int | None, Query(ge=0, le=INT64_MAX, description="the command at this offset")] = None,
    position: Annotated[
        str | None,
        Query(min_length=1, max_length=64, description="where this position closed, or opened if it has not"),
    ] = None,
) -> Response:
    """Tell what there is to replay of an account, and where a moment is in it; at most one of the three says when."""
    if sum(each is not None for each in (at, offset, position)) > 1:
        raise malformed("at", "says when, as do `offset` and `position`: send one of them")
    when = {"at": _text(at), "offset": offset, "position": position}
    return _json(await replay.ask("", {"account": account, **when}))


@router.get("/steps", response_model=ReplaySteps)
async def list_replay_steps(
    replay: ReplayDep,
    account: Account,
    after: Annotated[
        int | None, Query(ge=0, le=INT64_MAX, description="those behind this offset; the first ones")
    ] = None,
    before: Annotated[int | None, Query(ge=0, le=INT64_MAX, description="the last ones below this offset")] = None,
    limit: Annotated[int, Query(ge=1, le=LIMIT_MAX, description="most steps to give")] = LIMIT,
    period_ms: Annotated[
        int, Query(ge=0, le=PERIOD_MAX_MS, description="of prices the first one in each period; 0 gives all")
    ] = 0,
    keep: Annotated[
        int | None, Query(ge=0, le=INT64_MAX, description="with `before`: a step that is listed whatever the period is")
    ] = None,
) -> Response:
    """List steps of an account in the log's order: each command, its events, and the ledger before and after it."""
    if after is not None and before is not None:
        raise malformed("after", "says where, as does `before`: send one of them")
    asked = {"after": after, "before": before, "limit": limit, "period_ms": period_ms, "keep": keep}
    return _json(await replay.ask("/steps", {"account": account, **asked}))


@router.get("/prices", response_model=ReplayPrices)
async def get_replay_prices(
    replay: ReplayDep,
    account: Account,
    symbol: Annotated[str, Query(min_length=1, max_length=32, examples=["BTC_USDC"])],
    start: Annotated[Moment, Query(alias="from", description="RFC 3339")],
    end: Annotated[Moment, Query(alias="to", description="RFC 3339")],
) -> Response:
    """Give what a symbol's price did in a time, as the ticks in the log have it: at most 400 candles."""
    if start > end:
        raise malformed("from", "is behind `to`")
    asked = {"symbol": symbol, "from": _text(start), "to": _text(end)}
    return _json(await replay.ask("/prices", {"account": account, **asked}))


@router.get("/command", response_model=ReplayCommand)
async def get_replay_command(
    replay: ReplayDep, account: Account, offset: Annotated[int, Query(ge=0, le=INT64_MAX)]
) -> Response:
    """Give a command of the account or of the market, as it stands in the log."""
    return _json(await replay.ask("/command", {"account": account, "offset": offset}))


@router.get("/bundle", response_class=Response, responses={200: {"content": {ZIP: {"schema": {"type": "string"}}}}})
async def get_replay_bundle(replay: ReplayDep, account: Account) -> StreamingResponse:
    """Give what an account takes away: its events and statement, a manifest, and their hashes for `sha256sum -c`."""
    parts = await replay.stream("/bundle", {"account": account})
    name = "".join(letter for letter in account if letter.isascii() and (letter.isalnum() or letter in "-_"))
    return StreamingResponse(
        parts, media_type=ZIP, headers={"Content-Disposition": f'attachment; filename="reprise-{name}.zip"'}
    )


def _json(content: bytes) -> Response:
    """Pass an answer on as it is, to the byte."""
    return Response(content, media_type=JSON)


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()
