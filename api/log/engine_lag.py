"""Whether the broker answers, and whether the engine keeps up with the log: its ends are read each second."""

import asyncio
import threading
from collections import deque
from time import monotonic
from typing import Final, NamedTuple

import structlog
from confluent_kafka import KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec

from api.log.outcomes import Outcomes
from runtime.kafka import admin_options
from runtime.settings import Settings
from schemas.topics import COMMANDS

INTERVAL_S: Final = 1.0
BEHIND_AFTER_S: Final = 2.0
SILENT_AFTER_S: Final = 3.5  # one read that timed out, and the interval before it
REQUEST_TIMEOUT_S: Final = 2.0
READS_MAX: Final = 8
LOOK_S: Final = 1.0
LOOK_PAUSE_S: Final = 0.005


class _Read(NamedTuple):
    """began, at: when the broker was asked, and when it had answered."""

    began: float
    at: float
    ends: list[int]


class EngineLag:
    """Remembers where the commands ended in the last seconds."""

    def __init__(self, settings: Settings, outcomes: Outcomes) -> None:
        self._settings = settings
        self._outcomes = outcomes
        # One a second, however often somebody wants to know: they reach some seconds back.
        self._reads: deque[_Read] = deque(maxlen=READS_MAX)
        self._last: _Read | None = None
        self._ended = threading.Event()
        self._read_now = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="command-ends", daemon=True)

    def start(self) -> None:
        """Begin to read the ends."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread."""
        self._ended.set()
        self._read_now.set()
        self._thread.join()

    def broker_answers(self) -> bool:
        """Say whether the broker has answered lately."""
        return bool(self._reads) and monotonic() - self._reads[-1].at < SILENT_AFTER_S

    def end(self, shard: int) -> int | None:
        """Give where a shard's commands ended when they were last looked at; null before that."""
        return None if self._last is None else self._last.ends[shard]

    async def look(self, shard: int) -> int | None:
        """Look where a shard's commands end now; null where the broker does not say it in time."""
        began_at = monotonic()
        self._read_now.set()
        while self._last is None or self._last.began < began_at:
            if monotonic() > began_at + LOOK_S:
                return None
            await asyncio.sleep(LOOK_PAUSE_S)
        return self._last.ends[shard]

    def is_behind(self, shard: int) -> bool:
        """Say whether an end read more than 2 s ago is still ahead of the last event; an idle shard is not behind."""
        executed = self._outcomes.command_offset(shard) + 1
        since = monotonic() - BEHIND_AFTER_S
        return any(read.ends[shard] > executed for read in list(self._reads) if read.at < since)

    def _watch(self) -> None:
        latest = OffsetSpec.latest()  # type: ignore[no-untyped-call]
        wanted = {TopicPartition(COMMANDS, shard): latest for shard in range(self._settings.shards)}
        admin = self._connect()
        while not self._ended.is_set():
            self._read_now.clear()
            began = monotonic()
            try:
                answers = admin.list_offsets(wanted, request_timeout=REQUEST_TIMEOUT_S)
                ends = [0] * self._settings.shards
                for partition, answer in answers.items():
                    ends[partition.partition] = answer.result(timeout=2 * REQUEST_TIMEOUT_S).offset
            except (KafkaException, TimeoutError) as error:
                structlog.get_logger().warning("the commands' ends were not read", error=str(error))
                # This client keeps the leader's epoch it first saw, and a broker that restarted refuses it for ever.
                admin = self._connect()
            else:
                self._note(_Read(began, monotonic(), ends))
            self._read_now.wait(INTERVAL_S)

    def _note(self, read: _Read) -> None:
        self._last = read
        if not self._reads or read.at - self._reads[-1].at > INTERVAL_S / 2:
            self._reads.append(read)

    def _connect(self) -> AdminClient:
        return AdminClient(admin_options(self._settings, "reprise-api-ends"))
