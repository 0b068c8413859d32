"""How commands come from the log to the agent: in order, without a gap, live shards first."""

import asyncio
from itertools import chain
from typing import Final, NamedTuple

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import NoOffsetForPartitionError, OffsetOutOfRangeError
from confluent_kafka import Consumer, KafkaException
from confluent_kafka import TopicPartition as KafkaPartition
from faust import ChannelT

from engine.shell.shard import Records, Shard
from engine.shell.worker import EngineWorker
from runtime.kafka import UNDECIDED_TOO, bounds, reader_options, records_to
from runtime.settings import Settings
from schemas.offset_gaps import OffsetGap
from schemas.topics import COMMANDS

log = structlog.get_logger(__name__)

POLL_MS: Final = 200
# What one turn of the agent executes: about 15 ms, so that heartbeats and commits go on meanwhile.
BATCH: Final = 500
# A shard is not read further while so many of its records wait, until half of them are executed.
WAITING_MAX: Final = 10_000
# A recovering shard's batches wait behind live ones, but under endless load one of so many turns is theirs.
TURNS_FOR_LIVE: Final = 20


class Batch(NamedTuple):
    """Records of one shard that follow each other."""

    shard: Shard
    records: Records


class FoundGap(NamedTuple):
    """An offset gap before which a shard stands. is_accepted: a command behind it lets the ledger go on over it."""

    gap: OffsetGap
    is_accepted: bool

    @property
    def message(self) -> str:
        """Say what is missing, what that means, and with which commands a person sees it and goes on."""
        shard, first, last = self.gap
        return (
            f"{COMMANDS}: {self.gap.sentence}, and the log goes on from {last + 1}: a transactional writer or a "
            "deletion left this offset gap, and a ledger is continued over one only where an operator says so. "
            f"`reprise tail commands --from {max(0, first - 5)}` shows what surrounds it; after "
            f"`reprise log accept-gap {shard} {first} {last}` and a restart the shard goes on."
        )


