"""How a command is put into the log and answered: decided, known from before, refused, or honestly pending."""

import asyncio
from collections.abc import Awaitable, Callable
from time import monotonic
from typing import Annotated, Final

import structlog
from fastapi import Depends, Request
from sqlalchemy.exc import SQLAlchemyError

from api.app_state import AppState
from api.dispatch.outcome_lookup import WAIT_S, OutcomeLookup
from api.dispatch.refusal_facts import facts_of
from api.dispatch.replies import RETRY_AFTER, Decided, Pending, Reply, Stored
from api.dispatch.request_options import RequestOptions
from api.dispatch.turns import SendingTurn
from api.dispatch.unprojected import unprojected
from api.http.problems import BROKER_UNAVAILABLE, ENGINE_BEHIND, REFUSALS, ApiError
from api.log.outcomes import NotAppended, Outcome
from api.pretrade.details import explained
from api.store.database import afterwards
from projector import queries
from schemas.command_groups import PositionCommand
from schemas.commands import AccountCommand, OpenPosition
from schemas.events import CommandRejected, CommandRepeated, PositionOpened
from schemas.record import replace
from schemas.rejections import Rejection
from schemas.units import SECOND

REMEMBERED_S: Final = 600
OF_CLOCKS: Final = (Rejection.DEADLINE_PASSED, Rejection.DEADLINE_TOO_FAR, Rejection.CLOCK_SUSPECT)
ONCE: Final = RequestOptions(None, respond_async=False)


