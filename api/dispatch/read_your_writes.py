"""How callers read their own writes: a reply names its place in the log, and a read waits until the tables have it.

Whoever keeps neither the header nor the cookie, as the seeds' clients, or an older one, waits for the last outcome that
the account was given: by this process, or where there are several, for all that the log has. Where a second is not
enough, a page of rows says by how much it is behind; who could not read that is asked to try again; and what is brought
forward by events need not wait. An account has so many reads that wait, and all have; one beyond that is answered at
once, as after the second.
"""

from collections.abc import Callable
from time import monotonic
from typing import Annotated, Any, Final

from fastapi import Depends, Header, Request, Response

from api.app_state import AppState, StateDep
from api.auth.caller import SignedInUser, signed_in
from api.http.problems import PROJECTION_BEHIND, ApiError
from api.log.outcomes import Outcomes
from api.store.database import Database
from schemas.units import INT64_MAX

POSITION_HEADER: Final = "Ledger-Position"
POSITION_COOKIE: Final = "ledger_position"
LAG_HEADER: Final = "Projection-Lag"
WAIT_S: Final = 1.0
BEHIND: Final = "What you did last is not in the tables yet; ask again"


def log_position_headers(shard: int, seq: int) -> dict[str, str]:
    """Give the headers that name an event's place: one for programs, a cookie for browsers."""
    text = f"{shard}:{seq}"
    return {POSITION_HEADER: text, "Set-Cookie": f"{POSITION_COOKIE}={text}; Path=/; HttpOnly; SameSite=Lax"}


def catching_up(who: Callable[..., Any], *, by_events: bool = False, insist: bool = False) -> Any:
    """Give the dependency that waits for what the caller has seen; who: the dependency that says who that is.

    by_events: the route adds to the tables what the events say that are remembered here. insist: the caller would not
    know from a header that rows are old, and is refused.
    """

    async def caught_up(
        request: Request,
        response: Response,
        state: StateDep,
        caller: Annotated[SignedInUser, Depends(who)],
        ledger_position: Annotated[
            str | None,
            Header(description="`shard:seq` of a reply; the answer shows at least that, or says Projection-Lag"),
        ] = None,
    ) -> None:
        """Wait up to a second for the place the caller has seen, else say by how many events the tables are behind."""
        brought = read_log_position(ledger_position or request.cookies.get(POSITION_COOKIE), state.settings.shards)
        for shard, seq in _newest(brought + await _last_seen(state, caller.account_id)):
            known = state.outcomes.seq(shard)
            is_known = _heard(state, shard, seq) if by_events else _never
            with state.database.projection_waits.place(caller.account_id) as may_wait:
                lag = await _wait(state.database, shard, seq, is_known, WAIT_S if may_wait else 0)
            # A place that the log does not have is of another exchange: what the log had then is all there is.
            expected = seq if state.outcomes.seq(shard) >= seq else known
            if insist and lag > max(0, seq - expected):
                raise ApiError(PROJECTION_BEHIND, BEHIND, headers={"Retry-After": "1"})
            if lag > 0:
                response.headers[LAG_HEADER] = str(lag)

    return Depends(caught_up)


async def wait_for(database: Database, shard: int, seq: int) -> int:
    """Wait up to a second for an event to be projected; give the number of events that were missing at the end."""
    return await _wait(database, shard, seq, _never)


async def catch_up(database: Database, outcomes: Outcomes, shard: int) -> int:
    """Wait up to a second for all events of a shard that this process has read by now; give how many were missing."""
    return await wait_for(database, shard, outcomes.seq(shard))


async def _wait(
    database: Database, shard: int, seq: int, is_known: Callable[[int], bool], wait_s: float = WAIT_S
) -> int:
    """Wait so; is_known: whether an event is known to this process without the tables, given what these have."""
    give_up = monotonic() + wait_s
    projected = await database.projection_waits.projected(shard)
    while not (seq <= projected or is_known(projected)):
        if monotonic() >= give_up:
            return seq - projected
        projected = await database.projection_waits.projected_soon(shard)
    return 0


def _heard(state: AppState, shard: int, seq: int) -> Callable[[int], bool]:
    """Say of an event whether it was read, and all before it that is in no table is remembered."""
    return lambda projected: state.outcomes.seq(shard) >= seq and state.bus.floor(shard) <= projected


def _never(_: int) -> bool:
    return False


def read_log_position(text: str | None, shards: int) -> list[tuple[int, int]]:
    """Read `shard:seq`; what is not one is ignored, as an unknown cookie is."""
    shard, colon, seq = (text or "").partition(":")
    if not (colon and shard.isascii() and shard.isdigit() and seq.isascii() and seq.isdigit()):
        return []
    if len(shard) > len(str(shards)) or int(shard) >= shards or len(seq) >= len(str(INT64_MAX)):
        return []
    return [(int(shard), int(seq))]


def _newest(places: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Give the last place of each shard: who keeps an old cookie has seen what this process told since, too."""
    return list(dict(sorted(places)).items())


async def _last_seen(state: AppState, account_id: str) -> list[tuple[int, int]]:
    """Give the place of the last outcome that an account was given, by whatever process of the API."""
    shard, seq = state.outcomes.shard_of(account_id), state.last_seen.seq(account_id)
    if state.settings.api_workers == 1:
        return [] if seq is None else [(shard, seq)]
    # What another process answered was in the log before; a cookie may be of an earlier reply than the last one.
    await state.engine_lag.decided(shard)
    return [(shard, state.outcomes.seq(shard))]


CAUGHT_UP: Final = catching_up(signed_in)
CAUGHT_UP_BY_EVENTS: Final = catching_up(signed_in, by_events=True)
CAUGHT_UP_OR_REFUSED: Final = catching_up(signed_in, insist=True)
KNOWN_OR_REFUSED: Final = catching_up(signed_in, by_events=True, insist=True)
LAG: Final = {
    200: {
        "headers": {
            LAG_HEADER: {
                "description": "events the tables are behind what the caller has seen; absent when none",
                "schema": {"type": "integer"},
            }
        }
    }
}
