"""An engine and the market data service as processes on a real broker, and what their log says."""

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar
from uuid import uuid4

from bench._workload import accounts_of
from runtime.settings import Settings
from schemas.codec import decode_command, decode_event
from schemas.commands import Command, DefineInstruments, OpenAccount, OpenPosition
from schemas.events import CommandRejected, Event, PricesUpdated
from schemas.ids import broadcast_id, open_account_id
from schemas.messages import Instrument
from schemas.rejections import Rejection
from tests.kafka.workers import Client, commands_in, engine, events_in, until_group_is_empty

Found = TypeVar("Found")
TIMEOUT_S = 60.0


class LiveExchange:
    """The log of an engine that runs, with one funded account in each shard."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.shards = range(settings.shards)
        self._client = Client(settings)
        self._accounts = [accounts_of(shard, settings.shards, 1)[0] for shard in self.shards]

    def open(self, instruments: Iterable[Instrument]) -> None:
        """Let every shard know instruments, and open its account."""
        self.define("instruments-1", instruments)
        for shard, account in enumerate(self._accounts):
            opening = OpenAccount(command_id=open_account_id(account), account_id=account, first_deposit=10_000 * 10**6)
            self._client.append(shard, [opening])

    def define(self, broadcast: str, instruments: Iterable[Instrument]) -> None:
        """Send every shard instruments."""
        made = tuple(instruments)
        for shard in self.shards:
            self.send(
                shard,
                DefineInstruments(
                    command_id=broadcast_id(broadcast, shard), shard=shard, broadcast=broadcast, instruments=made
                ),
            )

    def send(self, shard: int, command: Command) -> None:
        """Append one command."""
        self._client.append(shard, [command])

    def events(self, shard: int) -> list[Event]:
        """Give a shard's events so far."""
        return [decode_event(record.value) for record in events_in(self.settings, shard)]

    def commands(self, shard: int) -> list[tuple[int, Command]]:
        """Give a shard's commands so far, each with its append time, ms."""
        return [(record.timestamp_ms, decode_command(record.value)) for record in commands_in(self.settings, shard)]

    def outcome_of_opening(self, shard: int, symbol: str) -> str:
        """Try to open a position; `opened`, or why not."""
        command_id = str(uuid4())
        self.send(
            shard,
            OpenPosition(
                command_id=command_id,
                account_id=self._accounts[shard],
                symbol=symbol,
                side="long",
                margin=10 * 10**6,
                leverage=100,
            ),
        )

        def outcome() -> Event | None:
            found = (event for event in self.events(shard) if getattr(event, "command_id", None) == command_id)
            return next(found, None)

        event = until(outcome, f"the outcome of opening {symbol} in shard {shard}")
        return Rejection(event.rejection).name if isinstance(event, CommandRejected) else "opened"

    def accepted(self, shard: int, symbol: str) -> list[tuple[int, int]]:
        """Give bid and ask of each accepted tick of a symbol."""
        return [
            (tick.bid, tick.ask)
            for event in self.events(shard)
            if isinstance(event, PricesUpdated)
            for tick in event.accepted
            if tick.symbol == symbol
        ]

    def until_accepted(self, symbols: Iterable[str]) -> None:
        """Wait until every shard has accepted a tick of each symbol."""
        for symbol in symbols:
            for shard in self.shards:
                until(lambda: self.accepted(shard, symbol) or None, f"a price of {symbol} in shard {shard}")  # noqa: B023


@contextmanager
def live_exchange(settings: Settings, folder: Path) -> Iterator[LiveExchange]:
    """Run an engine over empty topics, until all its shards are live."""
    until_group_is_empty(settings)
    with engine(settings, folder / "engine.log") as worker:
        worker.until_live(settings.shards)
        yield LiveExchange(settings)


def until(ask: Callable[[], Found | None], what: str, timeout_s: float = TIMEOUT_S) -> Found:
    """Ask again and again until there is an answer."""
    deadline = time.monotonic() + timeout_s
    while (answer := ask()) is None:
        assert time.monotonic() < deadline, f"not in {timeout_s:.0f} s: {what}"
        time.sleep(0.1)
    return answer
