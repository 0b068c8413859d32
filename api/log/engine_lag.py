"""Whether the broker answers, and whether the engine keeps up with the log: its ends are read each second."""

import asyncio
import threading
from collections import deque
from time import monotonic
from typing import Final, NamedTuple

import structlog
from confluent_kafka import KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec

from api.http.times import now
from api.log.outcomes import Outcomes
from runtime.kafka import admin_options, listed_offset
from runtime.settings import Settings
from schemas.topics import COMMANDS
from schemas.units import SECOND

INTERVAL_S: Final = 1.0
BEHIND_AFTER_S: Final = 2.0
SILENT_AFTER_S: Final = 3.5  # one read that timed out, and the interval before it
REQUEST_TIMEOUT_S: Final = 2.0
READS_MAX: Final = 8
LOOK_S: Final = 1.0
LOOK_PAUSE_S: Final = 0.005
DECIDED_S: Final = 0.5
DECIDED_PAUSE_S: Final = 0.01
CLOCK_SAMPLES: Final = 3
CLOCKS_DIFFER_AFTER: Final = 5 * SECOND


class _Read(NamedTuple):
    """began, at: when the broker was asked, and when it had answered."""

    began: float
    at: float
    ends: list[int]


class _Seen(NamedTuple):
    """The last event of a shard when it was looked at. time: log time, µs."""

    seq: int
    time: int


class EngineLag:
    """Remembers where the commands ended in the last seconds, and by how much log time is ahead of this clock."""

    def __init__(self, settings: Settings, outcomes: Outcomes) -> None:
        self._settings = settings
        self._outcomes = outcomes
        # One a second, however often somebody wants to know: they reach some seconds back.
        self._reads: deque[_Read] = deque(maxlen=READS_MAX)
        self._last: _Read | None = None
        self._seen: dict[int, _Seen] = {}
        self._ahead = [deque[int](maxlen=CLOCK_SAMPLES) for _ in range(settings.shards)]
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

    def log_ahead(self, shard: int) -> int:
        """Say by how many µs a shard's log time is ahead of this clock; negative where it is behind, to a second.

        Known from events that came while the shard kept up; 0 before there were enough. What is late on its way only
        seems older, so the newest of some counts.
        """
        samples = list(self._ahead[shard])
        return max(samples) if len(samples) == CLOCK_SAMPLES else 0

    def clock_difference(self) -> str | None:
        """Say in words where the clocks differ by more than the time a command may take, or give null."""
        worst = max((self.log_ahead(shard) for shard in range(self._settings.shards)), key=abs, default=0)
        if abs(worst) <= CLOCKS_DIFFER_AFTER:
            return None
        seconds = f"{abs(worst) / SECOND:.0f} s"
        return f"the log's clock is {seconds} {'ahead of' if worst > 0 else 'behind'} this API's"

    async def look(self, shard: int) -> int | None:
        """Look where a shard's commands end now; null where the broker does not say it in time."""
        began_at = monotonic()
        self._read_now.set()
        while self._last is None or self._last.began < began_at:
            if monotonic() > began_at + LOOK_S:
                return None
            await asyncio.sleep(LOOK_PAUSE_S)
        return self._last.ends[shard]

    async def decided(self, shard: int) -> bool:
        """Wait a moment until all commands that are in a shard's log now are decided, and the events were read here."""
        end = await self.look(shard)
        give_up = monotonic() + DECIDED_S
        while end is not None and self._outcomes.command_offset(shard) + 1 < end:
            if monotonic() > give_up:
                return False
            await asyncio.sleep(DECIDED_PAUSE_S)
        return end is not None  # By how far it is behind, only the broker could say.

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
                    ends[partition.partition] = listed_offset(answer, 2 * REQUEST_TIMEOUT_S)
            except (KafkaException, TimeoutError) as error:
                structlog.get_logger().warning("the commands' ends were not read", error=str(error))
                # This client keeps the leader's epoch it first saw, and a broker that restarted refuses it for ever.
                admin = self._connect()
            else:
                self._note_clock(ends)
                self._note(_Read(began, monotonic(), ends))
            self._read_now.wait(INTERVAL_S)

    def _note_clock(self, ends: list[int]) -> None:
        """Compare the clocks where an event came since the last look, and none is on its way."""
        for shard, end in enumerate(ends):
            seen = _Seen(self._outcomes.seq(shard), self._outcomes.time(shard))
            before = self._seen.get(shard)
            self._seen[shard] = seen
            if before is not None and seen.seq > before.seq and self._outcomes.command_offset(shard) + 1 >= end:
                self._ahead[shard].append(seen.time - now())

    def _note(self, read: _Read) -> None:
        self._last = read
        if not self._reads or read.at - self._reads[-1].at > INTERVAL_S / 2:
            self._reads.append(read)

    def _connect(self) -> AdminClient:
        return AdminClient(admin_options(self._settings, "reprise-api-ends"))
