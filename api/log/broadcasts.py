"""How a command is sent to every shard: stored first, and sent again until each has answered.

Longer than 300 lines because each kind of broadcast is stored, sent and watched by the same steps.
"""

import asyncio
import contextlib
from collections.abc import Callable, Collection, Iterable
from datetime import datetime
from typing import Any, Final, NamedTuple, TypeVar
from uuid import UUID

import structlog
from sqlalchemy import Connection, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import SQLAlchemyError

from api.log.command_producer import BroadcastCommand, CommandProducer
from api.log.engine_lag import EngineLag
from api.log.outcomes import NotAppended, Outcome, Outcomes
from api.store import journal
from api.store.database import Database, afterwards
from api.store.tables import broadcasts
from schemas.codec import RULES_VERSION
from schemas.commands import ActivateRules, DefineInstruments, SetAccountLimits, SetClock, SetMarketStatus
from schemas.events import CommandRejected
from schemas.ids import broadcast_id
from schemas.instruments import FIRST_BROADCAST, INSTRUMENTS
from schemas.journal import content_hash
from schemas.messages import Instrument, MarketStatus
from schemas.plain_data import as_builtins, instruments_of
from schemas.rejections import Rejection

Answer = TypeVar("Answer")

RULES: Final = "rules-"  # and the version: each is activated once
MARKET: Final = "market-"  # and any name
PARAMETERS: Final = "instruments-"  # and a number: each change comes after the one before
CLOCK: Final = "clock-"  # and any name
LIMITS: Final = "limits-"  # and any name
FIRST_RULES: Final = 1  # by which every shard begins
ANSWER_TIMEOUT_S: Final = 5.0
PAUSE_S: Final = 0.5
LOOK_S: Final = 5.0  # for what another process of the API has stored, and did not end


class RulesActivation(NamedTuple):
    """A version of the rules that every shard is to go on by. answered: the shards that do."""

    version: int
    broadcast: str
    answered: tuple[int, ...]


class StoredBroadcast(NamedTuple):
    """A command for every shard, as it is stored. answered: the shards that did; asked_by: the administrator."""

    name: str
    content: Any
    answered: tuple[int, ...]
    created_at: datetime
    asked_by: UUID | None


