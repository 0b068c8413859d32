"""How a command is put into the log and answered: settled, known from before, refused, or honestly undecided."""

import asyncio
from collections.abc import Awaitable, Callable
from time import monotonic
from typing import Final, NamedTuple

from sqlalchemy import Connection

from api.app_state import AppState
from api.dispatch.read_your_writes import place, wait_for
from api.http.problems import (
    BROKER_UNAVAILABLE,
    ENGINE_BEHIND,
    KEY_IN_USE,
    PROJECTION_BEHIND,
    REFUSALS,
    REPLAYED,
    ApiError,
)
from api.http.times import now
from api.log.command_producer import DEADLINE_S, ClientCommand, SentCommand
from api.log.outcomes import NotAppended, Outcome
from api.store import close_alls as close_all_store
from projector import queries
from schemas.commands import AmendStops, ClosePosition, ReducePosition
from schemas.content import content_of
from schemas.events import CommandRejected, CommandRepeated
from schemas.rejections import Rejection
from schemas.sharding import shard_of
from schemas.units import MINUTE

WAIT_S: Final = 2.0
FIRST_WAIT_S: Final = 1.0  # for the first outcome of a command that the engine calls a repeat
PROJECTION_AGE_MAX: Final = 5 * MINUTE
RETRY_AFTER: Final = {"Retry-After": "1"}
REMEMBERED_S: Final = 600
# After this time nothing sent is still on its way to the log.
ON_ITS_WAY_S: Final = DEADLINE_S + 2


class Decided(NamedTuple):
    """The event that is the outcome; replayed: of the same command sent before. seen: the shard's last event then."""

    outcome: Outcome
    replayed: bool = False
    seen: int = 0

    @property
    def seq(self) -> int:
        """What who is told this has seen."""
        return max(self.outcome.event.seq, self.seen)

    def headers(self) -> dict[str, str]:
        """Give the headers of the reply."""
        return place(self.outcome.shard, self.seq) | _replayed(self.replayed)


class Stored(NamedTuple):
    """What PostgreSQL has about the same command sent before. seen: the shard's last event by now."""

    row: queries.CommandRow
    seen: int = 0

    @property
    def seq(self) -> int:
        """What who is told this has seen."""
        return max(self.row.seq, self.seen)

    def headers(self) -> dict[str, str]:
        """Give the headers of the reply."""
        return place(self.row.shard, self.seq) | _replayed(replayed=True)


class Pending(NamedTuple):
    """Sent, perhaps appended, and not answered in time; preferred: the caller did not want to wait."""

    command_id: str
    preferred: bool = False


Reply = Decided | Stored | Pending


async def ask(
    state: AppState,
    command: ClientCommand,
    *,
    key: str | None = None,
    respond_async: bool = False,
    condition: Callable[[], Awaitable[None]] | None = None,
) -> Reply:
    """Send a command and wait two seconds for its outcome; a refusal is an ApiError. key: what its id was made of.

    The condition may refuse what was not sent before; what was is answered as it was then.
    """
    shard = shard_of(command.account_id, state.settings.shards)
    if key is not None:
        remembered = await _remembered(state, command, respond_async=respond_async)
        if remembered is not None:
            return await _accept(state, command, remembered)
    if not state.engine_lag.broker_answers():
        raise _not_sent(state, "The broker has not answered for seconds; nothing was sent")
    if state.engine_lag.is_behind(shard):
        state.metrics.commands.labels("engine_behind").inc()
        raise ApiError(ENGINE_BEHIND, "Commands of seconds ago wait in the log; nothing was sent", headers=RETRY_AFTER)
    if key is not None:
        before = await _before(state, command, shard, key)
        if before is not None:
            return await _accept(state, command, before)
    if condition is not None:
        await condition()
    outcome = await _send(state, command, 0 if respond_async else WAIT_S)
    if outcome is None:
        state.metrics.commands.labels("undecided").inc()
        return Pending(command.command_id, preferred=respond_async)
    if not isinstance(outcome.event, CommandRepeated):
        return await _accept(state, command, Decided(outcome))
    first = await _first(state, command, outcome)
    return Pending(command.command_id) if first is None else await _accept(state, command, first)


async def _send(state: AppState, command: ClientCommand, wait_s: float) -> Outcome | None:
    """Put a command into the log; null when its outcome did not come in time, whatever became of it."""
    waiter = state.outcomes.expect(command.command_id)
    started = monotonic()
    try:
        state.producer.send(command, waiter)
        if wait_s == 0:
            return None
        outcome = await asyncio.wait_for(waiter.outcome, wait_s)
    except TimeoutError:
        return None
    except NotAppended as error:
        state.producer.note_answer(command.command_id)
        raise _not_sent(state, f"The log did not take the command: {error}") from error
    finally:
        state.outcomes.forget(command.command_id, waiter)
    state.producer.note_answer(command.command_id)
    state.metrics.waits.observe(monotonic() - started)
    return outcome


def is_on_its_way(state: AppState, sent: SentCommand) -> bool:
    """Say whether what this process sent may still come to be decided."""
    shard = shard_of(sent.command.account_id, state.settings.shards)
    return monotonic() - sent.at < ON_ITS_WAY_S or state.engine_lag.is_behind(shard)


