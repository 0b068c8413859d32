"""How all of an account's positions are closed under one key: by one command, or under version 1 by one for each."""

import asyncio
from http import HTTPStatus
from typing import Final, NamedTuple

import structlog
from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from api.auth.caller import SignedInUser
from api.dispatch.dispatcher import Dispatcher
from api.dispatch.outcome_lookup import refuse_other_use
from api.dispatch.read_your_writes import log_position_headers
from api.dispatch.replies import RETRY_AFTER, Decided, Pending, Stored
from api.dispatch.request_options import RequestOptions
from api.http.problems import DATABASE_UNAVAILABLE, KEY_IN_USE, REFUSALS, REPLAYED, ApiError
from api.log.broadcasts import Broadcasts
from api.positions import service
from api.positions.closing_at_once import ClosingAll, close_at_once
from api.positions.lookup import PositionLookup
from api.positions.schemas import Closing
from api.store import close_alls, used_keys
from api.store.database import afterwards
from api.store.used_keys import UsedKey
from schemas.ids import keyed_command_id
from schemas.rejections import Rejection

AT_ONCE: Final = 100
ONE_COMMAND_SINCE: Final = 2  # version of the rules


class _Closed(NamedTuple):
    """What became of one close. seq: of its event; error: what ended it instead."""

    closing: Closing
    seq: int = 0
    error: ApiError | None = None


async def close_all(
    dispatcher: Dispatcher,
    positions: PositionLookup,
    broadcasts: Broadcasts,
    caller: SignedInUser,
    options: RequestOptions,
) -> ClosingAll:
    """Close what is open now, or finish what the same key began."""
    database, outcomes = positions.database, positions.outcomes
    shard, account_id, key = outcomes.shard_of(caller.account_id), caller.account_id, options.key
    began = None if key is None else await database.ask(lambda db: close_alls.find(db, account_id, key))
    if began is None and await broadcasts.in_force(shard) >= ONE_COMMAND_SINCE:
        if key is not None and await dispatcher.lookup.is_of_venue(account_id, keyed_command_id(account_id, key)):
            raise ApiError(REFUSALS[Rejection.COMMAND_ID_REUSED])
        return await close_at_once(dispatcher, positions, caller, await _known_open(positions, account_id), options)
    if options.turn is not None:
        await options.turn.come()  # Of many commands the first is the one that keeps its place.
    position_ids, replayed = await _positions_to_close(dispatcher, positions, caller.account_id, options.key)
    found = await _close_each(dispatcher, positions, caller, position_ids, options)
    errors = [
        one.error for one in found if one.error is not None and one.error.kind.status >= HTTPStatus.TOO_MANY_REQUESTS
    ]
    if errors and len(errors) == len(found):
        raise errors[0]
    # What was done before takes nobody back to what they had seen then.
    seq = max((one.seq for one in found), default=0) if not replayed else outcomes.seq(shard)
    headers = log_position_headers(shard, seq) if seq else {}
    headers |= {REPLAYED: "true"} if replayed else {}
    headers |= {"Preference-Applied": "respond-async"} if options.respond_async else {}
    items = [one.closing for one in found]
    return ClosingAll(items, headers, is_undecided=any(item.status == "pending" for item in items))


async def _known_open(positions: PositionLookup, account_id: str) -> list[str]:
    """List what is open as far as that is known: one command closes the rest too."""
    try:
        async with afterwards():
            return await positions.open_ids(account_id)
    except (ApiError, SQLAlchemyError) as error:
        structlog.get_logger().info("open positions not known", error=str(error))
        return []


async def _positions_to_close(
    dispatcher: Dispatcher, positions: PositionLookup, account_id: str, key: str | None
) -> tuple[list[str], bool]:
    """Give the positions that are to be closed, and whether the key was used for that before."""
    database = positions.database
    if key is not None:
        before = await database.ask(lambda db: close_alls.find(db, account_id, key))
        if before is not None:
            return before, True
        command_id = keyed_command_id(account_id, key)
        if await dispatcher.lookup.is_taken(account_id, command_id):
            raise ApiError(REFUSALS[Rejection.COMMAND_ID_REUSED])
    # What was opened a moment ago is open too.
    position_ids = await positions.open_ids(account_id)
    if key is None:
        return position_ids, False
    stored = await database.ask_in_transaction(lambda db: _store(db, account_id, key, position_ids))
    return stored, False


async def _close_each(
    dispatcher: Dispatcher,
    positions: PositionLookup,
    caller: SignedInUser,
    position_ids: list[str],
    options: RequestOptions,
) -> list[_Closed]:
    """Send every close, some at a time; once one is undecided, the others are not waited for either."""
    turn = asyncio.Semaphore(AT_ONCE)
    wait = not options.respond_async

    async def close(position_id: str) -> _Closed:
        nonlocal wait
        # No caller's own key has a line break, so no other command has this one's id.
        key = None if options.key is None else f"{options.key}\n{position_id}"
        async with turn:
            closed = await _close(
                dispatcher, positions, caller, position_id, RequestOptions(key, respond_async=not wait)
            )
        if closed.closing.status == "pending":
            wait = False
        return closed

    return list(await asyncio.gather(*(close(position_id) for position_id in position_ids)))


async def _close(
    dispatcher: Dispatcher, positions: PositionLookup, caller: SignedInUser, position_id: str, options: RequestOptions
) -> _Closed:
    try:
        position, reply = await service.close(dispatcher, positions, caller, position_id, options)
    except SQLAlchemyError as error:
        # Not even it was sent; what became of the others is known all the same.
        structlog.get_logger().error("database", error=str(error.__cause__ or error))
        unsent = ApiError(DATABASE_UNAVAILABLE, headers=RETRY_AFTER)
        closing = Closing(position_id=position_id, command_id="", status="rejected", code=unsent.kind.code)
        return _Closed(closing, error=unsent)
    except ApiError as error:
        command_id = str(error.members.get("command_id", ""))
        status = "pending" if error.kind == KEY_IN_USE else "rejected"
        fields = {"position_id": position_id, "command_id": command_id, "status": status}
        code = None if error.kind == KEY_IN_USE else error.kind.code
        return _Closed(Closing.model_validate(fields | {"code": code}), error=error)
    match reply:
        case Pending(command_id):
            return _Closed(Closing(position_id=position_id, command_id=command_id, status="pending"))
        case Decided(outcome):
            command_id, seq = str(outcome.event.command_id), outcome.event.seq
        case Stored(row):
            command_id, seq = row.command_id, row.seq
    return _Closed(Closing(position_id=position_id, command_id=command_id, status="done", position=position), seq)


def _store(db: Connection, account_id: str, key: str, position_ids: list[str]) -> list[str]:
    """Use a key, and store what it means unless that was said before; give what counts. 422 where it was used."""
    use = UsedKey("close_all")
    refuse_other_use(used_keys.take(db, keyed_command_id(account_id, key), use), use)
    close_alls.add(db, account_id, key, position_ids)
    stored = close_alls.find(db, account_id, key)
    assert stored is not None, "just stored"
    return stored
