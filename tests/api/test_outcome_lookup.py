"""The order in which the outcome of a command is looked for: in memory, then in flight, then in the tables."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, TypeVar, cast

import pytest

from api.dispatch.outcome_lookup import OutcomeLookup
from api.dispatch.replies import Decided, Stored
from api.dispatch.unprojected import Unprojected
from api.http.problems import ApiError
from api.log.engine_lag import EngineLag
from api.log.event_bus import EventBus
from api.log.outcomes import Outcome, Outcomes, Waiter
from api.log.sent_commands import SentCommand, SentCommands
from api.store.database import Database
from projector.queries import CommandRow
from schemas.commands import Deposit
from schemas.content import content_of
from schemas.events import CommandRejected, EventHeader
from schemas.units import Timestamp

Answer = TypeVar("Answer")

COMMAND = Deposit(command_id="deposit", account_id="alice", deadline=1, amount=5)
OTHER = Deposit(command_id="deposit", account_id="alice", deadline=1, amount=6)


class Places:
    """A memory, commands in flight and tables, which note in which order they are asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.memory: Outcome | None = None
        self.sent = NotedCommands(self.asked)
        self.row: CommandRow | None = None
        self.waiter: Waiter | None = None
        self.lookup = OutcomeLookup(
            cast("Outcomes", self),
            self.sent,
            cast("EngineLag", self),
            cast("Database", Tables(self)),
            cast("Unprojected", None),
        )

    def recent(self, command_id: str) -> Outcome | None:
        assert command_id == COMMAND.command_id
        self.asked.append("memory")
        return self.memory

    def expect(self, command_id: str) -> Waiter:
        assert command_id == COMMAND.command_id
        self.waiter = Waiter(asyncio.get_running_loop())
        return self.waiter

    def forget(self, command_id: str, waiter: Waiter) -> None:
        assert (command_id, waiter) == (COMMAND.command_id, self.waiter)
        self.waiter = None

    def shard_of(self, account_id: str) -> int:
        assert account_id == COMMAND.account_id
        return 0

    def seq(self, shard: int) -> int:
        return shard

    def is_behind(self, shard: int) -> bool:
        return shard > 0


def lookup_in(places: Places, tables: "Tables") -> OutcomeLookup:
    """Look in these places; no client order id is looked for here, and with it no event that no table has."""
    database, outcomes = cast("Database", tables), cast("Outcomes", places)
    unprojected = Unprojected(database, outcomes, EventBus())
    return OutcomeLookup(outcomes, places.sent, cast("EngineLag", places), database, unprojected)


class NotedCommands(SentCommands):
    def __init__(self, asked: list[str]) -> None:
        super().__init__()
        self._asked = asked

    def get(self, command_id: str) -> SentCommand | None:
        self._asked.append("in flight")
        return super().get(command_id)


class Tables:
    def __init__(self, places: Places) -> None:
        self._places = places

    async def ask(self, question: Callable[[Any], Any]) -> Any:
        self._places.asked.append("tables")
        of_many = isinstance(question, partial) and "keys" in question.keywords
        return [self._places.row] if of_many else self._places.row


def outcome(content: bytes | None = None) -> Outcome:
    event = CommandRejected(
        EventHeader(
            seq=7,
            account_seq=1,
            command_offset=3,
            index=0,
            command_id=COMMAND.command_id,
            command_hash=content_of(COMMAND) if content is None else content,
            account_id=COMMAND.account_id,
            time=Timestamp(1),
        ),
        command="Deposit",
        rejection=10,
    )
    return Outcome(0, event)


def row() -> CommandRow:
    fields = dict.fromkeys(CommandRow._fields) | {"command_id": COMMAND.command_id, "shard": 0, "seq": 7}
    return CommandRow(**cast("dict[str, Any]", fields | {"command_hash": content_of(COMMAND)}))


def run(doing: Callable[[], Awaitable[Answer]]) -> Answer:
    async def main() -> Answer:
        return await doing()

    return asyncio.run(main())


def test_a_sender_gets_an_outcome_in_memory_without_a_query() -> None:
    places = Places()
    places.memory = outcome()
    assert run(lambda: places.lookup.known(COMMAND, wait=True)) == Decided(places.memory, replayed=True)
    assert places.asked == ["memory"]


def test_a_sender_asks_what_is_in_flight_after_the_memory_and_the_tables_last() -> None:
    places = Places()
    places.row = row()

    async def look() -> tuple[Decided | None, Stored | None]:
        return await places.lookup.known(COMMAND, wait=True), await places.lookup.stored_or_taken(COMMAND)

    assert run(look) == (None, Stored(row()))
    assert places.asked == ["memory", "in flight", "tables"]


def test_a_command_in_flight_is_waited_for_and_its_outcome_is_the_duplicate_s() -> None:
    places = Places()
    places.sent.note(COMMAND)

    async def look() -> Decided | None:
        looking = asyncio.ensure_future(places.lookup.known(COMMAND, wait=True))
        await asyncio.sleep(0)
        assert places.waiter is not None
        places.waiter.outcome.set_result(outcome())
        return await looking

    assert run(look) == Decided(outcome(), replayed=True)
    assert places.waiter is None
    assert "tables" not in places.asked


def test_a_command_in_flight_is_refused_as_in_use_where_the_sender_does_not_wait() -> None:
    places = Places()
    places.sent.note(COMMAND)
    with pytest.raises(ApiError, match="KEY_IN_USE"):
        run(lambda: places.lookup.known(COMMAND, wait=False))
    assert places.asked == ["memory", "in flight"]


def test_a_command_that_was_answered_is_no_longer_in_flight() -> None:
    places = Places()
    places.sent.note(COMMAND)
    places.sent.note_answer(COMMAND.command_id)
    assert run(lambda: places.lookup.known(COMMAND, wait=True)) is None


@pytest.mark.parametrize("place", ["memory", "in flight", "tables"])
def test_other_content_under_a_used_id_is_refused_wherever_the_first_is_found(place: str) -> None:
    places = Places()
    if place == "memory":
        places.memory = outcome()
    elif place == "in flight":
        places.sent.note(COMMAND)
    else:
        places.row = row()

    async def look() -> None:
        await places.lookup.known(OTHER, wait=True)
        await places.lookup.stored_or_taken(OTHER)

    with pytest.raises(ApiError, match="COMMAND_ID_REUSED"):
        run(look)
    assert places.asked[-1] == place


def test_a_reader_gets_an_outcome_in_memory_before_one_of_the_tables() -> None:
    places = Places()
    places.memory = outcome()
    assert run(lambda: places.lookup.decided(COMMAND.account_id, COMMAND.command_id)) == Decided(outcome())
    assert places.asked == ["memory"]


def test_a_reader_of_another_account_gets_what_the_tables_have_of_their_own() -> None:
    places = Places()
    places.memory = outcome()
    assert run(lambda: places.lookup.decided("bob", COMMAND.command_id)) is None
    assert places.asked == ["memory", "tables"]


def test_a_command_in_flight_belongs_to_its_account_only() -> None:
    places = Places()
    places.sent.note(COMMAND)
    sent = places.lookup.sent_by(COMMAND.account_id, COMMAND.command_id)
    assert sent is not None
    assert places.lookup.is_in_flight(sent)
    assert places.lookup.sent_by("bob", COMMAND.command_id) is None
