"""Whether all that stands in a shard's log is decided and in the tables: only then what is not found was never sent."""

import asyncio
from time import monotonic
from typing import Final

from api.app_state import Parts
from api.dispatch.read_your_writes import wait_for
from api.http.problems import ENGINE_BEHIND, PROJECTION_BEHIND, Kind

DECIDED_S: Final = 0.5
PAUSE_S: Final = 0.01


async def lagging(parts: Parts, shard: int) -> Kind | None:
    """Wait a moment for the decision of whatever is in the log now; say what is behind where it did not come."""
    end = await parts.ends.look(shard)
    if end is None:
        return ENGINE_BEHIND  # By how far, only the broker could say.
    give_up = monotonic() + DECIDED_S
    while parts.outcomes.command_offset(shard) + 1 < end:
        if monotonic() > give_up:
            return ENGINE_BEHIND
        await asyncio.sleep(PAUSE_S)
    return PROJECTION_BEHIND if await wait_for(parts, shard, parts.outcomes.seq(shard)) > 0 else None
