"""How a shard's events get committed: one transaction at a time, none of it lost, none twice."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from confluent_kafka import KafkaException

from engine.core.batch import Output
from engine.shell.liveness import Liveness
from engine.shell.log import Watermark
from engine.shell.metrics import EngineMetrics
from runtime.transactions import TransactionalProducer
from schemas.codec import digest_of
from schemas.topics import EVENTS

# From the begin of one transaction to that of the next, at least: each costs the broker the same, however small.
PACE_S: Final = 0.005
# From the end of one to the begin of the next, at least: the broker is still noting the end, and refuses one that
# begins meanwhile, which librdkafka then tries again 20 ms later.
REST_S: Final = 0.002
COMMIT_TIMEOUT_S: Final = 10.0
# With so many events waiting, the shard executes nothing until some are committed.
WAITING_MAX: Final = 20_000


class CommitOutbox:
    """The events of one shard that wait for their transaction, and the thread that commits them.

    All that gathered meanwhile go into the next transaction, so the events of one command are never split.
    fence_again: gives a new producer after one whose last commit was doubtful.
    """

    def __init__(
        self,
        shard: int,
        producer: TransactionalProducer,
        committed_seq: int,
        liveness: Liveness,
        metrics: EngineMetrics,
        on_commit: Callable[[], None],
        on_failure: Callable[[Exception], Awaitable[None]],
        fence_again: Callable[[Watermark], TransactionalProducer],
    ) -> None:
        self._shard = shard
        self._producer: TransactionalProducer | None = producer
        self.committed_seq = committed_seq
        self._liveness = liveness
        self._metrics = metrics
        self._commands = metrics.commands.labels(shard)
        self._events = metrics.events.labels(shard)
        self._on_commit = on_commit
        self._on_failure = on_failure
        self._fence_again = fence_again
        self._outputs: list[Output] = []
        self._command_count = 0
        self._oldest_ms = 0
        self._something = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._closed = False
        self._committed = asyncio.Event()
        self._thread = ThreadPoolExecutor(1, f"commit-{shard}")

    @property
    def has_room(self) -> bool:
        """Whether more commands may be executed."""
        return len(self._outputs) < WAITING_MAX

    def put(self, commands: list[list[Output]], oldest_ms: int) -> None:
        """Add the events of some commands, whole and in order; the oldest was appended at this time (ms)."""
        if not self._outputs:
            self._oldest_ms = oldest_ms
        for outputs in commands:
            self._outputs += outputs
        self._command_count += len(commands)
        self._idle.clear()
        self._something.set()

    async def drained(self) -> None:
        """Wait until nothing is left to commit."""
        await self._idle.wait()

    async def until_committed(self, seq: int) -> bool:
        """Wait until the events up to this one are committed; false where they never will be here."""
        while self.committed_seq < seq and not self._closed:
            self._committed.clear()
            await self._committed.wait()
        return self.committed_seq >= seq

    async def commit_for_ever(self) -> None:
        """Commit what gathers, until it fails; then nothing of this shard is ever committed here again."""
        loop = asyncio.get_running_loop()
        while True:
            await self._something.wait()
            self._something.clear()
            outputs, self._outputs = self._outputs, []
            count, self._command_count = self._command_count, 0
            oldest_ms = self._oldest_ms
            began = time.monotonic()
            try:
                await loop.run_in_executor(self._thread, self._commit, outputs)
            except (KafkaException, BufferError) as error:
                await self._on_failure(error)
                return
            self._metrics.commit_seconds.observe(time.monotonic() - began)
            self._metrics.answer_seconds.observe(max(0.0, time.time() - oldest_ms / 1000))
            self._commands.inc(count)
            self._events.inc(len(outputs))
            self.committed_seq += len(outputs)  # Of each command all events, and none is left out.
            self._committed.set()
            if not self._outputs:
                self._idle.set()
            self._on_commit()
            ended = time.monotonic()
            await asyncio.sleep(max(REST_S, began + PACE_S - ended))

    def close(self) -> None:
        """Let a running commit end by itself, then let go of the producer; what waits is the next owner's to say."""
        self._outputs = []
        self._idle.set()
        self._closed = True
        self._committed.set()
        self._thread.submit(self._release)
        self._thread.shutdown(wait=False)

    def _release(self) -> None:
        self._producer = None

    def _commit(self, outputs: list[Output]) -> None:
        """One transaction, or an exception. A record that could not be delivered fails the commit."""
        self._liveness.check()
        assert self._producer is not None, "nothing is committed after the shard was given up"
        producer, shard = self._producer, self._shard
        producer.begin_transaction()
        for key, value in outputs:
            producer.produce(EVENTS, value, key, shard)
        producer.commit_transaction(COMMIT_TIMEOUT_S)
        if producer.is_doubtful:
            self._liveness.check()  # Whoever owns the shard now must not be fenced.
            committed = Watermark(self.committed_seq + len(outputs), digest_of(outputs[-1][1]))
            self._producer = self._fence_again(committed)
