"""How a command is put into the log and answered: settled, known from before, refused, or honestly undecided."""

import asyncio
from time import monotonic
from typing import Final, NamedTuple

from sqlalchemy import Connection

from reprise.api.command_log import Asked
from reprise.api.outcomes import NotAppended, Outcome
from reprise.api.parts import Parts
from reprise.api.problems import (
    BROKER_UNAVAILABLE,
    ENGINE_BEHIND,
    PROJECTION_BEHIND,
    REFUSALS,
    REPLAYED,
    ApiError,
)
from reprise.api.progress import place, wait_for
from reprise.api.times import now
from reprise.projector import queries
from reprise.schemas.commands import AmendStops, ClosePosition
from reprise.schemas.content import content_of
from reprise.schemas.events import CommandRejected, CommandRepeated
from reprise.schemas.rejections import Rejection
from reprise.schemas.sharding import shard_of
from reprise.schemas.units import MINUTE

WAIT_S: Final = 2.0
FIRST_WAIT_S: Final = 1.0  # for the first outcome of a command that the engine calls a repeat
PROJECTION_AGE_MAX: Final = 5 * MINUTE
RETRY_AFTER: Final = {"Retry-After": "1"}
REMEMBERED_S: Final = 600


class Settled(NamedTuple):
    """The event that is the outcome; replayed: of the same command sent before."""

    outcome: Outcome
    replayed: bool = False

    def headers(self) -> dict[str, str]:
        """Give the headers of the reply."""
        return place(self.outcome.shard, self.outcome.event.seq) | _replayed(self.replayed)


class Known(NamedTuple):
    """What PostgreSQL has about the same command sent before."""

    row: queries.CommandRow

    def headers(self) -> dict[str, str]:
        """Give the headers of the reply."""
        return place(self.row.shard, self.row.seq) | _replayed(replayed=True)


class Undecided(NamedTuple):
    """Sent, perhaps appended, and not answered in time."""

    command_id: str


Reply = Settled | Known | Undecided


async def ask(parts: Parts, command: Asked, *, keyed: bool = False, respond_async: bool = False) -> Reply:
    """Send a command and wait two seconds for its outcome; a refusal is an ApiError."""
    shard = shard_of(command.account_id, parts.settings.shards)
    if not parts.ends.broker_answers():
        raise _not_sent(parts, "The broker has not answered for seconds; nothing was sent")
    if parts.ends.is_behind(shard):
        parts.metrics.commands.labels("engine_behind").inc()
        raise ApiError(ENGINE_BEHIND, "Commands of seconds ago wait in the log; nothing was sent", headers=RETRY_AFTER)
    if keyed:
        before = await _before(parts, command, shard)
        if before is not None:
            return await _accept(parts, command, before)
    outcome = await _send(parts, command, 0 if respond_async else WAIT_S)
    if outcome is None:
        parts.metrics.commands.labels("undecided").inc()
        return Undecided(command.command_id)
    if not isinstance(outcome.event, CommandRepeated):
        return await _accept(parts, command, Settled(outcome))
    first = await _first(parts, command, outcome)
    return Undecided(command.command_id) if first is None else await _accept(parts, command, first)


async def _send(parts: Parts, command: Asked, wait_s: float) -> Outcome | None:
    """Put a command into the log; null when its outcome did not come in time, whatever became of it."""
    waiter = parts.outcomes.expect(command.command_id)
    started = monotonic()
    try:
        parts.command_log.send(command, waiter)
        if wait_s == 0:
            return None
        outcome = await asyncio.wait_for(waiter.outcome, wait_s)
    except TimeoutError:
        return None
    except NotAppended as error:
        raise _not_sent(parts, f"The log did not take the command: {error}") from error
    finally:
        parts.outcomes.forget(command.command_id, waiter)
    parts.metrics.waits.observe(monotonic() - started)
    return outcome


