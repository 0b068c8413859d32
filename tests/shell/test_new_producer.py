"""A commit that was slow or disturbed is followed by a new producer, and only where nobody else has written since."""

import asyncio
import logging
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, cast

import pytest
from confluent_kafka import KafkaError, KafkaException

from engine.shell.liveness import Liveness
from engine.shell.log import Watermark
from engine.shell.metrics import EngineMetrics
from engine.shell.outbox import CommitOutbox
from engine.shell.take_over import fence_again
from engine.snapshot.publish import is_final
from runtime import transactions
from runtime.transactions import DOUBTFUL_S, TransactionalProducer
from tests.shell.test_publishing import TIMED_OUT, FakeLog, FakeProducer

SHARD = 1
COMMITTED = Watermark(2, b"d" * 16)


class PlantedClient:
    """A Kafka client whose next end of a transaction takes as long, says and raises what a test wants."""

    def __init__(self, options: dict[str, Any]) -> None:
        self.options = options
        self.produce = None
        self.seconds = 0.0
        self.says: Callable[[], None] | None = None
        self.error: Exception | None = None
        self.now = 0.0

    def init_transactions(self, _timeout: float) -> None:
        self.options["logger"].log(logging.WARNING, "GETPID the coordinator is not known yet")

    def poll(self, _timeout: float) -> int:
        if self.says is not None:
            self.says()
        return 0

    def commit_transaction(self, _timeout: float) -> None:
        self.now += self.seconds
        if self.error is not None:
            raise self.error

    abort_transaction = commit_transaction


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> PlantedClient:
    made = PlantedClient({})

    def make(options: dict[str, Any]) -> PlantedClient:
        made.options = options
        return made

    monkeypatch.setattr(transactions, "Producer", make)
    monkeypatch.setattr(transactions, "time", SimpleNamespace(monotonic=lambda: made.now))
    return made


@pytest.fixture
def producer(client: PlantedClient) -> TransactionalProducer:
    made = TransactionalProducer({"logger": logging.getLogger("librdkafka")})
    made.init_transactions(1)
    assert client.options["logger"] is not None
    return made


def test_a_quick_commit_without_any_trouble_is_not_doubtful(
    client: PlantedClient, producer: TransactionalProducer
) -> None:
    client.seconds = DOUBTFUL_S
    producer.commit_transaction(10)
    assert not producer.is_doubtful


def test_a_slow_commit_is_doubtful(client: PlantedClient, producer: TransactionalProducer) -> None:
    client.seconds = DOUBTFUL_S + 0.01
    producer.commit_transaction(10)
    assert producer.is_doubtful


def test_a_commit_with_a_line_in_the_client_s_log_is_doubtful(
    client: PlantedClient, producer: TransactionalProducer
) -> None:
    client.says = lambda: client.options["logger"].log(logging.INFO, "FAIL the connection was lost")
    producer.commit_transaction(10)
    assert producer.is_doubtful


def test_a_commit_with_a_reported_error_is_doubtful(client: PlantedClient, producer: TransactionalProducer) -> None:
    client.says = lambda: client.options["error_cb"](KafkaError(KafkaError._TRANSPORT))
    producer.abort_transaction(10)
    assert producer.is_doubtful


def test_a_commit_that_failed_is_doubtful_also_when_it_is_repeated_with_success(
    client: PlantedClient, producer: TransactionalProducer
) -> None:
    client.error = TIMED_OUT
    with pytest.raises(KafkaException):
        producer.commit_transaction(10)
    client.error = None
    producer.commit_transaction(10)
    assert producer.is_doubtful


class EventsProducer(FakeProducer):
    """A producer of events."""

    def produce(self, _topic: str, value: bytes | None, key: Any, _partition: int, on_delivery: Any = None) -> None:
        del on_delivery
        self._called("produce")
        self._open.append((key, value))

    def abort_left_over(self, _topic: str, _partition: int, _timeout: float) -> None:
        self._called("abort what was left")


class FencedLog(FakeLog):
    """A log that notes in which order it is asked."""

    def __init__(self, found: Watermark, hidden_from: int | None = None) -> None:
        super().__init__(EventsProducer())
        self.asked: list[str] = []
        self._found = found
        self._hidden_from = hidden_from

    def fence_events(self, shard: int) -> TransactionalProducer:
        assert shard == SHARD
        self.asked.append("fence")
        return cast("TransactionalProducer", self._producer)

    def hidden_from(self, shard: int) -> int | None:
        assert shard == SHARD
        self.asked.append("hidden from")
        return self._hidden_from

    def watermark(self, shard: int) -> Watermark:
        assert shard == SHARD
        self.asked.append("watermark")
        return self._found


def test_an_owner_gets_a_new_producer_and_then_compares_the_last_committed_event() -> None:
    log = FencedLog(COMMITTED)
    fence_again(log, SHARD, COMMITTED)
    assert log.asked == ["fence", "hidden from", "watermark"]


@pytest.mark.parametrize("found", [Watermark(3, b"e" * 16), Watermark(2, b"e" * 16), Watermark(1, b"c" * 16)])
def test_an_owner_whose_event_is_not_the_last_one_is_fenced_for_good(found: Watermark) -> None:
    with pytest.raises(KafkaException) as failure:
        fence_again(FencedLog(found), SHARD, COMMITTED)
    assert is_final(failure.value.args[0])


def test_an_owner_whose_events_are_hidden_behind_a_foreign_transaction_is_fenced_for_good() -> None:
    log = FencedLog(COMMITTED, hidden_from=7)
    with pytest.raises(KafkaException, match=r"is open in exchange\.events/1 from offset 7 on") as failure:
        fence_again(log, SHARD, COMMITTED)
    assert is_final(failure.value.args[0])
    assert log.asked == ["fence", "hidden from", "hidden from"]


def test_the_events_after_a_doubtful_commit_are_written_by_a_new_producer() -> None:
    first, second = EventsProducer(), EventsProducer()
    first.is_doubtful = True
    followed: list[Watermark] = []

    def follow(committed: Watermark) -> TransactionalProducer:
        followed.append(committed)
        return cast("TransactionalProducer", second)

    async def commit() -> None:
        outbox = CommitOutbox(
            SHARD,
            cast("TransactionalProducer", first),
            5,
            Liveness(60),
            EngineMetrics(),
            on_commit=lambda: None,
            on_failure=fail,
            fence_again=follow,
        )
        committing = asyncio.create_task(outbox.commit_for_ever())
        for values in ([b"a" * 20, b"b" * 20], [b"c" * 20]):
            outbox.put([[(None, value) for value in values]], 0)
            await outbox.drained()
        committing.cancel()
        outbox.close()

    asyncio.run(commit())
    assert followed == [Watermark(7, b"b" * 16)]
    assert [value for _, value in first.committed] == [b"a" * 20, b"b" * 20]
    assert [value for _, value in second.committed] == [b"c" * 20]


async def fail(error: Exception) -> None:
    raise error
