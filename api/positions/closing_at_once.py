"""How all of an account's positions are closed by one command, where the rules have it."""

import msgspec
from sqlalchemy import Connection

from api.auth.caller import SignedInUser
from api.dispatch.dispatcher import Dispatcher
from api.dispatch.read_your_writes import wait_for
from api.dispatch.replies import Pending, Reply, Stored
from api.dispatch.request_options import RequestOptions, deadline
from api.http.times import now
from api.log.price_cache import PriceCache
from api.positions.schemas import Closing, Closings
from api.positions.views import position_of_row
from api.store.database import Database
from projector import queries
from schemas.commands import CloseAll
from schemas.derived import PriceState
from schemas.events import AllClosed
from schemas.ids import event_id
from schemas.rejections import Rejection

_OF_STATE: dict[PriceState, Rejection] = {
    "none": Rejection.NO_PRICE,
    "unconfirmed": Rejection.PRICE_UNCONFIRMED,
    "stale": Rejection.PRICE_STALE,
    "fresh": Rejection.MARKET_HALTED,
}


async def close_at_once(
    dispatcher: Dispatcher,
    database: Database,
    prices: PriceCache,
    caller: SignedInUser,
    shard: int,
    position_ids: list[str],
    options: RequestOptions,
) -> tuple[Closings, dict[str, str]]:
    """Close what the markets let close. position_ids: what is open now, for an answer that cannot wait."""
    account_id = caller.account_id
    command = CloseAll(command_id=options.command_id(account_id), account_id=account_id, deadline=deadline())
    reply = await dispatcher.execute(command, options)
    if isinstance(reply, Pending):
        waiting = [
            Closing(position_id=position_id, command_id=command.command_id, status="pending")
            for position_id in position_ids
        ]
        return Closings(items=waiting), {"Preference-Applied": "respond-async"} if options.respond_async else {}
    outcome, seq = await _outcome(database, account_id, reply)
    await wait_for(database, shard, seq + outcome.positions)
    receipts = [event_id(shard, number) for number in range(seq + 1, seq + 1 + outcome.positions)]
    closed = await database.ask(lambda db: queries.positions_of_receipts(db, account_id, receipts)) if receipts else []
    items = [
        Closing(
            position_id=row.position_id,
            command_id=command.command_id,
            status="done",
            position=position_of_row(row, prices.instruments),
        )
        for row in closed
    ]
    left = await database.ask(lambda db: _left(db, account_id, outcome.left))
    items += [
        Closing(position_id=row.position_id, command_id=command.command_id, status="rejected", code=_why(prices, row))
        for row in left
    ]
    return Closings(items=items), reply.headers()


async def _outcome(database: Database, account_id: str, reply: Reply) -> tuple[AllClosed, int]:
    """Give the outcome's event and its seq, from memory or from the tables."""
    if isinstance(reply, Stored):
        row = reply.row
        found = await database.ask(lambda db: queries.account_event(db, account_id, row.shard, row.seq))
        assert found is not None, "an outcome in the tables has its event there"
        return msgspec.convert(found.event, AllClosed, strict=False), row.seq
    assert not isinstance(reply, Pending), "it is decided"
    event = reply.outcome.event
    assert isinstance(event, AllClosed), "the outcome of a CloseAll that was not refused"
    return event, event.seq


def _left(db: Connection, account_id: str, position_ids: tuple[str, ...]) -> list[queries.PositionRow]:
    rows = (queries.position(db, account_id, position_id) for position_id in position_ids)
    return [row for row in rows if row is not None]


def _why(prices: PriceCache, row: queries.PositionRow) -> str:
    """Name why a position stayed, as its market is now."""
    if prices.status(row.symbol) == "halted":
        return Rejection.MARKET_HALTED.name
    return _OF_STATE[prices.state(row.symbol, now())].name
