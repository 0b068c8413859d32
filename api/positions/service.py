"""How positions are read, closed, and given other stops."""

from functools import partial
from http import HTTPStatus
from typing import Literal

from api.auth.caller import SignedInUser
from api.dispatch.dispatcher import Dispatcher
from api.dispatch.replies import Answer, Pending, Reply, undecided
from api.dispatch.request_options import RequestOptions, deadline
from api.http.cursors import read_cursor, write_cursor
from api.http.numbers import ticks_of, units_of
from api.log.price_cache import PriceCache
from api.positions.amending import take_turn
from api.positions.lookup import PositionLookup
from api.positions.schemas import AmendRequest, PositionReply, Positions
from api.positions.versions import ETAG, version_of
from api.positions.views import position_of_row
from api.store.database import Database
from projector import queries
from schemas.commands import AmendStops, ClosePosition, ReducePosition

Status = Literal["open", "closed", "all"]


async def page(
    database: Database,
    prices: PriceCache,
    account_id: str,
    status: Status,
    symbol: str | None,
    limit: int,
    cursor: str | None,
) -> Positions:
    """List the caller's positions."""
    question = f"positions~{status}~{symbol or ''}"
    before = read_cursor(question, cursor)
    found = await database.ask(
        lambda db: queries.positions(db, account_id, status=status, symbol=symbol, limit=limit, before=before)
    )
    instruments = prices.instruments
    return Positions(
        items=[position_of_row(row, instruments) for row in found.items],
        next_cursor=write_cursor(question, found.next_cursor),
    )


async def amend(
    dispatcher: Dispatcher,
    positions: PositionLookup,
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
        exponent = (await positions.instrument(caller.account_id, position_id)).tick_exponent

    def ticks(name: str, text: str | None) -> int | None:
        return None if text is None or exponent is None else ticks_of(f"/{name}", text, exponent)

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
    condition = None if if_match is None else partial(take_turn, dispatcher.lookup, positions, command, if_match)
    reply = await dispatcher.execute(command, options, condition)
    return await positions.after_command(caller.account_id, position_id, reply), reply


def answer_of(position: PositionReply | None, reply: Reply, *, tagged: bool = False) -> Answer:
    """Say what became of a position, or that this is not known and where to look. tagged: with its version."""
    if position is None or isinstance(reply, Pending):
        return undecided(reply)
    return Answer(HTTPStatus.OK, position, reply.headers() | ({ETAG: version_of(position)} if tagged else {}))


async def close(
    dispatcher: Dispatcher,
    positions: PositionLookup,
    caller: SignedInUser,
    position_id: str,
    options: RequestOptions,
    quantity: str | None = None,
) -> tuple[PositionReply | None, Reply]:
    """Close a position whole, or so much of it (digits); none where the outcome is undecided."""
    command: ClosePosition | ReducePosition
    command_id, account_id = options.command_id(caller.account_id), caller.account_id
    if quantity is None:
        command = ClosePosition(
            command_id=command_id, account_id=account_id, deadline=deadline(), position_id=position_id
        )
    else:
        instrument = await positions.instrument(account_id, position_id)
        command = ReducePosition(
            command_id=command_id,
            account_id=account_id,
            deadline=deadline(),
            position_id=position_id,
            quantity=units_of("/quantity", quantity, instrument.lot_exponent),
        )
    reply = await dispatcher.execute(command, options)
    return await positions.after_command(caller.account_id, position_id, reply), reply
