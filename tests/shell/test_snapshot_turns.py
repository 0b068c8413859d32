"""The share of a large ledger that one turn of the event loop, or one command, encodes while commands wait."""

import asyncio
from collections.abc import Callable, Iterator
from statistics import median
from time import monotonic
from typing import Any, Final, cast

import pytest

from bench._ledger import SHARD, Ledger, later_day, ledger_of
from bench._workload import clock
from bench.snapshot import DueCommand
from engine.core.step import step
from engine.shell.liveness import Liveness
from engine.shell.log import Bounds, Watermark
from engine.shell.metrics import EngineMetrics
from engine.shell.outbox import CommitOutbox
from engine.shell.shard import Shard
from engine.shell.take_over import LogEnds, ShardStart
from engine.snapshot import schedule
from engine.snapshot.copy_on_write import PAGE_BYTES, LedgerCopy
from engine.snapshot.publish import SnapshotPublisher
from engine.snapshot.schedule import SnapshotSchedule
from runtime.snapshots import FoundManifest
from runtime.transactions import TransactionalProducer
from schemas.codec import encode_command
from tests.shell.test_publishing import FakeLog, FakeProducer

ACCOUNTS: Final = 50_000
POSITIONS: Final = 10_000
SESSION_S: Final = 600.0
# A page takes so long on a slow machine; here it takes just so long, however long it takes.
PAGE_S: Final = 0.000_25
# In 5 ms are 20 pages. A command that comes through several turns must not meet as many of them in each.
BYTES_A_TURN: Final = 6 * PAGE_BYTES
ACCOUNT_BYTES: Final = 2_048  # of one with a position or two
MEANWHILE: Final = 200  # commands, at least

NEXT_PAGE: Final = LedgerCopy.next_page
KEEP: Final = LedgerCopy.keep


class Encoded:
    """What was encoded, in a clock that only encoding moves.

    turns: bytes of each turn; between: seconds from each to the next; kept: bytes of each command.
    """

    def __init__(self) -> None:
        self.seconds = 0.0
        self.pages: list[int] = []
        self.turns: list[int] = []
        self.between: list[float] = []
        self.kept: list[int] = []
        self._turn_ended: float | None = None
        self._this_turn = 0
        self._this_command = 0

    def next_page(self, copying: LedgerCopy) -> bytes | None:
        if self._turn_ended is not None:
            self.between.append(monotonic() - self._turn_ended)
            self._turn_ended = None
        page = NEXT_PAGE(copying)
        if page is not None:
            self.pages.append(len(page))
            self.seconds += len(page) / PAGE_BYTES * PAGE_S
            self._this_turn += len(page)
        return page

    def keep(self, copying: LedgerCopy, account: Any) -> None:
        before = len(copying._kept)
        KEEP(copying, account)
        if len(copying._kept) > before:
            self._this_command += len(copying._kept[account.number])

    def end_command(self) -> None:
        self.kept.append(self._this_command)
        self._this_command = 0

    def end_turn(self) -> None:
        if self._this_turn:
            self.turns.append(self._this_turn)
            self._turn_ended = monotonic()
        self._this_turn = 0


class EmptyLog(FakeLog):
    """A log without a snapshot, of any shard."""

    def manifests(self, shard: int, on_unreadable: Callable[[int, str], None]) -> Iterator[FoundManifest]:
        del shard, on_unreadable
        return iter(())


@pytest.fixture
def encoded(monkeypatch: pytest.MonkeyPatch) -> Encoded:
    made = Encoded()
    monkeypatch.setattr(schedule, "perf_counter", lambda: made.seconds)
    # Functions, and so methods of the copy; what `made` has are its own.
    monkeypatch.setattr(LedgerCopy, "next_page", lambda copying: made.next_page(copying))  # noqa: PLW0108
    monkeypatch.setattr(LedgerCopy, "keep", lambda copying, account: made.keep(copying, account))  # noqa: PLW0108
    return made


def test_a_turn_of_the_event_loop_encodes_a_few_pages_and_leaves_as_much_time_for_commands(
    encoded: Encoded,
) -> None:
    producer = FakeProducer()
    asyncio.run(taken_under_load(ledger_of(ACCOUNTS, POSITIONS), producer, encoded))
    assert producer.calls.count("commit") == 1, "the snapshot is published"
    assert len(encoded.kept) > MEANWHILE
    assert sum(encoded.turns) > 20 * BYTES_A_TURN, "the ledger is large beside a turn"
    assert max(encoded.pages) <= PAGE_BYTES + ACCOUNT_BYTES
    assert max(encoded.turns) <= BYTES_A_TURN
    assert max(encoded.kept) <= 4 * ACCOUNT_BYTES
    assert median(encoded.between) > max(encoded.turns) / PAGE_BYTES * PAGE_S


async def taken_under_load(ledger: Ledger, producer: FakeProducer, encoded: Encoded) -> None:
    """Take a snapshot while commands are executed in every turn of the loop that it leaves."""
    metrics = EngineMetrics()
    liveness = Liveness(SESSION_S)
    beating = asyncio.create_task(liveness.beat())
    watermark = Watermark(ledger.state.seq, ledger.digest)
    unused = cast("TransactionalProducer", FakeProducer())  # Events executed meanwhile are never committed.
    outbox = CommitOutbox(
        SHARD,
        unused,
        watermark.seq,
        liveness,
        metrics,
        on_commit=lambda: None,
        on_failure=fail,
        fence_again=lambda _committed: unused,
    )
    shard = Shard(SHARD, step, lambda _shard: None, metrics.command_seconds.observe)
    shard.recover(ShardStart(ledger.state, ledger.digest, None), LogEnds(watermark, Bounds(0, 0)), outbox)
    snapshots = SnapshotSchedule({SHARD: shard}, metrics.snapshots, 0, lambda _shard, error: fail(error))
    writer = cast("TransactionalProducer", producer)
    publisher = SnapshotPublisher(SHARD, writer, EmptyLog(producer), 2, liveness.check, lambda: writer)
    snapshots.begin(shard, publisher)
    values = map(encode_command, later_day(ledger, 1_000_000))
    # Its own last event is committed, and the shard has executed one since the snapshot before.
    shard.last_snapshot = shard.last_snapshot._replace(seq=0)
    taking_it = asyncio.create_task(snapshots.take(shard))
    while not taking_it.done():
        await asyncio.sleep(0)
        encoded.end_turn()
        if len(encoded.kept) <= 10 * MEANWHILE:
            record: Any = DueCommand(shard.next_offset, clock() // 1_000, next(values))
            shard.execute([record])
            encoded.end_command()
    await taking_it
    beating.cancel()
    snapshots.end(shard)
    outbox.close()


async def fail(error: Exception) -> None:
    raise error
