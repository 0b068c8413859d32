"""Where the outcome of a command is found: in memory, then in flight, then in the tables.

Who sends under a key asks `known` and `stored_or_taken` before, and `original` where the engine calls it a repeat. Who
only reads asks `decided`, then whether this process `sent` it, then whether anything is `lagging`.
"""

import asyncio
from itertools import count
from time import monotonic
from typing import Final, NamedTuple

from api.dispatch.command_keys import CommandKey, CommandKeys
from api.dispatch.read_your_writes import catch_up, log_position_headers, wait_for
from api.dispatch.replies import RETRY_AFTER, Decided, Stored
from api.dispatch.unprojected import Unprojected
from api.http.problems import ENGINE_BEHIND, KEY_IN_USE, PROJECTION_BEHIND, REFUSALS, ApiError, ProblemKind
from api.log.command_producer import DEADLINE_S
from api.log.engine_lag import EngineLag
from api.log.outcomes import Outcome, Outcomes
from api.log.sent_commands import SentCommand, SentCommands
from api.store import used_keys
from api.store.database import Database
from api.store.used_keys import FOR_COMMAND, Use, UsedKey
from projector import queries
from schemas.commands import AccountCommand, OpenPosition
from schemas.content import content_of
from schemas.events import CommandRejected, CommandRepeated, PositionOpened
from schemas.ids import keyed_command_id
from schemas.rejections import Rejection

WAIT_S: Final = 2.0  # for the outcome of a command, sent by this request or by another
# After this time nothing sent is still in flight.
IN_FLIGHT_S: Final = DEADLINE_S + 2
TRIES_AT_ONCE: Final = 16
_USED: Final[dict[Use, str]] = {
    "command": "for another command",
    "close_all": "to close all positions",
    "spot_order": "for a spot order",
    "venue_order": "for an order at the venue",
}


class Tries(NamedTuple):
    """Under which key an order of a client order id is sent next. refused: the command of its last refused try."""

    key: str
    refused: str | None