async def _remembered(state: AppState, command: ClientCommand, *, respond_async: bool) -> Decided | None:
    """Find what a key did lately, in memory; what it still does is waited for, and refused when that takes long."""
    content = content_of(command)
    outcome = state.outcomes.recent(command.command_id)
    if outcome is None:
        sent = state.producer.sent(command.command_id)
        if sent is None or sent.answered or not is_on_its_way(state, sent):
            return None
        _refuse_other_content(content_of(sent.command), content, {})
        outcome = None if respond_async else await _overhear(state, command.command_id)
        if outcome is None:
            where = {"Location": f"/api/v1/commands/{command.command_id}"}
            raise ApiError(KEY_IN_USE, headers=RETRY_AFTER | where, command_id=command.command_id)
    else:
        _refuse_other_content(outcome.event.command_hash, content, place(outcome.shard, outcome.event.seq))
    return Decided(outcome, replayed=True)


async def _overhear(state: AppState, command_id: str) -> Outcome | None:
    """Wait for the outcome of what another request sent; null when it did not come in time."""
    waiter = state.outcomes.expect(command_id)
    try:
        waiter.appended(-1)  # Wherever the other request's record stands.
        # It may have come before the waiting began.
        came = state.outcomes.recent(command_id)
        outcome = await asyncio.wait_for(waiter.outcome, WAIT_S) if came is None else came
    except TimeoutError:
        return None
    finally:
        state.outcomes.forget(command_id, waiter)
    return state.outcomes.recent(command_id) if isinstance(outcome.event, CommandRepeated) else outcome


async def _before(state: AppState, command: ClientCommand, shard: int, key: str) -> Decided | Stored | None:
    """Find the outcome a key had before what is remembered here: for ever, in PostgreSQL."""
    content = content_of(command)
    row, age, closed_all = await state.database.ask(lambda db: _known_in(db, command, shard, key))
    if row is None and age > PROJECTION_AGE_MAX:
        # A projector that has just started needs no more than a moment.
        await wait_for(state, shard, state.outcomes.seq(shard))
        row, age, closed_all = await state.database.ask(lambda db: _known_in(db, command, shard, key))
    if row is not None and row.command_hash is not None:
        _refuse_other_content(row.command_hash, content, place(row.shard, row.seq))
        return Stored(row)
    if closed_all:
        raise ApiError(REFUSALS[Rejection.COMMAND_ID_REUSED], "The key was used to close all positions")
    if age > PROJECTION_AGE_MAX and state.outcomes.seq(shard) > 0:
        raise ApiError(PROJECTION_BEHIND, headers=RETRY_AFTER)
    return None


async def _first(state: AppState, command: ClientCommand, repeat: Outcome) -> Decided | Stored | None:
    """Find the outcome of what the engine calls the first: its events are before the repeat's own."""
    recent = state.outcomes.recent(command.command_id)
    if recent is not None:
        return Decided(recent, replayed=True)
    await wait_for(state, repeat.shard, repeat.event.seq)
    row = await state.database.ask(lambda db: queries.command(db, command.account_id, command.command_id))
    return None if row is None else Stored(row)


async def _accept(state: AppState, command: ClientCommand, reply: Decided | Stored) -> Decided | Stored:
    """Pass an outcome on, or raise the refusal it is."""
    if isinstance(reply, Stored) or reply.replayed:
        # An old outcome takes nobody back to what they had seen when it was new.
        reply = reply._replace(seen=state.outcomes.seq(shard_of(command.account_id, state.settings.shards)))
    state.last_seen.note(command.account_id, reply.seq)
    if isinstance(reply, Stored):
        if reply.row.rejection is not None:
            raise await _refusal(state, command, Rejection(reply.row.rejection), reply.headers())
        state.metrics.commands.labels("replayed").inc()
        return reply
    event = reply.outcome.event
    if isinstance(event, CommandRejected):
        raise await _refusal(state, command, Rejection(event.rejection), reply.headers(), reply.outcome)
    state.recent_positions.note(event)
    state.metrics.commands.labels("replayed" if reply.replayed else "done").inc()
    return reply


async def _refusal(
    state: AppState,
    command: ClientCommand,
    rejection: Rejection,
    headers: dict[str, str],
    outcome: Outcome | None = None,
) -> ApiError:
    state.metrics.commands.labels(rejection.name).inc()
    kind = REFUSALS[rejection]
    if rejection is Rejection.TOO_MANY_COMMANDS:
        headers = headers | {"Retry-After": str(REMEMBERED_S // 10)}
    if rejection is Rejection.POSITION_NOT_OPEN and isinstance(command, ClosePosition | ReducePosition | AmendStops):
        # Only a position that is the caller's is told apart from one that never was.
        position_id, account_id = command.position_id, command.account_id
        if outcome is not None:
            await wait_for(state, outcome.shard, outcome.event.seq)
        if await state.database.ask(lambda db: queries.position(db, account_id, position_id)) is None:
            kind = kind._replace(status=404)
    return ApiError(kind, headers=headers, command_id=command.command_id)


def _refuse_other_content(known: bytes | None, content: bytes, headers: dict[str, str]) -> None:
    if known != content:
        raise ApiError(REFUSALS[Rejection.COMMAND_ID_REUSED], headers=headers)


def _not_sent(state: AppState, detail: str) -> ApiError:
    state.metrics.commands.labels("not_sent").inc()
    return ApiError(BROKER_UNAVAILABLE, detail, headers=RETRY_AFTER)


def _known_in(
    db: Connection, command: ClientCommand, shard: int, key: str
) -> tuple[queries.CommandRow | None, int, bool]:
    """Give a command's row, for how long (µs) the tables may lack what is committed, and if the key closed all."""
    current_at = queries.current_at(db, shard)
    row = queries.command(db, command.account_id, command.command_id)
    closed_all = row is None and close_all_store.find(db, command.account_id, key) is not None
    return row, now() - current_at, closed_all


def _replayed(replayed: bool) -> dict[str, str]:
    return {REPLAYED: "true"} if replayed else {}
