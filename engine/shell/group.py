"""How the workers share the shards by Kafka's group protocol, and how a worker learns that it was expelled."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.coordinator.assignors.sticky.sticky_assignor import StickyPartitionAssignor
from confluent_kafka.admin import AdminClient

from engine.shell.liveness import LOST_OWNERSHIP, leave_at_once
from runtime.aiokafka_security import aiokafka_security
from runtime.kafka import admin_options
from runtime.settings import Settings
from schemas.topics import COMMANDS

GROUP: Final = "engine"
SESSION_MS: Final = 6_000
HEARTBEAT_MS: Final = 1_000
# A worker that reads nothing for so long leaves the group by itself, which this engine takes for an expulsion.
POLL_INTERVAL_MS: Final = 60_000
# What a revocation waits for, at most: no heartbeat is sent meanwhile.
REVOCATION_TIMEOUT_S: Final = 1.0
# An idle fetch is answered after this, and while one runs a partition that was just read waits for it.
FETCH_WAIT_MS: Final = 50
FETCH_BYTES: Final = 1 << 20
ANSWER_TIMEOUT_S: Final = 5.0


def group_reader(settings: Settings) -> AIOKafkaConsumer:
    """Give the one reader of commands, not started. Positions never come from the group's offsets."""
    return AIOKafkaConsumer(
        bootstrap_servers=settings.kafka_brokers,
        client_id=f"engine-{settings.engine_worker_id}" if settings.engine_worker_id else "engine",
        group_id=GROUP,
        group_instance_id=settings.engine_worker_id,
        partition_assignment_strategy=(StickyPartitionAssignor,),
        session_timeout_ms=SESSION_MS,
        rebalance_timeout_ms=SESSION_MS,
        heartbeat_interval_ms=HEARTBEAT_MS,
        max_poll_interval_ms=POLL_INTERVAL_MS,
        enable_auto_commit=False,
        auto_offset_reset="none",
        isolation_level="read_uncommitted",
        fetch_min_bytes=1,
        fetch_max_wait_ms=FETCH_WAIT_MS,
        fetch_max_bytes=16 * FETCH_BYTES,
        max_partition_fetch_bytes=FETCH_BYTES,
        check_crcs=True,
        request_timeout_ms=20_000,
        retry_backoff_ms=100,
        **aiokafka_security(settings),
    )


def shards_of(settings: Settings, worker_id: str) -> frozenset[int] | None:
    """Give the shards the group has assigned to a worker, null where it knows of none. Blocks; for a thread."""
    admin = AdminClient(admin_options(settings, "engine-group"))
    described = admin.describe_consumer_groups([GROUP], request_timeout=ANSWER_TIMEOUT_S)[GROUP]
    error = described.exception(timeout=ANSWER_TIMEOUT_S)
    if error is not None:
        return None
    for member in described.result().members:
        if member.group_instance_id == worker_id and member.assignment is not None:
            return frozenset(partition.partition for partition in member.assignment.topic_partitions)
    return None


class Membership(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka comes without types.
    """What the group assigned to this worker, as its callbacks recorded it.

    aiokafka sends no heartbeat while a callback runs and swallows what one raises, so these only write down;
    the worker acts on it in tasks of its own.
    """

    def __init__(self, commits_done: Callable[[], Awaitable[None]]) -> None:
        self.joined = False
        self.settled = asyncio.Event()
        self.changed = asyncio.Event()
        self.assignments: deque[frozenset[int]] = deque()
        self._commits_done = commits_done
        self._leaving = False

    async def on_partitions_revoked(self, revoked: set[TopicPartition]) -> None:
        """Let running commits end, so that the next owner seldom finds one to abort."""
        del revoked
        self.settled.clear()
        with suppress(TimeoutError):  # The next owner's fencing ends them.
            await asyncio.wait_for(self._commits_done(), REVOCATION_TIMEOUT_S)

    async def on_partitions_assigned(self, assigned: set[TopicPartition]) -> None:
        """Write down what this worker has from now on."""
        self.joined = True
        self.assignments.append(frozenset(partition.partition for partition in assigned))
        self.settled.set()
        self.changed.set()

    def join(self, reader: AIOKafkaConsumer) -> None:
        """Join the group with a reader that was started; what was assigned to it until now is forgotten."""
        if reader.assignment():
            reader.unsubscribe()
        self._watch_for_expulsion(reader)
        reader.subscribe([COMMANDS], listener=self)

    def read_outside(self, reader: AIOKafkaConsumer, shards: frozenset[int]) -> None:
        """Read these shards without a word to the group."""
        reader.assign([TopicPartition(COMMANDS, shard) for shard in sorted(shards)])
        self.assignments.append(shards)
        self.changed.set()

    async def leave(self, reader: AIOKafkaConsumer) -> None:
        """Leave the group, where the worker has no instance id; one that has keeps its place for the session."""
        self._leaving = True
        await reader.stop()

    def _watch_for_expulsion(self, reader: AIOKafkaConsumer) -> None:
        """End the process where aiokafka would quietly join again as somebody new.

        Whatever tells a member that the group goes on without it (UNKNOWN_MEMBER_ID and ILLEGAL_GENERATION of a
        heartbeat, a join, a sync or an offset commit; so also an instance id that another process took, for its
        heartbeats carry none) ends in the coordinator's `reset_generation`. What it does not know (FENCED_INSTANCE_ID
        of a join or sync) it raises from the next `getmany`.
        """
        coordinator = reader._coordinator  # noqa: SLF001  # There is no public sign of an expulsion.
        forget = coordinator.reset_generation

        def reset_generation() -> None:
            if self.joined and not self._leaving:
                leave_at_once(LOST_OWNERSHIP, "expelled from the group", member=coordinator.member_id)
            forget()

        coordinator.reset_generation = reset_generation
