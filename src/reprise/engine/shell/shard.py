"""How one shard executes its commands, and when it stops."""

from collections import deque
from collections.abc import Callable, Sequence
from time import monotonic, perf_counter
from typing import Final, Literal, NamedTuple, Protocol

import structlog
from aiokafka import ConsumerRecord

from reprise.engine.core.state import State
from reprise.engine.shell.log import Watermark
from reprise.engine.shell.outbox import Outbox, Output
from reprise.engine.shell.progress import Progress
from reprise.engine.shell.take_over import TakenOver
from reprise.schemas.codec import NotDecodable, decode_command, first_digest, seal
from reprise.schemas.commands import Command
from reprise.schemas.events import Event

log = structlog.get_logger(__name__)

Records = Sequence["ConsumerRecord[bytes, bytes]"]
Phase = Literal["taking_over", "recovering", "live", "frozen"]

MICROSECONDS_PER_MILLISECOND: Final = 1_000
# Of so many commands one is timed in the core: what that costs is nothing then, and their p99 is that of all.
TIMED_OF: Final = 16


class Step(Protocol):
    """Executes one command on a ledger and gives its events."""

    def __call__(self, state: State, command: Command | None, *, offset: int, time: int) -> list[Event]: ...


class Snapshotted(NamedTuple):
    """What of a shard's last snapshot the next one counts from; at: by the monotonic clock, when it was begun.

    number: of the last one that is in the log, null where this worker knows of none.
    """

    at: float
    seq: int
    next_offset: int
    number: int | None


