"""Routes of commands."""

from typing import Annotated

from fastapi import APIRouter, Path

from api.app_state import DatabaseDep
from api.auth.caller import SCHEMES, SIGNED_IN, Caller
from api.commands import service as status
from api.commands.schemas import CommandReply
from api.dispatch.dispatcher import LookupDep
from api.dispatch.read_your_writes import CAUGHT_UP_BY_EVENTS
from api.http.problems import MALFORMED, NOT_FOUND, responses
from api.positions.lookup import PositionLookupDep

router = APIRouter(prefix="/commands", tags=["commands"], dependencies=SCHEMES)


@router.get("/{command_id}", dependencies=[CAUGHT_UP_BY_EVENTS], responses=SIGNED_IN | responses(NOT_FOUND, MALFORMED))
async def get_command(
    lookup: LookupDep,
    positions: PositionLookupDep,
    database: DatabaseDep,
    caller: Caller,
    command_id: Annotated[str, Path(max_length=64)],
) -> CommandReply:
    """Say what became of a command of yours: `unknown` where it may or may not be in the log."""
    return await status.find(lookup, positions, database, caller.account_id, command_id)