class OutcomeLookup:
    """Used on the loop only. sent: what this process has sent lately."""

    def __init__(
        self,
        outcomes: Outcomes,
        sent: SentCommands,
        engine_lag: EngineLag,
        database: Database,
        unprojected: Unprojected,
    ) -> None:
        self.sent = sent
        self._outcomes = outcomes
        self._engine_lag = engine_lag
        self._database = database
        self._unprojected = unprojected
        self._keys = CommandKeys(database)

    # For who sends: what the same command has done before.

    async def known(self, command: AccountCommand, *, wait: bool) -> Decided | None:
        """Find an outcome in memory; one in flight is waited for, and the command refused where that takes long."""
        content = content_of(command)
        outcome = self._outcomes.recent(command.command_id)
        if outcome is None:
            return await self._in_flight_duplicate(command.command_id, content, wait=wait)
        where = log_position_headers(outcome.shard, outcome.event.seq)
        _refuse_other_content(outcome.event.command_hash, content, where)
        return Decided(outcome, replayed=True)

    async def stored_or_taken(self, command: AccountCommand) -> Stored | None:
        """Find the outcome a key had before what is remembered here, for ever, in PostgreSQL; else take it: null.

        A key that is taken is this command's alone, as with `take_key`.
        """
        shard = self._outcomes.shard_of(command.account_id)
        is_new = self._outcomes.seq(shard) == 0
        key = CommandKey(command.command_id, command.account_id, shard, is_new)
        found = await self._keys.look(key)
        if found is None:  # A projector that has just started needs no more than a moment.
            await catch_up(self._database, self._outcomes, shard)
            found = await self._keys.look(key)
        if found is None:
            raise ApiError(PROJECTION_BEHIND, headers=RETRY_AFTER)
        if isinstance(found, UsedKey):
            refuse_other_use(found, FOR_COMMAND)
            return None
        _refuse_other_content(found.command_hash, content_of(command), log_position_headers(found.shard, found.seq))
        return Stored(found)

    async def take_key(self, command_id: str, use: UsedKey) -> None:
        """Use a key, from now on for this alone; 422 where it was used for something else. Call it before all is sent.

        PostgreSQL decides between two that use it at the same moment, whichever process they come to.
        """
        refuse_other_use(await self._database.ask(lambda db: used_keys.take(db, command_id, use)), use)

    async def original(self, command: AccountCommand, repeat: Outcome) -> Decided | Stored | None:
        """Find the first outcome of what the engine calls a repeat: its events are before the repeat's own."""
        recent = self._outcomes.recent(command.command_id)
        if recent is not None:
            return Decided(recent, replayed=True)
        await wait_for(self._database, repeat.shard, repeat.event.seq)
        row = await self._database.ask(lambda db: queries.command(db, command.account_id, command.command_id))
        return None if row is None else Stored(row)

    async def by_client_order_id(self, command: OpenPosition) -> Decided | Stored | None:
        """Find the order a client order id already opened under another key: the same again, or refused."""
        account_id, client_order_id = command.account_id, command.client_order_id
        if client_order_id is None or self._was_opened_by(command.command_id):
            return None
        shard = self._outcomes.shard_of(account_id)
        await self._unprojected.is_complete(shard)
        found = await self.named(account_id, client_order_id)
        if found is None or found.command_id == command.command_id:
            return None
        if found.command_hash != content_of(command):
            raise ApiError(REFUSALS[Rejection.COMMAND_ID_REUSED], "The client_order_id was used for another order")
        if isinstance(found, PositionOpened):
            return Decided(Outcome(shard, found), replayed=True, seen=self._outcomes.seq(shard))
        return Stored(found, self._outcomes.seq(shard))

    async def named(self, account_id: str, client_order_id: str) -> queries.CommandRow | PositionOpened | None:
        """Find what a client order id opened, in the tables or among the events that they do not have yet."""
        events = await self._unprojected.events_now(account_id)  # First: what is projected meanwhile is in the row.
        row = await self._database.ask(lambda db: queries.command_by_client_order_id(db, account_id, client_order_id))
        opened = (event for event in events if isinstance(event, PositionOpened))
        return row or next((event for event in opened if event.client_order_id == client_order_id), None)

    async def tries(self, account_id: str, client_order_id: str) -> Tries:
        """Find the key under which an order of this name is sent: of the first try that was not refused.

        A refusal does not use a client order id up (OPEN-17), and a command that was refused stays refused (CMD-06): so
        each try has a key, and thus a command, of its own.
        """
        last = None
        for first in count(0, TRIES_AT_ONCE):
            keys = [_key_of_try(client_order_id, number) for number in range(first, first + TRIES_AT_ONCE)]
            command_ids = [keyed_command_id(account_id, key) for key in keys]
            if last is None and self._was_opened_by(command_ids[0]):
                return Tries(keys[0], None)  # No database need be asked.
            refused = await self._refused(account_id, command_ids)
            for key, command_id in zip(keys, command_ids, strict=True):
                if command_id not in refused:
                    return Tries(key, last)
                last = command_id
        raise AssertionError("the numbers of tries do not end")

    def _was_opened_by(self, command_id: str) -> bool:
        """Say without the database whether a command is remembered, and was not refused."""
        outcome = self._outcomes.recent(command_id)
        return outcome is not None and not isinstance(outcome.event, CommandRejected)

    async def _refused(self, account_id: str, command_ids: list[str]) -> set[str]:
        """Give those of the commands that are known as refused, in memory or in the tables."""
        recent = {command_id: self._outcomes.recent(command_id) for command_id in command_ids}
        refused = {
            command_id
            for command_id, outcome in recent.items()
            if outcome is not None and isinstance(outcome.event, CommandRejected)
        }
        unknown = [command_id for command_id, outcome in recent.items() if outcome is None]
        rows = await self._database.ask(lambda db: queries.commands(db, account_id, unknown)) if unknown else {}
        return refused | {command_id for command_id, row in rows.items() if row.rejection is not None}

    async def is_taken(self, account_id: str, command_id: str) -> bool:
        """Say whether a key was used for a command, or for an order at the venue."""
        return await self.is_of_ledger(account_id, command_id) or await self.is_of_venue(account_id, command_id)

    async def is_of_ledger(self, account_id: str, command_id: str) -> bool:
        """Say whether a key was used for a command of the ledger."""
        if self._outcomes.recent(command_id) is not None or self.sent.get(command_id) is not None:
            return True
        return await self._database.ask(lambda db: queries.command(db, account_id, command_id)) is not None

    async def is_of_venue(self, account_id: str, command_id: str) -> bool:
        """Say whether a key was used for an order at the venue."""
        return await self._database.ask(lambda db: queries.venue_order_row(db, account_id, command_id)) is not None

    # For who reads: what became of a command of the caller's.

    async def decided(self, account_id: str, command_id: str) -> Decided | Stored | None:
        """Find the outcome of a command of this account in memory, or in the tables."""
        recent = self._outcomes.recent(command_id)
        if recent is not None and recent.event.account_id == account_id:
            return Decided(recent)
        row = await self._database.ask(lambda db: queries.command(db, account_id, command_id))
        return None if row is None else Stored(row)

    async def is_decided(self, account_id: str, command_id: str, age_s: float) -> bool | None:
        """Wait two seconds for a command that is to be sent since so long; false: it never was, null: nobody knows."""
        if await self.decided(account_id, command_id) is not None:
            return True
        if age_s < IN_FLIGHT_S:
            return True if await self._outcome_of_other_request(command_id) is not None else None
        if await self.lagging(account_id) is not None:
            return None
        return await self.decided(account_id, command_id) is not None

    def sent_by(self, account_id: str, command_id: str) -> SentCommand | None:
        """Give a command of this account, where this process sent it lately."""
        sent = self.sent.get(command_id)
        return sent if sent is not None and sent.command.account_id == account_id else None

    def is_in_flight(self, sent: SentCommand) -> bool:
        """Say whether what this process sent may still come to be decided."""
        shard = self._outcomes.shard_of(sent.command.account_id)
        return monotonic() - sent.at < IN_FLIGHT_S or self._engine_lag.is_behind(shard)

    async def lagging(self, account_id: str) -> ProblemKind | None:
        """Wait a moment until all that is in the account's shard now is decided and in the tables; say what is behind.

        Only where nothing is, what was not found was never sent.
        """
        shard = self._outcomes.shard_of(account_id)
        if not await self._engine_lag.decided(shard):
            return ENGINE_BEHIND
        return PROJECTION_BEHIND if await catch_up(self._database, self._outcomes, shard) > 0 else None

    def in_flight(self, command_id: str) -> SentCommand | None:
        """Give a command that another request has sent, and whose outcome has not come."""
        sent = self.sent.get(command_id)
        return None if sent is None or sent.answered or not self.is_in_flight(sent) else sent

    async def _in_flight_duplicate(self, command_id: str, content: bytes, *, wait: bool) -> Decided | None:
        """Wait for the outcome of the same command that another request has sent; 409 where it takes long."""
        if (sent := self.in_flight(command_id)) is None:
            return None
        _refuse_other_content(content_of(sent.command), content, {})
        outcome = await self._outcome_of_other_request(command_id) if wait else None
        if outcome is None:
            where = {"Location": f"/api/v1/commands/{command_id}"}
            raise ApiError(KEY_IN_USE, headers=RETRY_AFTER | where, command_id=command_id)
        return Decided(outcome, replayed=True)

    async def _outcome_of_other_request(self, command_id: str) -> Outcome | None:
        waiter = self._outcomes.expect(command_id)
        try:
            waiter.appended(-1)  # Wherever the other request's record stands.
            came = self._outcomes.recent(command_id)  # It may have come before the waiting began.
            outcome = await asyncio.wait_for(waiter.outcome, WAIT_S) if came is None else came
        except TimeoutError:
            return None
        finally:
            self._outcomes.forget(command_id, waiter)
        return self._outcomes.recent(command_id) if isinstance(outcome.event, CommandRepeated) else outcome


def refuse_other_use(used: UsedKey, use: UsedKey) -> None:
    """Raise 422 where a key was used for something else than this, or for the same with other content."""
    if used.used_for != use.used_for:
        raise ApiError(REFUSALS[Rejection.COMMAND_ID_REUSED], f"The key was used {_USED[used.used_for]}")
    if used.content != use.content:
        raise ApiError(REFUSALS[Rejection.COMMAND_ID_REUSED])


def _key_of_try(client_order_id: str, number: int) -> str:
    """No caller's own key has a line break, so no other command has this one's id."""
    return client_order_id if number == 0 else f"{client_order_id}\n{number}"


def _refuse_other_content(known: bytes | None, content: bytes, headers: dict[str, str]) -> None:
    if known != content:
        raise ApiError(REFUSALS[Rejection.COMMAND_ID_REUSED], headers=headers)
