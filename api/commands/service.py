"""What became of a command, as far as anything is known about it."""

from typing import assert_never

import structlog
from sqlalchemy.exc import SQLAlchemyError

from api.commands.schemas import CommandReply
from api.dispatch.outcome_lookup import OutcomeLookup
from api.dispatch.read_your_writes import wait_for
from api.dispatch.replies import Decided, Stored
from api.http.problems import not_found
from api.log.outcomes import Outcome
from api.orders.views import order_of_event, order_of_refusal, order_of_row
from api.positions.lookup import PositionLookup
from api.positions.views import position_of_event
from api.store.database import Database
from projector import queries
from schemas.commands import OpenPosition
from schemas.events import (
    AccountLimitsSet,
    AccountOpened,
    AllClosed,
    ClockSet,
    CommandRejected,
    CommandRepeated,
    Deposited,
    FeedKept,
    FeedSelected,
    InstrumentsDefined,
    MarketStatusSet,
    OffsetGapAccepted,
    OldestReduced,
    PositionClosed,
    PositionOpened,
    PositionReduced,
    PricesUpdated,
    RulesActivated,
    StopsAmended,
    TickHeld,
    Withdrawn,
)
from schemas.rejections import Rejection


async def find(
    lookup: OutcomeLookup, positions: PositionLookup, database: Database, account_id: str, command_id: str
) -> CommandReply:
    """Give one of the caller's commands; `unknown` where this process cannot say whether it is in the log."""
    found = await lookup.decided(account_id, command_id)
    if found is None:
        sent = lookup.sent_by(account_id, command_id)
        if sent is not None:
            status = "pending" if lookup.is_in_flight(sent) else "unknown"
            return CommandReply.model_validate({"command_id": command_id, "status": status})
        # Another process may have sent it, or this one before its last start.
        if await lookup.lagging(account_id) is not None:
            return CommandReply(command_id=command_id, status="unknown")
        found = await lookup.decided(account_id, command_id)
    match found:
        case None:
            raise not_found("command", command_id)
        case Stored(row):
            return await _of_row(lookup, positions, database, account_id, row)
        case Decided(outcome):
            # What is said to be done is shown as it is now, and by whatever is read next.
            try:
                await wait_for(database, outcome.shard, outcome.event.seq)
            except SQLAlchemyError as error:
                structlog.get_logger().warning("outcome not waited for", command_id=command_id, error=str(error))
            return await _of_outcome(lookup, positions, account_id, command_id, outcome)


async def _of_outcome(
    lookup: OutcomeLookup, positions: PositionLookup, account_id: str, command_id: str, outcome: Outcome
) -> CommandReply:
    event = outcome.event
    instruments = positions.prices.instruments
    match event:
        case CommandRejected(rejection=rejection):
            is_order = event.command == OpenPosition.__name__
            order = order_of_refusal(event, instruments, lookup.sent) if is_order else None
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
            position = await positions.after_command(account_id, position_id, Decided(outcome))
            return CommandReply(command_id=command_id, status="done", position=position)
        case (
            AccountOpened()
            | Deposited()
            | Withdrawn()
            | OldestReduced()
            | AllClosed()
            | CommandRepeated()
            | InstrumentsDefined()
            | MarketStatusSet()
            | RulesActivated()
            | ClockSet()
            | AccountLimitsSet()
            | OffsetGapAccepted()
            | FeedSelected()
            | FeedKept()
            | PricesUpdated()
            | TickHeld()
        ):
            return CommandReply(command_id=command_id, status="done")
        case _:
            assert_never(event)


async def _of_row(
    lookup: OutcomeLookup, positions: PositionLookup, database: Database, account_id: str, row: queries.CommandRow
) -> CommandReply:
    position, order = None, None
    try:
        position = None if row.position_id is None else await positions.seen(account_id, row.position_id)
        if row.type == OpenPosition.__name__:
            opened = await database.ask(lambda db: queries.opening(db, account_id, row.seq))
            order = order_of_row(row, opened, positions.prices.instruments, lookup.sent)
    except SQLAlchemyError as error:
        structlog.get_logger().warning("what a command did is not read", command_id=row.command_id, error=str(error))
    return CommandReply(
        command_id=row.command_id,
        status=row.status,
        code=None if row.rejection is None else Rejection(row.rejection).name,
        order=order,
        position=position,
    )
