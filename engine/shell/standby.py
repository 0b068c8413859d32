"""Which shards a standby follows, and when it takes its owner's place."""

import asyncio
from collections.abc import Callable
from time import monotonic
from typing import Final

import structlog
from aiokafka import AIOKafkaConsumer
from confluent_kafka import KafkaException

from engine.shell.log import Log
from engine.shell.shard import Shard
from engine.shell.take_over import log_ends
from engine.shell.worker import EngineWorker

log = structlog.get_logger(__name__)

LOOK_S: Final = 0.4
SILENCE_S: Final = 1.5
# An owner that has committed nothing yet may be recovering; a standby that started with it gives it time to.
FIRST_COMMIT_S: Final = 10.0
# How often the group is asked which shards its owner has.
OWNER_S: Final = 2.0

# Gives the shards of the owner, null where the group knows of none. Blocks.
OwnedShards = Callable[[], frozenset[int] | None]


class Standby:
    """Executes what the owner executes, and commits nothing, until the owner is dead or silent.

    Nothing here makes a take-over safe: that is the fencing alone. A standby that errs costs a restart.
    """

    def __init__(self, worker: EngineWorker, source: Log, reader: AIOKafkaConsumer, owned: OwnedShards) -> None:
        self.owner_is_dead = asyncio.Event()
        self._worker = worker
        self._source = source
        self._reader = reader
        self._owned = owned
        self._followed: frozenset[int] = frozenset()
        self._committed_at: dict[Shard, float] = {}

    async def until_needed(self) -> None:
        """Return when the owner's place is to be taken: its death was reported, or its shards fell silent."""
        death = asyncio.create_task(self.owner_is_dead.wait())
        silence = asyncio.create_task(self._until_silent())
        done, rest = await asyncio.wait({death, silence}, return_when=asyncio.FIRST_COMPLETED)
        for task in rest:
            task.cancel()
        for task in done:
            await task
        if death in done:
            log.warning("the owner was reported dead")

    async def _until_silent(self) -> None:
        checked_at = -OWNER_S
        while True:
            if monotonic() - checked_at >= OWNER_S:
                checked_at = monotonic()
                await self._follow_owned_shards()
            await asyncio.gather(*(self._look(shard) for shard in list(self._worker.shards.values())))
            silent = [shard.number for shard in self._worker.shards.values() if self._is_silent(shard)]
            if silent:
                log.warning("shards have fallen silent while commands wait", shards=silent, seconds=SILENCE_S)
                return
            await asyncio.sleep(LOOK_S)

    async def _follow_owned_shards(self) -> None:
        """Follow what the group says is the owner's; all, as long as the group has assigned it none."""
        owned = await asyncio.to_thread(self._owned)
        wanted = owned or self._followed or frozenset(range(self._worker.settings.shards))
        if wanted != self._followed:
            self._followed = wanted
            self._worker.membership.read_outside(self._reader, wanted)
            self._worker.reconcile()

    async def _look(self, shard: Shard) -> None:
        """Look whether the owner committed anything. While the broker does not answer, no shard counts as silent."""
        try:
            ends = await asyncio.to_thread(log_ends, self._source, shard.number)
        except KafkaException as error:
            log.warning("the broker does not say what was committed", shard=shard.number, error=str(error))
            if shard in self._committed_at:
                self._committed_at[shard] = monotonic()
            return
        if ends.watermark != shard.watermark:
            self._committed_at[shard] = monotonic()
        self._worker.compare_with_owner(shard, ends)

    def _is_silent(self, shard: Shard) -> bool:
        if shard.phase != "following" or shard.uncommitted is None or shard.uncommitted.since is None:
            return False
        committed_at = self._committed_at.get(shard)
        if committed_at is None:
            return monotonic() - shard.uncommitted.since >= FIRST_COMMIT_S
        return monotonic() - max(shard.uncommitted.since, committed_at) >= SILENCE_S
