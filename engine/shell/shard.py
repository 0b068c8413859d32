"""How one shard executes its commands, and when it stops."""

from collections import deque
from collections.abc import Callable, Sequence
from time import monotonic, perf_counter
from typing import Final, Literal

import structlog
from aiokafka import ConsumerRecord

from engine.core.batch import Executed, Output, Step, encode, execute
from engine.core.rules import RulesUnknown
from engine.core.state import State
from engine.core.step import go_over
from engine.shell.log import Watermark
from engine.shell.outbox import CommitOutbox
from engine.shell.progress import RecoveryProgress
from engine.shell.take_over import LogEnds, ShardStart
from engine.shell.uncommitted import UncommittedOutputs
from engine.snapshot.ports import LastSnapshot
from schemas.codec import digest_of, first_digest
from schemas.commands import Command
from schemas.events import Event
from schemas.offset_gaps import OffsetGap

log = structlog.get_logger(__name__)

Records = Sequence["ConsumerRecord[bytes, bytes]"]
# A standby's shard follows where an owner's is live: it executes all there is, and writes nothing.
Phase = Literal["taking_over", "recovering", "live", "following", "frozen"]
EXECUTING: Final = frozenset({"recovering", "live", "following"})


class Shard:
    """One partition of the commands, and the ledger they make. Everything here runs on the event loop."""

    def __init__(
        self, number: int, step: Step, on_phase: Callable[["Shard"], None], on_timed: Callable[[float], None]
    ) -> None:
        self.number = number
        self.phase: Phase = "taking_over"
        self.error: str | None = None
        self.given_up = False
        self.clock_alarm = False
        self.is_ahead = False  # of this machine's clock
        self.newest_append = 0  # µs, of records that are being executed
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
        self.outbox: CommitOutbox | None = None
        self.uncommitted: UncommittedOutputs | None = None  # where a standby has it, instead of an outbox
        self.assigned_at = monotonic()
        self.progress = RecoveryProgress()
        self.last_snapshot = LastSnapshot(self.assigned_at, 0, 0, None)
        self._silent = True
        self._gap: str | None = None
        self._accepted_gaps: dict[int, OffsetGap] = {}  # by the first offset
        self._step = step
        self._on_phase = on_phase
        self._on_timed = on_timed
        on_phase(self)

    @property
    def is_reading(self) -> bool:
        """Whether its commands are wanted."""
        return self.is_executing and self._gap is None

    @property
    def is_executing(self) -> bool:
        """Whether commands that were read are executed."""
        return self.phase in EXECUTING and not self.given_up

    @property
    def has_room(self) -> bool:
        """Whether what more commands give may be kept until it is committed."""
        sink = self.outbox or self.uncommitted
        return sink is not None and sink.has_room

    def recover(self, start: ShardStart, ends: LogEnds, sink: CommitOutbox | UncommittedOutputs) -> None:
        """Begin to replay; up to the watermark silently."""
        self.state, self.digest, manifest = start
        self.seq = self.state.seq
        self.next_offset = self.next_to_read = self.state.next_offset
        self.watermark = ends.watermark
        self.last_snapshot = LastSnapshot(
            monotonic(), self.seq, self.next_offset, None if manifest is None else manifest.number
        )
        if isinstance(sink, CommitOutbox):
            self.outbox = sink
        else:
            self.uncommitted = sink
        self._silent = self.seq < self.watermark.seq
        self._replay_to(ends)
        if ends.bounds.first > self.next_offset:
            self.freeze(
                f"its commands begin at offset {ends.bounds.first}, and recovery needs them from {self.next_offset}: "
                "older ones were deleted"
            )
        elif not self._silent and self.digest != self.watermark.digest:
            self.freeze(f"recovery starts at event {self.seq} with another digest than the committed one's")
        self._update_phase()

    def compare_with_owner(self, ends: LogEnds) -> None:
        """Compare what a standby made with what the owner has committed since; be silent as far as that is ahead."""
        assert self.uncommitted is not None, "only a standby looks at what another commits"
        committed, before = ends.watermark, self.watermark
        self.end_offset = ends.bounds.end
        if committed == before or self.phase == "frozen":
            return
        self.watermark = committed
        self.recovery_end = self.progress.goal = ends.bounds.end
        if committed.seq <= before.seq:
            self.freeze(f"the committed events end at seq {committed.seq}, and they went up to {before.seq} before")
        elif committed.seq > self.seq:
            self.uncommitted.skip_to(committed.seq)
            self._silent = True
        else:
            self._compare(self.uncommitted.drop_up_to(committed.seq))

    def promote(self, ends: LogEnds, outbox: CommitOutbox) -> None:
        """Commit from now on, beginning with what the fenced owner has not; what it is behind is replayed first."""
        assert self.uncommitted is not None, "only a standby's shard is promoted"
        self.compare_with_owner(ends)
        self.outbox = outbox
        if self.phase != "frozen":
            commands, oldest_ms = self.uncommitted.hand_over()
            if commands:
                outbox.put(commands, oldest_ms)
            self._replay_to(ends)
        self.uncommitted = None
        self._update_phase()

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
        """Execute commands that follow each other; an exception freezes the shard at the one that raised it."""
        assert self.state is not None, "commands are read after the take-over"
        sink = self.outbox or self.uncommitted
        assert sink is not None, "a shard that executes has where to put its events"
        if self.next_offset in self._accepted_gaps:
            go_over(self.state, self._accepted_gaps.pop(self.next_offset))
            self.next_offset = self.state.next_offset
        executed: list[Executed] = []
        encoded: list[list[Output]] = []
        new: list[list[Output]] = []
        try:
            try:
                execute(self._step, self._timed_step, self.state, records, executed)
            finally:  # What was executed before an exception is kept.
                try:
                    encode(executed, self.digest, encoded)
                finally:
                    new = self._take(executed, encoded)
        except RulesUnknown as error:
            self.freeze(f"offset {self.next_offset}: {error}")
        except Exception as error:  # The one place that freezes a shard: whatever it is, it is a defect.
            log.exception("the core raised", shard=self.number, offset=self.next_offset)
            if self.phase != "frozen":
                self.freeze(f"the core raised at offset {self.next_offset}: {error!r}")
        if new:
            oldest = records[self.next_offset - len(new) - records[0].offset]
            sink.put(new, oldest.timestamp)
        self._update_phase()

    def go_over(self, gap: OffsetGap) -> None:
        """Read on behind offsets that hold no record; a command of the log accepts that."""
        self._accepted_gaps[gap.first] = gap
        self.next_to_read = gap.last + 1

    def stop_before_gap(self, message: str) -> None:
        """Read nothing more; execute what was read, then freeze."""
        self._gap = message
        self._update_phase()

    def freeze(self, error: str) -> None:
        """Stop for good: kept assigned, not read, until a restart."""
        self.error = error
        self.waiting.clear()
        self.waiting_count = 0
        log.error("a shard froze", shard=self.number, offset=self.next_offset, seq=self.seq, error=error)
        self._enter("frozen")

    def _timed_step(self, state: State, command: Command | None, *, offset: int, time: int) -> list[Event]:
        """Execute one command, and tell how long the core took."""
        began = perf_counter()
        events = self._step(state, command, offset=offset, time=time)
        self._on_timed(perf_counter() - began)
        return events

    def _take(self, executed: list[Executed], encoded: list[list[Output]]) -> list[list[Output]]:
        """Move on by the commands whose events were encoded, and give of each the records that do not exist."""
        taken = 0
        new: list[list[Output]] = []
        while self._silent and taken < len(encoded):
            taken += 1
            self._move_on(1, executed[taken - 1], encoded[taken - 1])
            outputs = self._beyond_watermark(encoded[taken - 1])
            if self.phase == "frozen":
                return new
            if outputs:
                new.append(outputs)
        if taken < len(encoded):
            self._move_on(len(encoded) - taken, executed[len(encoded) - 1], encoded[-1])
            new += encoded[taken:]
        return new

    def _move_on(self, commands: int, last: Executed, outputs: list[Output]) -> None:
        """Stand behind some more commands. last, outputs: of the last of them."""
        self.next_offset += commands
        self.seq = last[1][-1].seq
        self.digest = digest_of(outputs[-1][1])

    def _beyond_watermark(self, outputs: list[Output]) -> list[Output]:
        """Give of a replayed command's events those that do not exist; the silence ends where the events end.

        That is in the middle of a command where a late request of the former owner ended its transaction early: the
        chained digest of the last event says that this command is the one whose rest is missing.
        """
        end = self.watermark.seq
        missing = self.seq - end
        if missing < 0:
            return []
        self._silent = False
        existing = len(outputs) - missing
        if missing:
            what = "the committed events end in the middle of a command"
            log.warning(what, shard=self.number, watermark=end, offset=self.next_offset - 1, missing=missing)
        self._compare(digest_of(outputs[existing - 1][1]))
        return outputs[existing:]

    def _compare(self, digest: bytes) -> None:
        """Freeze where the event at the watermark is not the committed one."""
        if digest != self.watermark.digest:
            self.freeze(
                f"replay came to another ledger: event {self.watermark.seq} has digest {digest.hex()}, "
                f"and the committed one {self.watermark.digest.hex()}"
            )

    def _update_phase(self) -> None:
        """Go live at the end of the commands, or say that they end too early; stop where the log has an offset gap."""
        self.progress.done = self.next_offset - self.start_offset
        self.progress.offset = self.next_offset
        if self._gap is not None and not self.waiting and self.next_offset == self.next_to_read:
            self.freeze(self._gap)
        if self.phase != "recovering" or self.next_offset < self.recovery_end:
            return
        if self._silent:
            self.freeze(
                f"the commands end at offset {self.next_offset} with event {self.seq}, and events exist up to "
                f"{self.watermark.seq}: commands are missing"
            )
        else:
            self._enter("live" if self.uncommitted is None else "following")

    def _replay_to(self, ends: LogEnds) -> None:
        self.start_offset = self.next_offset
        self.recovery_end = self.end_offset = self.progress.goal = ends.bounds.end
        self.progress.begin("replaying", self.recovery_end - self.start_offset)
        self._enter("recovering")

    def _enter(self, phase: Phase) -> None:
        self.phase = phase
        self._on_phase(self)
