"""What an account's events say that the tables do not have yet: every event of a shard is read here as it comes."""

from typing import Annotated, NamedTuple

from fastapi import Depends

from api.app_state import AppState, StateDep
from api.dispatch.read_your_writes import catch_up
from api.dispatch.replies import RETRY_AFTER
from api.http.problems import PROJECTION_BEHIND, ApiError
from api.log.event_bus import EventBus
from api.log.outcomes import Outcomes
from api.store.database import Database
from projector import queries
from schemas.events import Event


class Unprojected(NamedTuple):
    """The events that are in the log and not in the tables, as far as this process remembers them."""

    database: Database
    outcomes: Outcomes
    bus: EventBus

    def events(self, account_id: str, seq: int) -> list[Event] | None:
        """Give an account's events behind what is projected, oldest first; null where some are not remembered."""
        found = self.bus.account_after(self.outcomes.shard_of(account_id), account_id, seq)
        return None if found is None else [one.event for one in found]

    async def events_now(self, account_id: str) -> list[Event]:
        """Give those behind what is projected by now, as far as they are remembered."""
        shard = self.outcomes.shard_of(account_id)
        seq = await self.database.ask(lambda db: queries.projected_seq(db, shard))
        return self.events(account_id, seq) or []

    async def is_complete(self, shard: int) -> bool:
        """Say whether tables and memory have all that was read of a shard; waits a second for the tables to make it so.

        Where they have, what is in neither does not exist.
        """
        projected = await self.database.ask(lambda db: queries.projected_seq(db, shard))
        return self.bus.floor(shard) <= projected or await catch_up(self.database, self.outcomes, shard) == 0


def behind(detail: str) -> ApiError:
    """Say that neither the tables nor the memory can say something now, and to ask again."""
    return ApiError(PROJECTION_BEHIND, detail, headers=RETRY_AFTER)


def unprojected(state: AppState) -> Unprojected:
    """Give those of an application."""
    return Unprojected(state.database, state.outcomes, state.bus)


async def unprojected_of(state: StateDep) -> Unprojected:
    """Give those of the application a request came to."""
    return unprojected(state)


UnprojectedDep = Annotated[Unprojected, Depends(unprojected_of)]