class Dispatcher:
    """Sends commands of clients, each once however often it is asked for; used on the loop only."""

    def __init__(self, state: AppState) -> None:
        self.lookup = OutcomeLookup(state.outcomes, state.sent, state.engine_lag, state.database, unprojected(state))
        self._state = state
        self._database = state.database
        self._outcomes = state.outcomes
        self._producer = state.producer
        self._sent = state.sent
        self._engine_lag = state.engine_lag
        self._last_seen = state.last_seen
        self._recent_positions = state.recent_positions
        self._unprojected = unprojected(state)
        self._metrics = state.metrics

    async def execute(
        self,
        command: AccountCommand,
        options: RequestOptions = ONCE,
        condition: Callable[[], Awaitable[None]] | None = None,
    ) -> Reply:
        """Send a command and wait two seconds for its outcome; a refusal is an ApiError.

        The key of the options is what the command's id was made of. The condition may refuse what was not sent before;
        what was is answered as it was then. A turn of the options is waited for before anything is sent.
        """
        key, respond_async, turn = options
        if key is not None:
            if turn is not None and self.lookup.in_flight(command.command_id) is not None:
                turn.end()  # Nothing is sent, and what waits for another request's outcome holds up none of its own.
            known = await self.lookup.known(command, wait=not respond_async)
            if known is not None:
                return await self._accept(command, known)
        self._refuse_unless_log_goes_on(command)
        if key is not None:
            stored = await self.lookup.stored_or_taken(command)
            if stored is not None:
                return await self._accept(command, stored)
        if turn is not None:
            await turn.come()
        if condition is not None:
            await condition()
        outcome = await self._send(command, 0 if respond_async else WAIT_S, turn)
        if outcome is None:
            self._metrics.commands.labels("undecided").inc()
            return Pending(command.command_id, preferred=respond_async)
        if not isinstance(outcome.event, CommandRepeated):
            return await self._accept(command, Decided(outcome))
        try:
            async with afterwards():
                original = await self.lookup.original(command, outcome)
        except SQLAlchemyError as error:
            structlog.get_logger().warning("first outcome not read", command_id=command.command_id, error=str(error))
            original = None
        return Pending(command.command_id) if original is None else await self._accept(command, original)

    def _refuse_unless_log_goes_on(self, command: AccountCommand) -> None:
        """Refuse what would only wait: the broker is silent, or the engine does not keep up."""
        if not self._engine_lag.broker_answers():
            raise self._not_sent("The broker has not answered for seconds; nothing was sent")
        if self._engine_lag.is_behind(self._outcomes.shard_of(command.account_id)):
            self._metrics.commands.labels("engine_behind").inc()
            raise ApiError(
                ENGINE_BEHIND, "Commands of seconds ago wait in the log; nothing was sent", headers=RETRY_AFTER
            )

    async def _send(self, command: AccountCommand, wait_s: float, turn: SendingTurn | None) -> Outcome | None:
        """Put a command into the log; null when its outcome did not come in time, whatever became of it."""
        waiter = self._outcomes.expect(command.command_id)
        started = monotonic()
        try:
            self._producer.send(self._by_log_time(command), waiter)
            if turn is not None:
                turn.end()
            if wait_s == 0:
                return None
            outcome = await asyncio.wait_for(waiter.outcome, wait_s)
        except TimeoutError:
            return None
        except NotAppended as error:
            self._sent.note_answer(command.command_id)
            structlog.get_logger().warning("command not appended", error=str(error))
            raise self._not_sent("The log did not take the command; nothing was sent") from error
        finally:
            self._outcomes.forget(command.command_id, waiter)
        self._sent.note_answer(command.command_id)
        self._metrics.waits.observe(monotonic() - started)
        return outcome

    def _by_log_time(self, command: AccountCommand) -> AccountCommand:
        """Let a deadline be by the log's clock for all that does not open: a wrong clock keeps nobody in."""
        ahead = self._engine_lag.log_ahead(self._outcomes.shard_of(command.account_id))
        if isinstance(command, OpenPosition) or command.deadline is None or abs(ahead) <= SECOND:
            return command
        return replace(command, deadline=command.deadline + ahead)

    async def _accept(self, command: AccountCommand, reply: Decided | Stored) -> Decided | Stored:
        """Pass an outcome on, or raise the refusal it is."""
        if isinstance(reply, Stored) or reply.replayed:
            # An old outcome takes nobody back to what they had seen when it was new.
            reply = reply._replace(seen=self._outcomes.seq(self._outcomes.shard_of(command.account_id)))
        self._last_seen.note(command.account_id, reply.seq)
        if isinstance(reply, Stored):
            if reply.row.rejection is not None:
                raise await self._refusal(command, Rejection(reply.row.rejection), reply.headers())
            self._metrics.commands.labels("replayed").inc()
            return reply
        event = reply.outcome.event
        if isinstance(event, CommandRejected):
            raise await self._refusal(command, Rejection(event.rejection), reply.headers())
        self._recent_positions.note(event)
        self._metrics.commands.labels("replayed" if reply.replayed else "done").inc()
        return reply

    async def _refusal(self, command: AccountCommand, rejection: Rejection, headers: dict[str, str]) -> ApiError:
        self._metrics.commands.labels(rejection.name).inc()
        kind = REFUSALS[rejection]
        if rejection is Rejection.TOO_MANY_COMMANDS:
            headers = headers | {"Retry-After": str(REMEMBERED_S // 10)}
        if (
            rejection is Rejection.POSITION_NOT_OPEN
            and isinstance(command, PositionCommand)
            # Only a position that is the caller's differs from one that never was.
            and not await self._may_be_callers(command.account_id, command.position_id)
        ):
            kind = kind._replace(status=404)
        detail, details = explained(rejection, command, await facts_of(self._state, rejection, command))
        if rejection in OF_CLOCKS and (difference := self._engine_lag.clock_difference()) is not None:
            detail = f"{kind.title}: {difference}"
        return ApiError(kind, detail, headers=headers, details=details, command_id=command.command_id)

    async def _may_be_callers(self, account_id: str, position_id: str) -> bool:
        """Say whether an account has or had a position; where nobody knows, it may have."""
        if self._recent_positions.opened(position_id, account_id) is not None:
            return True
        try:
            async with afterwards():
                is_complete = await self._unprojected.is_complete(self._outcomes.shard_of(account_id))
                events = await self._unprojected.events_now(account_id)
                row = await self._database.ask(lambda db: queries.position(db, account_id, position_id))
        except SQLAlchemyError as error:
            structlog.get_logger().warning("position not looked up", position_id=position_id, error=str(error))
            return True
        opened = {event.position_id for event in events if isinstance(event, PositionOpened)}
        return row is not None or position_id in opened or not is_complete

    def _not_sent(self, detail: str) -> ApiError:
        self._metrics.commands.labels("not_sent").inc()
        return ApiError(BROKER_UNAVAILABLE, detail, headers=RETRY_AFTER)


async def dispatcher_of(request: Request) -> Dispatcher:
    """Give the dispatcher of the application a request came to."""
    dispatcher: Dispatcher = request.app.state.dispatcher
    return dispatcher


async def lookup_of(request: Request) -> OutcomeLookup:
    """Give the lookup of the application a request came to."""
    return (await dispatcher_of(request)).lookup


DispatcherDep = Annotated[Dispatcher, Depends(dispatcher_of)]
LookupDep = Annotated[OutcomeLookup, Depends(lookup_of)]