class Broadcasts:
    """Sends what a ledger begins with at each start, where that was done the answer is a repeat; then what is stored.

    A new ledger, in whose log no shard has a command yet, begins with the newest rules and then its instruments.
    """

    def __init__(
        self, database: Database, log: CommandProducer, outcomes: Outcomes, engine_lag: EngineLag, shards: int
    ) -> None:
        self._database = database
        self._log = log
        self._outcomes = outcomes
        self._engine_lag = engine_lag
        self.shards = range(shards)
        self._waiting = set(self.shards)
        self._stored = [asyncio.Event() for _ in self.shards]
        self._last_read: list[StoredBroadcast] = []

    def is_done(self) -> bool:
        """Say whether every shard has answered this process about the instruments."""
        return not self._waiting

    async def send_for_ever(self) -> None:
        """Send what is stored to every shard in its order; one that does not answer keeps no other waiting."""
        if await self._retried(lambda db: not _all(db), PAUSE_S):
            is_new = await self._is_new()
            await self._retried(lambda db: _store_first(db, is_new=is_new), PAUSE_S)
        self._last_read = await self._retried(_all, PAUSE_S)
        first = _first(self._last_read)
        await asyncio.gather(*(self._send_to(shard, first) for shard in self.shards))

    async def store_activation(self, version: int, by: UUID) -> None:
        """Store that every shard goes on by this version; SQLAlchemyError where that cannot be stored."""
        await self._store(f"{RULES}{version}", {"version": version}, by)

    async def store_market_status(self, name: str, symbol: str, status: MarketStatus, by: UUID) -> bool:
        """Let every shard open, restrict or halt a market; false where the name was used for something else."""
        content = {"symbol": symbol, "status": status}
        return bool(await self._store(name, content, by) == content)

    async def store_clock(self, name: str, by: UUID) -> bool:
        """Let log time be the broker's again in every shard; false where the name was used for something else."""
        content: dict[str, Any] = {}
        return bool(await self._store(name, content, by) == content)

    async def store_account_limits(self, name: str, positions_max: int, by: UUID) -> bool:
        """Let every shard know what holds for every account; false where the name was used for something else."""
        content = {"positions_max": positions_max}
        return bool(await self._store(name, content, by) == content)

    async def store_instrument(self, name: str, instrument: Instrument, by: UUID) -> bool:
        """Let every shard know an instrument's new parameters; false where another change took that name."""
        content = as_builtins([instrument])
        return bool(await self._store(name, content, by) == content)

    async def stored(self) -> list[StoredBroadcast]:
        """Give all that was stored, the oldest first."""
        return await self._database.ask(_all)

    async def activations(self) -> list[RulesActivation]:
        """Give what was stored of the rules, in order of version."""
        return _activations(await self.stored())

    async def in_force(self, shard: int) -> int:
        """Give the newest version of the rules that a shard is known to go on by."""
        in_force = _in_force(self._last_read, shard)
        return in_force if in_force == RULES_VERSION else _in_force(await self._read(), shard)

    async def positions_max(self, shard: int) -> int | None:
        """Give the last limit of open positions that a shard has answered; null where none was ever set."""
        limits = [one for one in await self._read() if one.name.startswith(LIMITS) and shard in one.answered]
        return int(limits[-1].content["positions_max"]) if limits else None

    async def _read(self) -> list[StoredBroadcast]:
        """Give all that was stored; where the database does not answer, what was read last."""
        with contextlib.suppress(SQLAlchemyError):
            async with afterwards():
                self._last_read = await self.stored()
        return self._last_read

    async def _is_new(self) -> bool:
        """Say whether no shard has a command, once the broker says where each of them ends."""
        while True:
            ends = [await self._engine_lag.look(shard) for shard in self.shards]
            if None not in ends:
                return not any(ends)
            await asyncio.sleep(PAUSE_S)

    async def _store(self, name: str, content: object, by: UUID) -> object:
        """Store a command for every shard, and give what counts under that name."""
        stored = await self._database.ask_in_transaction(lambda db: _store(db, name, content, by))
        for event in self._stored:
            event.set()
        return stored

    async def _send_to(self, shard: int, first: list[StoredBroadcast]) -> None:
        """Send one shard what its ledger begins with, as it was first stored, then whatever else there is."""
        for stored in first:
            await self._until_answered(stored.name, shard, _command_of(stored.name, stored.content))
        self._waiting.discard(shard)
        while True:
            self._stored[shard].clear()
            for stored in await self._retried(lambda db: _unanswered(db, shard), LOOK_S):
                await self._until_answered(stored.name, shard, _command_of(stored.name, stored.content))
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stored[shard].wait(), LOOK_S)

    async def _until_answered(self, name: str, shard: int, command: Callable[[int], BroadcastCommand]) -> None:
        while True:
            outcome = await self._ask(command(shard))
            if outcome is not None and _is_answer(name, outcome):
                break
            await asyncio.sleep(PAUSE_S if outcome is None else ANSWER_TIMEOUT_S)
        try:
            await self._database.ask(lambda db: _note_answer(db, name, shard))
            self._last_read = await self.stored()
        except SQLAlchemyError as error:
            # It is noted when it is sent again; the shard itself has answered.
            structlog.get_logger().warning("broadcast's answer not stored", broadcast=name, error=str(error))

    async def _ask(self, command: BroadcastCommand) -> Outcome | None:
        waiter = self._outcomes.expect(command.command_id)
        try:
            self._log.send_broadcast(command, waiter)
            return await asyncio.wait_for(waiter.outcome, ANSWER_TIMEOUT_S)
        except (NotAppended, TimeoutError):
            return None
        finally:
            self._outcomes.forget(command.command_id, waiter)

    async def _retried(self, question: Callable[[Connection], Answer], pause_s: float) -> Answer:
        while True:
            try:
                return await self._database.ask_in_transaction(question)
            except SQLAlchemyError as error:
                structlog.get_logger().warning("broadcasts wait for the database", error=str(error))
                await asyncio.sleep(pause_s)


def store_instruments(db: Connection, wanted: Iterable[Instrument]) -> list[str]:
    """Store those of these instruments that were not stored like this before; gives the names they are stored under.

    Whoever changes instruments at the same time comes before or after, under another name.
    """
    names = []
    for instrument in wanted:
        while True:
            stored = [(int(each.name.removeprefix(PARAMETERS)), each) for each in _all(db) if _is_of_instruments(each)]
            latest = {
                known.symbol: known
                for _, each in sorted(stored, key=lambda numbered: numbered[0])
                for known in instruments_of(each.content)
            }
            if latest.get(instrument.symbol) == instrument:
                break
            name = f"{PARAMETERS}{1 + max(number for number, _ in stored)}"
            content = as_builtins([instrument])
            if _store(db, name, content) == content:
                names.append(name)
                break
    return names


def waiting_shards(db: Connection, names: Collection[str], shards: int) -> set[int]:
    """Give the shards that have not answered all of these broadcasts."""
    return {
        shard for stored in _all(db) if stored.name in names for shard in range(shards) if shard not in stored.answered
    }


