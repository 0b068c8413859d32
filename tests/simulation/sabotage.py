"""Decisions of the shell made wrong, one at a time, so that the simulation can be seen to find them."""

from typing import Any, Final, NamedTuple

from confluent_kafka import KafkaException

from engine.core.batch import Output
from engine.shell import lifecycle, reading
from engine.shell.lifecycle import ShardLifecycle
from engine.shell.log import KafkaLog, Log
from engine.shell.outbox import CommitOutbox
from engine.shell.reading import CommandReader, FoundGap
from engine.shell.shard import Records, Shard
from engine.shell.take_over import FencedShard, LogEnds, fence, log_ends
from engine.snapshot import load
from engine.snapshot.copy_on_write import LedgerCopy
from engine.snapshot.ring import RingSlot, SnapshotRing
from runtime import kafka, transactions
from runtime.transactions import TransactionalProducer
from runtime.transactions import _Reports as Reports
from schemas.manifest import SnapshotManifest
from schemas.snapshots import why_unusable

COMMIT: Final = CommitOutbox._commit
NEXT_SLOT: Final = SnapshotRing.next_slot
FOR_EVER: Final = 1 << 62


class Sabotage(NamedTuple):
    """One wrong decision: what stands where, instead of what should. seeds: within how many it must be found."""

    name: str
    place: Any
    attribute: str
    wrong: Any
    seeds: int


def _watermark_before_fence(source: Log, shard: int) -> FencedShard:
    ends = log_ends(source, shard)
    return FencedShard(source.fence(shard), ends)


def _above_the_watermark(manifest: SnapshotManifest, **terms: int) -> str | None:
    return why_unusable(manifest, **(terms | {"seq": FOR_EVER}))


def _silent_for_one_less(self: Shard, outputs: list[Output]) -> list[Output]:
    if self.seq < self.watermark.seq - 1:
        return []
    self._silent = False
    return outputs


def _silent_for_one_more(self: Shard, _outputs: list[Output]) -> list[Output]:
    if self.seq > self.watermark.seq:
        self._silent = False
    return []


def _silent_to_the_command_s_end(self: Shard, _outputs: list[Output]) -> list[Output]:
    self._silent = self.seq < self.watermark.seq
    return []


def _any_digest(self: Shard, outputs: list[Output]) -> list[Output]:
    behind = self.seq - self.watermark.seq
    if behind < 0:
        return []
    self._silent = False
    return outputs[len(outputs) - behind :]


def _swallow(self: CommitOutbox, outputs: list[Output]) -> None:
    try:
        COMMIT(self, outputs)
    except KafkaException:
        return


def _commit_again(self: CommitOutbox, outputs: list[Output]) -> None:
    try:
        COMMIT(self, outputs)
    except KafkaException as error:
        if not error.args[0].retriable():
            raise
        assert self._producer is not None, "it just committed"
        self._producer.commit_transaction(10.0)
        self._producer._is_doubtful = False  # Else no transaction begins with it.
        COMMIT(self, outputs)


async def _committed_or_not(_self: CommitOutbox, _seq: int) -> bool:
    return True


def _receive_anything(self: CommandReader, shard: Shard, _partition: object, records: Records) -> None:
    shard.receive(records)
    self._worker.work_to_do.set()


def _over_the_newest(self: SnapshotRing, slots: int) -> RingSlot:
    place = NEXT_SLOT(self, slots)
    return place if self._newest is None else place._replace(slot=self._newest.manifest.slot)


def _promoted_without_looking(self: Shard, ends: LogEnds, outbox: CommitOutbox) -> None:
    assert self.uncommitted is not None, "only a standby's shard is promoted"
    self.outbox = outbox
    commands, oldest_ms = self.uncommitted.hand_over()
    if commands:
        outbox.put(commands, oldest_ms)
    self._replay_to(ends)
    self.uncommitted = None
    self._update_phase()


async def _promoted_though_frozen(self: ShardLifecycle, shard: Shard) -> None:
    fenced = await self._in_thread(fence, self._source, shard.number)
    outbox = self._outbox_of(shard, fenced)
    shard.promote(fenced.ends, outbox)
    self._taken_over(shard, fenced)
    await outbox.commit_for_ever()


def _live_at_any_end(self: Shard) -> None:
    if self.phase == "recovering" and self.next_offset >= self.recovery_end:
        self._silent = False
        self._enter("live")


SABOTAGES: Final = (
    Sabotage("the watermark is read before the fencing", lifecycle, "fence", _watermark_before_fence, 400),
    Sabotage("a snapshot above the watermark is accepted", load, "why_unusable", _above_the_watermark, 100),
    Sabotage("silence ends an event early", Shard, "_beyond_watermark", _silent_for_one_less, 20),
    Sabotage("silence ends a command late", Shard, "_beyond_watermark", _silent_for_one_more, 20),
    Sabotage("the digest at the watermark is not compared", Shard, "_beyond_watermark", _any_digest, 400),
    Sabotage("the failure of a transaction is swallowed", CommitOutbox, "_commit", _swallow, 100),
    Sabotage("a transaction without an answer is done again", CommitOutbox, "_commit", _commit_again, 100),
    Sabotage("records that do not follow are taken", CommandReader, "_receive", _receive_anything, 50),
    Sabotage("a snapshot does not wait for its events", CommitOutbox, "until_committed", _committed_or_not, 50),
    Sabotage("the ring overwrites its newest", SnapshotRing, "next_slot", _over_the_newest, 20),
    Sabotage("a copy does not keep what changes", LedgerCopy, "keep", lambda *_: None, 300),
    Sabotage("an offset gap is taken for a delay", reading, "find_gap", lambda *_: None, 200),
    Sabotage("an offset gap needs no acceptance", FoundGap, "is_accepted", property(lambda _: True), 200),
    Sabotage("a promoted standby does not look again", Shard, "promote", _promoted_without_looking, 300),
    Sabotage("any mark is taken for the end", kafka, "is_at_end", lambda *_: True, 100),
    Sabotage("commands may end before the events do", Shard, "_update_phase", _live_at_any_end, 300),
    Sabotage("a foreign transaction is overlooked", KafkaLog, "hidden_from", lambda *_: None, 100),
    Sabotage("a slow commit is not doubtful", transactions, "DOUBTFUL_S", FOR_EVER, 200),
    Sabotage("a lost connection is not doubtful", Reports, "log", lambda *_: None, 200),
)
# Leaves a late request free to end the next transaction.
UNGUARDED: Final = Sabotage("no commit is doubtful", TransactionalProducer, "is_doubtful", property(lambda _: False), 0)
# Makes of the events that end in the middle of a command the end of it.
REST_DROPPED: Final = Sabotage(
    "the rest of a command is dropped", Shard, "_beyond_watermark", _silent_to_the_command_s_end, 0
)
# Too seldom by chance: a scene of its own brings it about.
FROZEN_STANDBY: Final = Sabotage(
    "a standby that froze is promoted as it is", ShardLifecycle, "_promote", _promoted_though_frozen, 0
)