class CommandReader:
    """The way of the commands into this process."""

    def __init__(self, worker: EngineWorker, reader: AIOKafkaConsumer, batches: ChannelT[Batch]) -> None:
        self._worker = worker
        self._reader = reader
        self._batches = batches
        self._held: set[Shard] = set()
        self._asking: dict[Shard, asyncio.Task[None]] = {}
        self._stood: dict[Shard, int] = {}
        self._turns = 0

    async def read(self) -> None:
        """Fetch for ever: all that came, so that the next fetch runs while this one is executed."""
        while True:
            self._worker.reconcile()
            try:
                fetched = await self._reader.getmany(timeout_ms=POLL_MS)
            except NoOffsetForPartitionError:
                continue  # Just assigned; its position is ours to set, and the group has none.
            except OffsetOutOfRangeError as error:
                self._out_of_range(error)
                continue
            self._worker.reconcile()
            for partition, records in fetched.items():
                shard = self._worker.shards.get(partition.partition)
                if shard is not None and shard.is_reading:
                    self._receive(shard, partition, records)

    async def hand_out(self) -> None:
        """Give the agent one batch after the other. The channel is short: what is live never waits behind much."""
        while True:
            shard = self._next()
            if shard is None:
                self._worker.work_to_do.clear()
                await self._worker.work_to_do.wait()
                continue
            batch = Batch(shard, shard.take(BATCH))
            await self._batches.put(batch)  # type: ignore[arg-type]  # A channel takes anything.
            if shard in self._held and shard.waiting_count < WAITING_MAX // 2:
                self._held.discard(shard)
                self._worker.place_reader(shard)

    def look_for_gaps(self, ends: dict[int, int]) -> None:
        """Ask about shards that read nothing though the log goes on; an offset gap at its end shows in no other way.

        ends: of the log, by shard. Called now and then: a shard is asked about that stands where it stood last time.
        """
        stood, self._stood = self._stood, {}
        for shard in self._worker.shards.values():
            behind = ends.get(shard.number, 0) > shard.next_to_read
            if behind and shard.is_reading and shard not in self._held:
                self._stood[shard] = shard.next_to_read
                if stood.get(shard) == shard.next_to_read:
                    self._ask(shard)

    def _receive(self, shard: Shard, partition: TopicPartition, records: Records) -> None:
        """Keep what follows on what the shard has; ask the broker anew about anything else."""
        if records[0].offset != shard.next_to_read:
            self._ask(shard)
            return
        followers = _until_gap(records)
        shard.receive(followers)
        if len(followers) < len(records):
            self._ask(shard)
        elif shard.waiting_count >= WAITING_MAX and partition in self._reader.assignment():
            self._held.add(shard)
            self._reader.pause(partition)
        self._worker.work_to_do.set()

    def _next(self) -> Shard | None:
        """The shard whose turn it is: live ones in turn, then recovering ones in turn."""
        able = [shard for shard in self._worker.shards.values() if shard.waiting and shard.has_room]
        if not able:
            return None
        self._turns += 1
        live = [shard for shard in able if shard.phase == "live"]
        candidates = live if live and self._turns % TURNS_FOR_LIVE else able
        return candidates[self._turns % len(candidates)]

    def _ask(self, shard: Shard) -> None:
        """Records that do not follow were fetched before a seek, or offsets are missing: only the broker can tell."""
        if shard not in self._asking:
            self._asking[shard] = asyncio.create_task(self._settle(shard, shard.next_to_read))
            self._asking[shard].add_done_callback(lambda _: self._asking.pop(shard))

    async def _settle(self, shard: Shard, wanted: int) -> None:
        """Read on from where the shard is, or let it execute what it has and stop where the log has no record."""
        try:
            found = await asyncio.to_thread(find_gap, self._worker.settings, shard.number, wanted)
        except KafkaException as error:
            log.warning(
                "the broker did not say whether a record exists", shard=shard.number, offset=wanted, error=str(error)
            )
            found = None
        if shard.is_reading and shard.next_to_read == wanted:
            if found is not None and found.is_accepted:
                log.warning("a shard goes on over an accepted offset gap", **found.gap._asdict())
                shard.go_over(found.gap)
            elif found is not None:
                shard.stop_before_gap(found.message)
            self._worker.place_reader(shard)

    def _out_of_range(self, error: OffsetOutOfRangeError) -> None:
        """The log is shorter than what was read of it, or its beginning was deleted."""
        for partition, offset in error.args[0].items():
            shard = self._worker.shards.get(partition.partition)
            if shard is not None and shard.is_reading and offset == shard.next_to_read:
                self._worker.freeze(shard, f"{COMMANDS}/{shard.number} has no offset {offset}: the log was cut")


def _until_gap(records: Records) -> Records:
    """Give the records up to the first that does not follow."""
    first = records[0].offset
    if records[-1].offset - first == len(records) - 1:
        return records
    return [record for place, record in enumerate(records) if record.offset == first + place]


def find_gap(settings: Settings, shard: int, offset: int) -> FoundGap | None:
    """Ask the broker anew, with a reader of its own, whether the log goes on after this offset without having it.

    Uncommitted records count: the reader of commands sees them too. Blocks; for a thread.
    """
    # The name under which brokers know this reader; their access rules may have it.
    options = reader_options(settings, f"engine-{shard}-hole") | UNDECIDED_TOO
    consumer = Consumer(options)
    try:
        end = bounds(consumer, COMMANDS, shard)[1]
        records = records_to(consumer, KafkaPartition(COMMANDS, shard, offset), end)
        first = next(records, None)
        upcoming = end if first is None else first.offset
        if upcoming <= offset:
            return None
        gap = OffsetGap(shard, offset, upcoming - 1)
        values = (record.value for record in records)
        return FoundGap(gap, first is not None and gap.is_accepted_in(chain((first.value,), values)))
    finally:
        consumer.close()
