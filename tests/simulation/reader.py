"""Commands reach a worker from the simulated brokers: in pieces, twice, past a seek, or late."""

import asyncio
import random
from typing import Any, Final

from aiokafka import TopicPartition
from aiokafka.errors import IllegalStateError, KafkaError, NoOffsetForPartitionError, OffsetOutOfRangeError
from aiokafka.structs import ConsumerRecord

from schemas.topics import COMMANDS
from tests.simulation.clients import Network
from tests.simulation.cluster import Cluster
from tests.simulation.group import Group, Member

HEARTBEAT_S: Final = 1.0
FETCHED_MAX: Final = 12


class Place:
    """Where a reader is in a partition. position: null until somebody says where to begin."""

    def __init__(self, position: int | None) -> None:
        self.position = position
        self.is_paused = False


class Coordinator:
    """The part of aiokafka's consumer that the shell listens to for an expulsion."""

    def __init__(self) -> None:
        self.member_id = "nobody"

    def reset_generation(self) -> None:
        """Begin again as somebody new."""


class SimulatedReader:
    """aiokafka's consumer, as far as the shell uses it."""

    def __init__(self, network: Network, group: Group, dice: random.Random, instance: str | None) -> None:
        self._network = network
        self._cluster: Cluster = network.cluster
        self._group = group
        self._dice = dice
        self._instance = instance
        self._coordinator = Coordinator()
        self._member: Member | None = None
        self._places: dict[TopicPartition, Place] = {}
        self._joining: asyncio.Event | None = None
        self._error: Exception | None = None
        self._listener: Any = None
        self._coordinating: asyncio.Task[None] | None = None

    async def start(self) -> None:
        await self._travel()

    async def stop(self) -> None:
        if self._coordinating is not None:
            self._coordinating.cancel()
        if self._member is not None:
            await self._travel()
            self._group.leave(self._member)

    def subscribe(self, topics: list[str], listener: Any) -> None:
        assert topics == [COMMANDS], "nothing else is read"
        self._listener = listener
        self._joining = asyncio.Event()
        self._member = self._group.new_member(self._instance)
        self._coordinator.member_id = self._member.name
        self._coordinating = asyncio.get_running_loop().create_task(self._coordinate(self._member))

    def unsubscribe(self) -> None:
        self._places = {}

    def assign(self, partitions: list[TopicPartition]) -> None:
        self._places = {partition: Place(None) for partition in partitions}

    def assignment(self) -> set[TopicPartition]:
        return set(self._places)

    def seek(self, partition: TopicPartition, offset: int) -> None:
        self._place(partition).position = offset
        self._cluster.notify()

    def pause(self, partition: TopicPartition) -> None:
        self._place(partition).is_paused = True

    def resume(self, partition: TopicPartition) -> None:
        self._place(partition).is_paused = False
        self._cluster.notify()

    async def commit(self, positions: dict[TopicPartition, int]) -> None:
        await self._travel()
        if self._member is None or not self._member.is_known:
            self._coordinator.reset_generation()
            return
        for partition, offset in positions.items():
            self._group.offsets[partition.partition] = offset

    async def end_offsets(self, partitions: list[TopicPartition]) -> dict[TopicPartition, int]:
        await self._travel()
        return {partition: self._cluster.topic(COMMANDS, partition.partition).end for partition in partitions}

    async def getmany(self, timeout_ms: int) -> dict[TopicPartition, list["ConsumerRecord[bytes, bytes]"]]:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout_ms / 1_000
        while True:
            if self._joining is not None:
                await self._joining.wait()
            if self._error is not None:
                raise self._error
            asked = {
                partition: (place, place.position, self._found(partition.partition, place.position))
                for partition, place in self._places.items()
                if place.position is not None and not place.is_paused
            }
            if any(records for _, _, records in asked.values()):
                await self._travel()
            drained = {}
            for partition, (place, position, records) in asked.items():
                is_stale = self._places.get(partition) is not place or place.is_paused or place.position != position
                if not records or (is_stale and not self._network.fails(0.3)):
                    continue
                if not is_stale:
                    place.position = records[-1].offset + 1
                drained[partition] = records
            if drained:
                return drained
            await self._raise_what_is_unknown()
            if loop.time() >= deadline:
                return {}
            await self._cluster.something_new(deadline)

    def _found(self, shard: int, position: int) -> list["ConsumerRecord[bytes, bytes]"]:
        """Give some of what stands from a position on, and now and then what does not follow it."""
        partition = self._cluster.topic(COMMANDS, shard)
        if self._network.fails(0.01):
            position = max(partition.first, position + self._dice.randint(-3, 3))
        found = []
        for record in partition.from_offset(max(position, partition.first), "read_uncommitted"):
            offset, timestamp, key, value = record
            found.append(
                ConsumerRecord(COMMANDS, shard, offset, timestamp, 1, key, value, None, 0, len(value), headers=())
            )
            if len(found) == FETCHED_MAX:
                break
        if self._network.fails(0.3):
            found = found[: self._dice.randint(1, FETCHED_MAX)]
        if len(found) > 2 and self._network.fails(0.01):
            del found[self._dice.randrange(1, len(found) - 1)]
        return found

    async def _raise_what_is_unknown(self) -> None:
        """Say of a partition without a position that it has none, and of one outside its log where it was looked."""
        for partition, place in self._places.items():
            log = self._cluster.topic(COMMANDS, partition.partition)
            if place.position is None:
                await self._travel()
                raise NoOffsetForPartitionError(partition)
            if not place.is_paused and not log.first <= place.position <= log.end:
                position = place.position
                await self._travel()
                raise OffsetOutOfRangeError({partition: position})

    async def _coordinate(self, member: Member) -> None:
        """Join, live, and join again whenever the group says so."""
        await self._join(member)
        while True:
            await asyncio.sleep(HEARTBEAT_S * (0.5 + self._dice.random() / 2))
            await self._travel()
            if not member.is_known:
                self._coordinator.reset_generation()
                self._error = KafkaError("FENCED_INSTANCE_ID")  # Who goes on after that was not listening.
                return
            if self._group.beat(member):
                await self._join(member)

    async def _join(self, member: Member) -> None:
        self._joining = self._joining if self._joining and not self._joining.is_set() else asyncio.Event()
        await self._listener.on_partitions_revoked(self.assignment())
        await self._travel()
        if not member.is_known:
            self._error = KafkaError("FENCED_INSTANCE_ID")
            self._joining.set()
            return
        try:
            shards = await self._group.join(member)
        except KafkaError as error:
            self._error = error
            self._joining.set()
            return
        await self._travel()
        self._places = {
            TopicPartition(COMMANDS, shard): Place(self._group.offsets.get(shard)) for shard in sorted(shards)
        }
        await self._listener.on_partitions_assigned(set(self._places))
        self._joining.set()
        self._joining = None

    def _place(self, partition: TopicPartition) -> Place:
        if partition not in self._places:
            raise IllegalStateError(f"{partition} is not assigned")
        return self._places[partition]

    async def _travel(self) -> None:
        await asyncio.sleep(self._network.delay())
