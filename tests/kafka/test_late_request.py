"""A request that arrives late can tear no transaction of the engine, and where one is torn, the successor mends it."""

import asyncio
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from confluent_kafka import KafkaException

from bench._workload import accounts_of, opening_day, prices
from engine.shell.liveness import CANNOT_COMMIT, Liveness
from engine.shell.log import KafkaLog
from engine.shell.take_over import fence
from engine.snapshot.publish import SnapshotPublisher
from runtime.kafka import read_back
from runtime.settings import Settings
from runtime.transactions import TransactionalProducer
from schemas.codec import decode_event
from schemas.commands import Deposit, OpenPosition
from schemas.events import PositionClosed
from schemas.snapshots import Packing
from schemas.topics import EVENTS, VENUE_EVENTS
from schemas.venue import decode_venue_event
from schemas.venue_messages import VenueCommandRejected
from stack.foreground import running
from stack.kafka import wait_for_broker
from stack.ports import LOOPBACK, free_ports
from tests.exchange_processes import broker_behind
from tests.kafka.late_request import LateRequestLink
from tests.kafka.snapshotting import snapshots_in
from tests.kafka.workers import Client, EngineProcess, clock, commands_in, engine, events_in, events_when
from tests.kafka.workers import executed_in_process as expected_of
from tests.shell.test_publishing import CONTENT
from venue.log import EventLog
from venue.order_cache import OrderCache

SHARD = 1
POSITIONS = 60
# One transaction goes to the broker in several parts, as a large one always does.
IN_PARTS = """
from engine.shell import log
log.QUEUE["batch.num.messages"] = 10
"""
GUARDED = f"""{IN_PARTS}
from engine.core.step import step
from engine.shell.main import run
from runtime.settings import Settings
run(Settings(), step)
"""
UNGUARDED = f"""
from runtime.transactions import TransactionalProducer
TransactionalProducer.is_doubtful = property(lambda self: False)
{GUARDED}
"""


@pytest.fixture(scope="module")
def link_and_broker() -> Iterator[tuple[LateRequestLink, str]]:
    """A broker whose clients come to it over a link."""
    way, port, controller = free_ports(3)
    with tempfile.TemporaryDirectory(prefix="reprise-kafka-") as folder:
        command = broker_behind(Path(folder), port, controller, way)
        with running(command, Path(folder) / "output") as process:
            link = LateRequestLink(way, port)
            wait_for_broker(port, lambda: process.poll() is None)
            yield link, f"{LOOPBACK}:{way}"
            link.close()


@pytest.fixture(scope="module")
def kafka(link_and_broker: tuple[LateRequestLink, str]) -> str:
    return link_and_broker[1]


@pytest.fixture
def link(link_and_broker: tuple[LateRequestLink, str]) -> LateRequestLink:
    found = link_and_broker[0]
    found.forget()
    return found


def test_after_a_lost_connection_a_new_producer_fences_the_request_that_is_still_on_its_way(
    ledger: Settings, client: Client, link: LateRequestLink, output: Path
) -> None:
    with engine(ledger, output, GUARDED) as worker:
        liquidate_at_a_late_request(ledger, client, link, worker)
        assert b"engine-1" in link.initialized, "a new producer has a higher epoch"
        assert link.late_answer != 0, "the late request is refused"
        assert_each_event_stands_once(ledger)
        (line,) = worker.logged("a new producer follows on a commit that was slow or disturbed")
        assert line["shard"] == SHARD
        assert worker.stop() == 0


@pytest.mark.slow
def test_without_a_new_producer_a_late_request_tears_a_command_that_the_successor_completes(
    ledger: Settings, client: Client, link: LateRequestLink, output: Path
) -> None:
    with engine(ledger, output, UNGUARDED) as worker:
        liquidate_at_a_late_request(ledger, client, link, worker)
        assert link.late_answer == 0, "the late request ends the next transaction"
        assert worker.process.wait(30) == CANNOT_COMMIT, worker.log
    events = [decode_event(record.value) for record in events_in(ledger, SHARD)]
    assert isinstance(events[-1], PositionClosed)
    assert 0 < events[-1].index < POSITIONS, "the events end in the middle of the tick"
    with engine(ledger, output) as worker:
        worker.until_live(ledger.shards)
        assert_each_event_stands_once(ledger)


