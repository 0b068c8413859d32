"""How all of an account's positions are closed by one command, where the rules have it."""

from http import HTTPStatus
from typing import NamedTuple

import structlog
from sqlalchemy.exc import SQLAlchemyError

from api.auth.caller import SignedInUser
from api.dispatch.dispatcher import Dispatcher
from api.dispatch.replies import RETRY_AFTER, Answer, Decided, Pending, Stored
from api.dispatch.request_options import RequestOptions, deadline
from api.http.times import now
from api.log.price_cache import PriceCache
from api.positions.lookup import PositionLookup
from api.positions.schemas import Closing, Closings
from api.store.database import Database, afterwards
from projector import queries
from schemas.commands import CloseAll
from schemas.derived import PriceState
from schemas.events import AllClosed
from schemas.plain_data import from_builtins
from schemas.rejections import Rejection

_OF_STATE: dict[PriceState, Rejection] = {
    "none": Rejection.NO_PRICE,
    "unconfirmed": Rejection.PRICE_UNCONFIRMED,
    "stale": Rejection.PRICE_STALE,
    "fresh": Rejection.MARKET_HALTED,
}


class ClosingAll(NamedTuple):
    """What became of every close, with the headers of the reply. is_undecided: not all of it can be said now."""

    items: list[Closing]
    headers: dict[str, str]
    is_undecided: bool = False

    def answer(self) -> Answer:
        """Say so."""
        status = HTTPStatus.ACCEPTED if self.is_undecided else HTTPStatus.OK
        return Answer(status, Closings(items=self.items), self.headers)


class _AllDecided(NamedTuple):
    """What an AllClosed says: its seq, how many closes follow it, and which positions stay."""

    seq: int
    positions: int
    left: tuple[str, ...]


async def close_at_once(
    dispatcher: Dispatcher,
    positions: PositionLookup,
    caller: SignedInUser,
    open_now: list[str],
    options: RequestOptions,
) -> ClosingAll:
    """Close what the markets let close. open_now: the ids of what is open, for an answer that cannot wait."""
    account_id = caller.account_id
    command = CloseAll(command_id=options.command_id(account_id), account_id=account_id, deadline=deadline())
    reply = await dispatcher.execute(command, options)
    if isinstance(reply, Pending):
        preferred = {"Preference-Applied": "respond-async"} if options.respond_async else {}
        return _undecided(command, open_now, preferred)
    try:
        async with afterwards():
            decided = await _decided(positions.database, account_id, reply)
            items = await _closings(positions, command, decided)
    except SQLAlchemyError as error:
        structlog.get_logger().warning("closed positions not read", command_id=command.command_id, error=str(error))
        items = None
    # What was decided is never hidden: what cannot be shown now is behind Location.
    return _undecided(command, open_now, reply.headers()) if items is None else ClosingAll(items, reply.headers())


def _undecided(command: CloseAll, position_ids: list[str], headers: dict[str, str]) -> ClosingAll:
    """Say of each close that it is on its way, and where to look."""
    items = [
        Closing(position_id=position_id, command_id=command.command_id, status="pending")
        for position_id in position_ids
    ]
    where = {"Location": f"/api/v1/commands/{command.command_id}"} | RETRY_AFTER
    return ClosingAll(items, headers | where, is_undecided=True)


async def _decided(database: Database, account_id: str, reply: Decided | Stored) -> _AllDecided:
    """Give what was decided, from memory or from the tables."""
    if isinstance(reply, Stored):
        row = reply.row
        found = await database.ask(lambda db: queries.account_event(db, account_id, row.shard, row.seq))
        assert found is not None, "an outcome in the tables has its event there"
        stored = from_builtins(found.event, AllClosed, strict=False)
        return _AllDecided(row.seq, stored.positions, stored.left)
    event = reply.outcome.event
    assert isinstance(event, AllClosed), "the outcome of a CloseAll that was not refused"
    return _AllDecided(event.seq, event.positions, event.left)


async def _closings(positions: PositionLookup, command: CloseAll, decided: _AllDecided) -> list[Closing] | None:
    """Give what became of every position; null while a close is neither among the events here nor in the tables."""
    account_id, command_id = command.account_id, command.command_id
    closed = await positions.closed_between(account_id, decided.seq, decided.seq + decided.positions)
    left = await positions.several(account_id, list(decided.left))
    if len(closed) < decided.positions or len(left) < len(decided.left):
        return None
    items = [
        Closing(position_id=position.id, command_id=command_id, status="done", position=position) for position in closed
    ]
    return items + [
        Closing(
            position_id=position.id,
            command_id=command_id,
            status="rejected",
            code=_why(positions.prices, position.symbol),
        )
        for position in left.values()
    ]


def _why(prices: PriceCache, symbol: str) -> str:
    """Name why a position stayed, as its market is now."""
    if prices.status(symbol) == "halted":
        return Rejection.MARKET_HALTED.name
    return _OF_STATE[prices.state(symbol, now())].name
