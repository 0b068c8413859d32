"""Whether all that stands in a shard's log is decided and in the tables: only then what is not found was never sent."""

import asyncio
from time import monotonic
from typing import Final

from api.app_state import AppState
from api.dispatch.read_your_writes import wait_for
from api.http.problems import ENGINE_BEHIND, PROJECTION_BEHIND, ProblemKind

DECIDED_S: Final = 0.5
PAUSE_S: Final = 0.01


async def lagging(state: AppState, shard: int) -> ProblemKind | None:
    """Wait a moment for the decision of whatever is in the log now; say what is behind where it did not come."""
    end = await state.engine_lag.look(shard)
    if end is None:
        return ENGINE_BEHIND  # By how far, only the broker could say.
    give_up = monotonic() + DECIDED_S
    while state.outcomes.command_offset(shard) + 1 < end:
        if monotonic() > give_up:
            return ENGINE_BEHIND
        await asyncio.sleep(PAUSE_S)
    return PROJECTION_BEHIND if await wait_for(state, shard, state.outcomes.seq(shard)) > 0 else None