def test_an_owner_whose_abort_of_what_was_left_open_may_come_again_goes_on_with_a_new_producer(
    ledger: Settings, link: LateRequestLink, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = KafkaLog(ledger)
    left_open = iter([0])
    monkeypatch.setattr(source, "hidden_from", lambda _shard: next(left_open, None))
    link.hold_next_end(f"engine-{SHARD}")
    producer = fence(source, SHARD).producers.events
    assert link.initialized.count(b"engine-1") >= 2
    producer.begin_transaction()
    producer.produce(EVENTS, b"of the owner", partition=SHARD)
    assert producer.flush(15) == 0
    link.release()
    assert link.late_answer != 0, "the late request is refused"
    producer.commit_transaction(15)
    assert [record.value for record in events_when(ledger, SHARD, 1)] == [b"of the owner"]


def test_a_snapshot_after_a_lost_connection_has_a_new_producer(ledger: Settings, link: LateRequestLink) -> None:
    source = KafkaLog(ledger)
    fence_again = partial(source.fence_snapshots, SHARD)
    publisher = SnapshotPublisher(SHARD, fence_again(), source, 2, Liveness(60).check, fence_again)
    link.hold_next_end(f"engine-{SHARD}-snapshots")
    publish(publisher)
    assert link.initialized == []
    publish(publisher)
    assert set(link.initialized) == {b"engine-1-snapshots"}
    link.release()
    assert link.late_answer != 0, "the late request is refused"
    assert [found.manifest.number for found in snapshots_in(ledger, SHARD)] == [2, 1]
    publisher.close()


def test_the_venue_s_worker_goes_on_with_a_new_producer_after_a_lost_connection(
    ledger: Settings, link: LateRequestLink
) -> None:
    events = EventLog(ledger, OrderCache())
    asyncio.run(events.open())
    link.hold_next_end("venue-worker")
    asyncio.run(written(events, "first", "second"))
    assert set(link.initialized) == {b"venue-worker"}
    link.release()
    assert link.late_answer != 0, "the late request is refused"
    assert [decode_venue_event(record.value).seq for record in read_back(ledger, VENUE_EVENTS, SHARD, 9)] == [1, 2]
    events.close()


def test_a_worker_of_the_venue_that_another_has_followed_does_not_come_back_by_a_new_producer(
    ledger: Settings, link: LateRequestLink, monkeypatch: pytest.MonkeyPatch
) -> None:
    events, successor = EventLog(ledger, OrderCache()), EventLog(ledger, OrderCache())
    asyncio.run(events.open())
    fence = events._fence

    def fence_after_successor() -> TransactionalProducer:
        asyncio.run(successor.open())
        asyncio.run(written(successor, "of the successor"))
        return fence()

    monkeypatch.setattr(events, "_fence", fence_after_successor)
    link.hold_next_end("venue-worker")
    with pytest.raises(KafkaException, match="ends at seq 2, and this worker's at 1"):
        asyncio.run(written(events, "first"))
    events.close()
    successor.close()


async def written(events: EventLog, *command_ids: str) -> None:
    """Let the venue's worker append events, one after the other, or end with the error of its writing."""
    writing = asyncio.create_task(events.write_for_ever())
    for command_id in command_ids:
        appending = asyncio.create_task(events.append(SHARD, refused(command_id)))
        done, _ = await asyncio.wait({writing, appending}, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            await task
    writing.cancel()


def publish(publisher: SnapshotPublisher) -> None:
    packing = Packing()
    publisher.pack(packing, [b"a page"]).result(10)
    publisher.publish(CONTENT, packing).result(30)


def refused(command_id: str) -> VenueCommandRejected:
    return VenueCommandRejected(
        seq=0, command_offset=None, time=1, account_id=None, command_id=command_id, code="ORDER_ID", message="planted"
    )


def liquidate_at_a_late_request(ledger: Settings, client: Client, link: LateRequestLink, worker: EngineProcess) -> None:
    """Let the end of one transaction arrive in the middle of the next, whose events are those of one tick."""
    accounts = accounts_of(SHARD, ledger.shards, 3)
    worker.until_live(ledger.shards)
    client.append(SHARD, opening_day(SHARD, accounts, clock))
    client.append(SHARD, [opening(number, accounts[number % 3]) for number in range(POSITIONS)])
    assert_each_event_stands_once(ledger)
    link.hold_next_end(f"engine-{SHARD}")
    before = len(events_in(ledger, SHARD))
    client.append(SHARD, [Deposit(command_id="deposit", account_id=accounts[0], amount=1_000_000)])
    events_when(ledger, SHARD, before + 1)
    client.append(SHARD, [prices(3, -300, clock)])
    assert link.is_released.wait(60), worker.log


def opening(number: int, account: str) -> OpenPosition:
    return OpenPosition(
        command_id=f"open-{number}",
        account_id=account,
        symbol="BTC_USDC",
        side="long",
        margin=10_000_000,
        leverage=5_000,
    )


def assert_each_event_stands_once(ledger: Settings) -> None:
    """What a read-committed consumer reads is what the commands lead to, in order."""
    expected = expected_of(SHARD, ledger.shards, commands_in(ledger, SHARD))
    assert [record.value for record in events_when(ledger, SHARD, len(expected))] == expected