async def _before(parts: Parts, command: Asked, shard: int) -> Settled | Known | None:
    """Find the outcome a key had before: lately in memory, for ever in PostgreSQL."""
    content = content_of(command)
    recent = parts.outcomes.recent(command.command_id)
    if recent is not None:
        _refuse_other_content(recent.event.command_hash, content, place(recent.shard, recent.event.seq))
        return Settled(recent, replayed=True)
    row, age = await parts.database.ask(lambda db: _known_in(db, command, shard))
    if row is None and age > PROJECTION_AGE_MAX:
        # A projector that has just started needs no more than a moment.
        await wait_for(parts, shard, parts.outcomes.seq(shard))
        row, age = await parts.database.ask(lambda db: _known_in(db, command, shard))
    if row is not None and row.command_hash is not None:
        _refuse_other_content(row.command_hash, content, place(row.shard, row.seq))
        return Known(row)
    if age > PROJECTION_AGE_MAX and parts.outcomes.seq(shard) > 0:
        raise ApiError(PROJECTION_BEHIND, headers=RETRY_AFTER)
    return None


async def _first(parts: Parts, command: Asked, repeat: Outcome) -> Settled | Known | None:
    """Find the outcome of what the engine calls the first: its events are before the repeat's own."""
    recent = parts.outcomes.recent(command.command_id)
    if recent is not None:
        return Settled(recent, replayed=True)
    await wait_for(parts, repeat.shard, repeat.event.seq)
    row = await parts.database.ask(lambda db: queries.command(db, command.account_id, command.command_id))
    return None if row is None else Known(row)


async def _accept(parts: Parts, command: Asked, reply: Settled | Known) -> Settled | Known:
    """Pass an outcome on, or raise the refusal it is."""
    if isinstance(reply, Known):
        if reply.row.rejection is not None:
            raise await _refusal(parts, command, Rejection(reply.row.rejection), reply.headers())
        parts.metrics.commands.labels("replayed").inc()
        return reply
    event = reply.outcome.event
    if isinstance(event, CommandRejected):
        raise await _refusal(parts, command, Rejection(event.rejection), reply.headers(), reply.outcome)
    parts.tickets.note(event)
    parts.metrics.commands.labels("replayed" if reply.replayed else "done").inc()
    return reply


async def _refusal(
    parts: Parts,
    command: Asked,
    rejection: Rejection,
    headers: dict[str, str],
    outcome: Outcome | None = None,
) -> ApiError:
    parts.metrics.commands.labels(rejection.name).inc()
    kind = REFUSALS[rejection]
    if rejection is Rejection.TOO_MANY_COMMANDS:
        headers = headers | {"Retry-After": str(REMEMBERED_S // 10)}
    if rejection is Rejection.POSITION_NOT_OPEN and isinstance(command, ClosePosition | AmendStops):
        # Only a position that is the caller's is told apart from one that never was.
        position_id, account_id = command.position_id, command.account_id
        if outcome is not None:
            await wait_for(parts, outcome.shard, outcome.event.seq)
        if await parts.database.ask(lambda db: queries.position(db, account_id, position_id)) is None:
            kind = kind._replace(status=404)
    return ApiError(kind, headers=headers, command_id=command.command_id)


def _refuse_other_content(known: bytes | None, content: bytes, headers: dict[str, str]) -> None:
    if known != content:
        raise ApiError(REFUSALS[Rejection.COMMAND_ID_REUSED], headers=headers)


def _not_sent(parts: Parts, detail: str) -> ApiError:
    parts.metrics.commands.labels("not_sent").inc()
    return ApiError(BROKER_UNAVAILABLE, detail, headers=RETRY_AFTER)


def _known_in(db: Connection, command: Asked, shard: int) -> tuple[queries.CommandRow | None, int]:
    """Give a command's row, and for how long (µs) the tables may have been without what is committed."""
    current_at = next((row.current_at for row in queries.progress(db) if row.shard == shard), 0)
    return queries.command(db, command.account_id, command.command_id), now() - current_at


def _replayed(replayed: bool) -> dict[str, str]:
    return {REPLAYED: "true"} if replayed else {}