class Shard:
    """One partition of the commands, and the ledger they make. Everything here runs on the event loop."""

    def __init__(
        self,
        number: int,
        step: Step,
        on_phase: Callable[["Shard"], None],
        on_timed: Callable[[float], None],
    ) -> None:
        self.number = number
        self.phase: Phase = "taking_over"
        self.error: str | None = None
        self.given_up = False
        self.clock_alarm = False
        self.state: State | None = None
        self.seq = 0
        self.digest = first_digest(number)
        self.next_offset = 0  # to execute
        self.next_to_read = 0  # ahead of it by what waits
        self.waiting: deque[Records] = deque()
        self.waiting_count = 0
        self.start_offset = 0
        self.recovery_end = 0
        self.end_offset = 0
        self.watermark = Watermark(0, self.digest)
        self.outbox: Outbox | None = None
        self.assigned_at = monotonic()
        self.progress = Progress()
        self.snapshotted = Snapshotted(self.assigned_at, 0, 0, None)
        self._silent = True
        self._hole: str | None = None
        self._step = step
        self._on_phase = on_phase
        self._on_timed = on_timed
        on_phase(self)

    @property
    def is_reading(self) -> bool:
        """Whether its commands are wanted."""
        return self.phase in ("recovering", "live") and not self.given_up and self._hole is None

    @property
    def is_executing(self) -> bool:
        """Whether commands that were read are executed."""
        return self.phase in ("recovering", "live") and not self.given_up

    def recover(self, taken: TakenOver, outbox: Outbox) -> None:
        """Begin to replay; up to the watermark silently."""
        self.state, self.digest, manifest = taken.start
        self.seq = self.state.seq
        self.next_offset = self.next_to_read = self.start_offset = self.state.next_offset
        self.watermark = taken.watermark
        self.recovery_end = self.end_offset = taken.bounds.end
        self.snapshotted = Snapshotted(
            monotonic(), self.seq, self.next_offset, None if manifest is None else manifest.number
        )
        self.progress.begin("replaying", self.recovery_end - self.start_offset)
        self.outbox = outbox
        self._silent = self.seq < self.watermark.seq
        self._enter("recovering")
        if taken.bounds.first > self.next_offset:
            self.freeze(
                f"its commands begin at offset {taken.bounds.first}, and recovery needs them from {self.next_offset}: "
                "older ones were deleted"
            )
        elif not self._silent and self.digest != self.watermark.digest:
            self.freeze(f"recovery starts at event {self.seq} with another digest than the committed one's")
        self._see_where_it_is()

    def receive(self, records: Records) -> None:
        """Keep records that were read, in order, until they are executed."""
        self.waiting.append(records)
        self.waiting_count += len(records)
        self.next_to_read = records[-1].offset + 1

    def take(self, limit: int) -> Records:
        """Give the oldest waiting records, at most so many."""
        records = self.waiting.popleft()
        if len(records) > limit:
            self.waiting.appendleft(records[limit:])
            records = records[:limit]
        self.waiting_count -= len(records)
        return records

    def execute(self, records: Records) -> None:
        """Execute commands that follow each other; an exception freezes the shard at the one that raised it.

        All are decoded, then all executed, then all sealed: that takes an eighth less time than one command after
        the other.
        """
        assert self.state is not None, "commands are read after the take-over"
        assert self.outbox is not None, "a shard that executes has a producer"
        executed: list[list[Event]] = []
        sealed: list[list[Output]] = []
        try:
            try:
                self._step_through(self.state, records, executed)
            finally:  # What was executed before an exception is kept.
                self._seal(executed, sealed)
        except Exception as error:  # The one place that freezes a shard: whatever it is, it is a defect.
            log.exception("the core raised", shard=self.number, offset=self.next_offset)
            if self.phase != "frozen":
                self.freeze(f"the core raised at offset {self.next_offset}: {error!r}")
        if sealed:
            oldest = records[self.next_offset - len(sealed) - records[0].offset]
            self.outbox.put([output for outputs in sealed for output in outputs], len(sealed), oldest.timestamp)
        self._see_where_it_is()

    def stop_before_hole(self, message: str) -> None:
        """Read nothing more; execute what was read, then freeze."""
        self._hole = message
        self._see_where_it_is()

    def freeze(self, error: str) -> None:
        """Stop for good: kept assigned, not read, until a restart."""
        self.error = error
        self.waiting.clear()
        self.waiting_count = 0
        log.error("a shard froze", shard=self.number, offset=self.next_offset, seq=self.seq, error=error)
        self._enter("frozen")

    def _step_through(self, state: State, records: Records, executed: list[list[Event]]) -> None:
        """Add the events of each command."""
        commands = [_command_in(record) for record in records]
        for offset, (record, command) in enumerate(zip(records, commands, strict=True), self.next_offset):
            assert record.offset == offset, f"offset {record.offset} where {offset} comes next"
            began = perf_counter() if offset % TIMED_OF == 0 else None
            executed.append(
                self._step(state, command, offset=offset, time=record.timestamp * MICROSECONDS_PER_MILLISECOND)
            )
            if began is not None:
                self._on_timed(perf_counter() - began)

    def _seal(self, executed: list[list[Event]], sealed: list[list[Output]]) -> None:
        """Add the records of each command's events, but of those that exist; move on by whole commands."""
        for events in executed:
            digest = self.digest
            outputs: list[Output] = []
            for event in events:
                value, digest = seal(event, digest)
                account_id = event.account_id
                outputs.append((None if account_id is None else account_id.encode(), value))
            self.seq = events[-1].seq
            self.digest = digest
            self.next_offset += 1
            if not self._silent:
                sealed.append(outputs)
                continue
            self._compare_with_watermark()
            if self.phase == "frozen":
                return

    def _compare_with_watermark(self) -> None:
        """End the silence at the watermark; the event there must be the committed one."""
        if self.seq < self.watermark.seq:
            return
        self._silent = False
        if self.seq > self.watermark.seq:
            self.freeze(
                f"the committed events end at seq {self.watermark.seq}, in the middle of the command at offset "
                f"{self.next_offset - 1}: no transaction of an engine ends there"
            )
        elif self.digest != self.watermark.digest:
            self.freeze(
                f"replay came to another ledger: event {self.seq} has digest {self.digest.hex()}, "
                f"and the committed one {self.watermark.digest.hex()}"
            )

    def _see_where_it_is(self) -> None:
        """Go live at the end of the commands, or say that they end too early; stop where the log has a hole."""
        self.progress.done = self.next_offset - self.start_offset
        if self._hole is not None and not self.waiting and self.next_offset == self.next_to_read:
            self.freeze(self._hole)
        if self.phase != "recovering" or self.next_offset < self.recovery_end:
            return
        if self._silent:
            self.freeze(
                f"the commands end at offset {self.next_offset} with event {self.seq}, and events exist up to "
                f"{self.watermark.seq}: commands are missing"
            )
        else:
            self._enter("live")

    def _enter(self, phase: Phase) -> None:
        self.phase = phase
        self._on_phase(self)


def _command_in(record: "ConsumerRecord[bytes, bytes]") -> Command | None:
    """Decode a record; null: it holds no command."""
    try:
        return decode_command(record.value)
    except NotDecodable:
        return None
