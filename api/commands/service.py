"""What became of a command, as far as anything is known about it."""

from api.app_state import AppState
from api.commands.schemas import CommandReply
from api.dispatch.dispatcher import is_on_its_way
from api.dispatch.read_your_writes import wait_for
from api.dispatch.settling import lagging
from api.http.problems import NOT_FOUND, ApiError
from api.log.outcomes import Outcome
from api.orders.views import order_of_event, order_of_refusal, order_of_row
from api.positions.views import position_of_event, position_of_row
from projector import queries
from schemas.commands import OpenPosition
from schemas.events import CommandRejected, PositionClosed, PositionOpened, PositionReduced, StopsAmended
from schemas.rejections import Rejection
from schemas.sharding import shard_of


async def find(state: AppState, account_id: str, command_id: str) -> CommandReply:
    """Give one of the caller's commands; `unknown` where this process cannot say whether it is in the log."""
    found = await _decided(state, account_id, command_id)
    if found is not None:
        return found
    sent = state.producer.sent(command_id)
    if sent is not None and sent.command.account_id == account_id:
        return CommandReply(command_id=command_id, status="pending" if is_on_its_way(state, sent) else "unknown")
    # Another process may have sent it, or this one before its last start.
    if await lagging(state, shard_of(account_id, state.settings.shards)) is not None:
        return CommandReply(command_id=command_id, status="unknown")
    found = await _decided(state, account_id, command_id)
    if found is None:
        raise ApiError(NOT_FOUND, "Nothing is known here of a command of yours with this id")
    return found


async def _decided(state: AppState, account_id: str, command_id: str) -> CommandReply | None:
    """Find the outcome in memory, or in the tables."""
    recent = state.outcomes.recent(command_id)
    if recent is not None and recent.event.account_id == account_id:
        # What is said to be done is shown as it is now, and by whatever is read next.
        await wait_for(state, recent.shard, recent.event.seq)
        return await _of_outcome(state, account_id, command_id, recent)
    row = await state.database.ask(lambda db: queries.command(db, account_id, command_id))
    return None if row is None else await _of_row(state, account_id, row)


async def _of_outcome(state: AppState, account_id: str, command_id: str, outcome: Outcome) -> CommandReply:
    event = outcome.event
    instruments = state.prices.instruments
    match event:
        case CommandRejected(rejection=rejection):
            is_order = event.command == OpenPosition.__name__
            order = order_of_refusal(event, instruments, state.producer) if is_order else None
            return CommandReply(command_id=command_id, status="rejected", code=Rejection(rejection).name, order=order)
        case PositionOpened():
            return CommandReply(
                command_id=command_id,
                status="done",
                order=order_of_event(event, instruments),
                position=position_of_event(event, instruments),
            )
        case (
            PositionClosed(position_id=position_id)
            | PositionReduced(position_id=position_id)
            | StopsAmended(position_id=position_id)
        ):
            row = await state.database.ask(lambda db: queries.position(db, account_id, position_id))
            position = None if row is None else position_of_row(row, instruments)
            return CommandReply(command_id=command_id, status="done", position=position)
        case _:
            return CommandReply(command_id=command_id, status="done")


async def _of_row(state: AppState, account_id: str, row: queries.CommandRow) -> CommandReply:
    instruments = state.prices.instruments
    position_id = row.position_id
    position = (
        None
        if position_id is None
        else await state.database.ask(lambda db: queries.position(db, account_id, position_id))
    )
    order = None
    if row.type == OpenPosition.__name__:
        opened = await state.database.ask(lambda db: queries.opening(db, account_id, row.seq))
        order = order_of_row(row, opened, instruments, state.producer)
    return CommandReply(
        command_id=row.command_id,
        status=row.status,
        code=None if row.rejection is None else Rejection(row.rejection).name,
        order=order,
        position=None if position is None else position_of_row(position, instruments),
    )
