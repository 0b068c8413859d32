"""How positions are read, closed, and given other stops."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Literal

from api.app_state import AppState
from api.auth.caller import SignedInUser
from api.dispatch.dispatcher import RETRY_AFTER, Pending, Reply, Stored, ask
from api.dispatch.read_your_writes import wait_for
from api.dispatch.request_options import RequestOptions, deadline
from api.http.amounts import quantity as lots_of
from api.http.cursors import read_cursor, write_cursor
from api.http.numbers import units_of
from api.http.problems import NOT_FOUND, PROJECTION_BEHIND, REFUSALS, ApiError
from api.positions.schemas import AmendRequest, PositionReply, Positions
from api.positions.versions import refuse_other_version
from api.positions.views import after, position_of_event, position_of_row
from projector import queries
from schemas.commands import AmendStops, ClosePosition, ReducePosition
from schemas.events import Event, PositionClosed, PositionReduced, StopsAmended
from schemas.messages import Instrument
from schemas.rejections import Rejection

Status = Literal["open", "closed", "all"]


async def page(
    state: AppState, account_id: str, status: Status, symbol: str | None, limit: int, cursor: str | None
) -> Positions:
    """List the caller's positions."""
    question = f"positions~{status}~{symbol or ''}"
    before = read_cursor(question, cursor)
    found = await state.database.ask(
        lambda db: queries.positions(db, account_id, status=status, symbol=symbol, limit=limit, before=before)
    )
    instruments = state.prices.instruments
    return Positions(
        items=[position_of_row(row, instruments) for row in found.items],
        next_cursor=write_cursor(question, found.next_cursor),
    )


async def find(state: AppState, account_id: str, position_id: str) -> PositionReply:
    """Give one of the caller's positions."""
    row = await state.database.ask(lambda db: queries.position(db, account_id, position_id))
    if row is None:
        raise ApiError(NOT_FOUND, "You have no position of this id")
    return position_of_row(row, state.prices.instruments)


async def amend(
    state: AppState,
    caller: SignedInUser,
    position_id: str,
    request: AmendRequest,
    options: RequestOptions,
    if_match: str | None = None,
) -> tuple[PositionReply | None, Reply]:
    """Set or take off stops, if the position is of a version of `if_match`; none where the outcome is undecided."""
    named = request.model_fields_set
    exponent = None
    if request.stop_loss is not None or request.take_profit is not None:
        exponent = (await _instrument(state, caller.account_id, position_id)).tick_exponent

    def ticks(name: str, text: str | None) -> int | None:
        return None if text is None or exponent is None else units_of(f"/{name}", text, exponent)

    command = AmendStops(
        command_id=options.command_id(caller.account_id),
        account_id=caller.account_id,
        deadline=deadline(),
        position_id=position_id,
        amend_stop_loss="stop_loss" in named,
        stop_loss=ticks("stop_loss", request.stop_loss),
        amend_take_profit="take_profit" in named,
        take_profit=ticks("take_profit", request.take_profit),
    )
    if if_match is None:
        reply = await ask(state, command, key=options.key, respond_async=options.respond_async)
        return await _result(state, caller.account_id, position_id, reply), reply
    # Of two that saw the same version here only the first may amend it, so the second waits for its outcome.
    async with state.recent_positions.held(position_id):
        reply = await ask(
            state,
            command,
            key=options.key,
            respond_async=options.respond_async,
            condition=lambda: _refuse_unless(state, caller.account_id, position_id, if_match),
        )
        return await _result(state, caller.account_id, position_id, reply), reply


async def close(
    state: AppState, caller: SignedInUser, position_id: str, options: RequestOptions, quantity: str | None = None
) -> tuple[PositionReply | None, Reply]:
    """Close a position whole, or so much of it (digits); none where the outcome is undecided."""
    command: ClosePosition | ReducePosition
    command_id, account_id = options.command_id(caller.account_id), caller.account_id
    if quantity is None:
        command = ClosePosition(
            command_id=command_id, account_id=account_id, deadline=deadline(), position_id=position_id
        )
    else:
        instrument = await _instrument(state, account_id, position_id)
        command = ReducePosition(
            command_id=command_id,
            account_id=account_id,
            deadline=deadline(),
            position_id=position_id,
            quantity=units_of("/quantity", quantity, instrument.lot_exponent),
        )
    reply = await ask(state, command, key=options.key, respond_async=options.respond_async)
    return await _result(state, caller.account_id, position_id, reply), reply


