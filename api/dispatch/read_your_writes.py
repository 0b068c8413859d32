"""How callers read their own writes: a reply names its place in the log, and a read waits until the tables have it.

Programs that keep neither the header nor the cookie, as the seeds' clients, wait for the
last outcome this process gave their account.
"""

import asyncio
from collections.abc import Callable
from time import monotonic
from typing import Annotated, Any, Final

from fastapi import Depends, Header, Request, Response

from api.app_state import AppState, StateDep
from api.auth.caller import SignedInUser, signed_in
from api.log.outcomes import Outcomes
from api.store.database import Database
from projector.queries import projected_seq
from schemas.units import INT64_MAX

POSITION_HEADER: Final = "Ledger-Position"
POSITION_COOKIE: Final = "ledger_position"
LAG_HEADER: Final = "Projection-Lag"
WAIT_S: Final = 1.0
PAUSE_S: Final = 0.01
PAUSE_MAX_S: Final = 0.08


def log_position_headers(shard: int, seq: int) -> dict[str, str]:
    """Give the headers that name an event's place: one for programs, a cookie for browsers."""
    text = f"{shard}:{seq}"
    return {POSITION_HEADER: text, "Set-Cookie": f"{POSITION_COOKIE}={text}; Path=/; HttpOnly; SameSite=Lax"}


def catching_up(who: Callable[..., Any]) -> Any:
    """Give the dependency that waits for what the caller has seen; who: the dependency that says who that is."""

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
        for shard, seq in brought or _last_seen(state, caller.account_id):
            lag = await wait_for(state.database, shard, seq)
            if lag > 0:
                response.headers[LAG_HEADER] = str(lag)

    return Depends(caught_up)


async def wait_for(database: Database, shard: int, seq: int) -> int:
    """Wait up to a second for an event to be projected; give the number of events that were missing at the end."""
    give_up = monotonic() + WAIT_S
    pause = PAUSE_S
    while True:
        lag = seq - await database.ask(lambda db: projected_seq(db, shard))
        if lag <= 0 or monotonic() > give_up:
            return max(0, lag)
        await asyncio.sleep(pause)
        pause = min(PAUSE_MAX_S, 1.5 * pause)


async def catch_up(database: Database, outcomes: Outcomes, shard: int) -> int:
    """Wait up to a second for all events of a shard that this process has read by now; give how many were missing."""
    return await wait_for(database, shard, outcomes.seq(shard))


def read_log_position(text: str | None, shards: int) -> list[tuple[int, int]]:
    """Read `shard:seq`; what is not one is ignored, as an unknown cookie is."""
    shard, colon, seq = (text or "").partition(":")
    if not (colon and shard.isascii() and shard.isdigit() and seq.isascii() and seq.isdigit()):
        return []
    if len(shard) > len(str(shards)) or int(shard) >= shards or len(seq) >= len(str(INT64_MAX)):
        return []
    return [(int(shard), int(seq))]


def _last_seen(state: AppState, account_id: str) -> list[tuple[int, int]]:
    seq = state.last_seen.seq(account_id)
    return [] if seq is None else [(state.outcomes.shard_of(account_id), seq)]


CAUGHT_UP: Final = catching_up(signed_in)
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
