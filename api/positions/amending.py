"""That of two amendments which saw the same version of a position only the first is made, whoever takes them."""

from api.dispatch.outcome_lookup import OutcomeLookup
from api.dispatch.replies import RETRY_AFTER
from api.http.problems import KEY_IN_USE, PRECONDITION_FAILED, ApiError
from api.positions.lookup import PositionLookup
from api.positions.versions import refuse_other_version
from api.store import conditional_amendments as store
from api.store.conditional_amendments import LastAmendment
from schemas.commands import AmendStops


async def take_turn(lookup: OutcomeLookup, positions: PositionLookup, command: AmendStops, if_match: str) -> None:
    """Let an amendment follow the last one of its position, if `if_match` has the version that one left behind.

    Raises 412 where it has another version, or the last one is not decided: what it will leave nobody knows. PostgreSQL
    says which of two follows; the other one then looks again.
    """
    account_id, position_id, command_id = command.account_id, command.position_id, command.command_id
    while True:
        last = await positions.database.ask(lambda db: store.last_of(db, account_id, position_id))
        is_made = last is not None and await _is_decided(lookup, command, last)
        if last is not None and is_made and last.command_id == command_id:
            return  # This very one: the log answers it as the first time.
        refuse_other_version(if_match, await positions.current(account_id, position_id))
        if await positions.database.ask(
            lambda db: store.follow(db, account_id, position_id, command_id, last)  # noqa: B023  # Awaited here.
        ):
            return


async def _is_decided(lookup: OutcomeLookup, command: AmendStops, last: LastAmendment) -> bool:
    """Wait for the outcome of the last amendment; false where it never came into the log."""
    decided = await lookup.is_decided(command.account_id, last.command_id, last.age_s)
    if decided is not None:
        return decided
    if last.command_id == command.command_id:
        where = {"Location": f"/api/v1/commands/{command.command_id}"}
        raise ApiError(KEY_IN_USE, headers=RETRY_AFTER | where, command_id=command.command_id)
    raise ApiError(PRECONDITION_FAILED, "An amendment before this one is not decided yet", headers=RETRY_AFTER)