async def _refuse_unless(state: AppState, account_id: str, position_id: str, if_match: str) -> None:
    """Refuse where the newest that is known of the position is of another version."""
    refuse_other_version(if_match, await _newest(state, account_id, position_id))


async def _instrument(state: AppState, account_id: str, position_id: str) -> Instrument:
    """Give what the position is of, and with it the places of its prices and quantities.

    Without them what was asked cannot be written into the log.
    """
    position = await _seen(state, account_id, position_id) or await _newest(state, account_id, position_id)
    return state.prices.instruments[position.symbol]


async def _newest(state: AppState, account_id: str, position_id: str) -> PositionReply:
    """Find a position in tables that have all events up to now, or say that there is none, or that nobody can know."""
    shard = int(position_id.partition("-")[0])
    lag = await wait_for(state, shard, state.outcomes.seq(shard)) if shard < state.settings.shards else 0
    position = await _seen(state, account_id, position_id)
    if position is not None:
        return position
    if lag > 0:
        detail = "The tables do not say yet whether there is such a position; nothing was sent"
        raise ApiError(PROJECTION_BEHIND, detail, headers=RETRY_AFTER)
    raise ApiError(REFUSALS[Rejection.POSITION_NOT_OPEN]._replace(status=404))


async def _result(state: AppState, account_id: str, position_id: str, reply: Reply) -> PositionReply | None:
    """Give the position a command left behind; null while its opening, or a part of it, is not even in the tables."""
    if isinstance(reply, Pending):
        return None
    if isinstance(reply, Stored):
        return await _seen(state, account_id, position_id)
    shard, event = reply.outcome
    assert isinstance(event, StopsAmended | PositionReduced | PositionClosed), "the outcome of what was not refused"
    instruments = state.prices.instruments
    if isinstance(event, PositionReduced):
        await wait_for(state, shard, event.seq)  # What the rest is worth now, only the tables say.
    position = await _seen(state, account_id, position_id)
    if position is None or not _follows(event, position, instruments):
        await wait_for(state, shard, event.seq)
        position = await _seen(state, account_id, position_id)
    if position is None or not _follows(event, position, instruments):
        return None
    return after(position, event, shard, instruments)


def _follows(event: Event, position: PositionReply, instruments: Mapping[str, Instrument]) -> bool:
    """Say whether a position has all parts that were closed before an event, so that no result is missing."""
    if position.status == "closed":
        return True
    match event:
        case PositionReduced(quantity=part, quantity_left=left):
            return Decimal(position.quantity) <= Decimal(lots_of(instruments[event.symbol], part + left))
        case PositionClosed(quantity=size):
            return Decimal(position.quantity) <= Decimal(lots_of(instruments[event.symbol], size))
        case _:
            return True


async def _seen(state: AppState, account_id: str, position_id: str) -> PositionReply | None:
    """Give the newest that is known of a position: by the tables, and by what was answered here since."""
    shard = int(position_id.partition("-")[0])
    # In this order: what is projected between the two is in the row, and never missing from both.
    seq, row = await state.database.ask(
        lambda db: (queries.projected_seq(db, shard), queries.position(db, account_id, position_id))
    )
    instruments = state.prices.instruments
    opened = state.recent_positions.opened(position_id, account_id)
    if row is not None:
        position = position_of_row(row, instruments)
    elif opened is not None:
        position = position_of_event(opened, instruments)
    else:
        return None
    for change in state.recent_positions.changes(position_id, seq):
        if _follows(change, position, instruments):
            position = after(position, change, shard, instruments)
    return position