def is_begun(db: Connection) -> bool:
    """Whether what the ledger begins with was stored, so that more may follow."""
    return any(each.name == FIRST_BROADCAST for each in _all(db))


def _is_of_instruments(stored: StoredBroadcast) -> bool:
    return stored.name.startswith(PARAMETERS)


def _command_of(name: str, content: Any) -> Callable[[int], BroadcastCommand]:
    """Give the command for a shard."""
    if name.startswith(RULES):
        return lambda shard: ActivateRules(
            command_id=broadcast_id(name, shard), shard=shard, broadcast=name, version=content["version"]
        )
    if name.startswith(MARKET):
        return lambda shard: SetMarketStatus(
            command_id=broadcast_id(name, shard),
            shard=shard,
            broadcast=name,
            symbol=content["symbol"],
            status=content["status"],
        )
    if name.startswith(CLOCK):
        return lambda shard: SetClock(command_id=broadcast_id(name, shard), shard=shard, broadcast=name)
    if name.startswith(LIMITS):
        return lambda shard: SetAccountLimits(
            command_id=broadcast_id(name, shard), shard=shard, broadcast=name, positions_max=content["positions_max"]
        )
    instruments = instruments_of(content)
    return lambda shard: DefineInstruments(
        command_id=broadcast_id(name, shard), shard=shard, broadcast=name, instruments=instruments
    )


def _is_answer(name: str, outcome: Outcome) -> bool:
    event = outcome.event
    if not isinstance(event, CommandRejected):
        return True
    refusal = Rejection(event.rejection).name
    structlog.get_logger().error("broadcast refused", broadcast=name, shard=outcome.shard, rejection=refusal)
    # A log older than this database has the broadcast with other content: the first one counts for ever. A version of
    # the rules may have its turn later; any other change is refused for ever.
    return event.rejection == Rejection.COMMAND_ID_REUSED or not name.startswith((RULES, FIRST_BROADCAST))


def _store(db: Connection, name: str, content: object, by: UUID | None = None) -> object:
    """Store the content and its line unless some was stored before, and give what counts."""
    journal.lock(db)
    values = {"name": name, "content": content, "asked_by": by}
    stored = insert(broadcasts).values(**values).on_conflict_do_nothing().returning(broadcasts.c.name)
    if db.execute(stored).first() is not None:
        journal.append(db, "broadcast", by, name, content_hash(content))
    return db.execute(select(broadcasts.c.content).where(broadcasts.c.name == name)).scalar_one()


def _store_first(db: Connection, *, is_new: bool) -> None:
    """Store what a ledger begins with, in one transaction: where it is new the newest rules, one after the other."""
    if is_new:
        for version in range(FIRST_RULES + 1, RULES_VERSION + 1):
            _store(db, f"{RULES}{version}", {"version": version})
    _store(db, FIRST_BROADCAST, as_builtins(INSTRUMENTS))


def _first(stored: list[StoredBroadcast]) -> list[StoredBroadcast]:
    """Give the first instruments, and before them the rules that were stored before."""
    instruments = next(each for each in stored if each.name == FIRST_BROADCAST)
    rules = [each for each in stored if each.created_at <= instruments.created_at and each.name.startswith(RULES)]
    return [*sorted(rules, key=lambda each: each.content["version"]), instruments]


def _all(db: Connection) -> list[StoredBroadcast]:
    columns = broadcasts.c
    query = select(columns.name, columns.content, columns.answered, columns.created_at, columns.asked_by)
    rows = db.execute(query.order_by(columns.created_at, columns.name))
    return [StoredBroadcast(name, content, tuple(sorted(answered)), *rest) for name, content, answered, *rest in rows]


def _unanswered(db: Connection, shard: int) -> list[StoredBroadcast]:
    return [stored for stored in _all(db) if shard not in stored.answered and stored.name != FIRST_BROADCAST]


def _activations(stored: list[StoredBroadcast]) -> list[RulesActivation]:
    return sorted(
        RulesActivation(one.content["version"], one.name, one.answered) for one in stored if one.name.startswith(RULES)
    )


def _in_force(stored: list[StoredBroadcast], shard: int) -> int:
    answered = [activation.version for activation in _activations(stored) if shard in activation.answered]
    return max(answered, default=FIRST_RULES)


def _note_answer(db: Connection, name: str, shard: int) -> None:
    statement = update(broadcasts).where(broadcasts.c.name == name, ~broadcasts.c.answered.contains([shard]))
    db.execute(statement.values(answered=func.array_append(broadcasts.c.answered, shard)))
