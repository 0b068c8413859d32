"""How this process ends in good order: all it executed is committed, and the next start is short."""

import asyncio
from time import monotonic
from typing import Final

import structlog
from aiokafka import AIOKafkaConsumer

from engine.shell.fatal import CANNOT_COMMIT, leave_at_once
from engine.shell.worker import Worker

log = structlog.get_logger(__name__)

# The process manager waits 20 s: first for the commits, then for a last snapshot, which is only a convenience.
STOP_TIMEOUT_S: Final = 15.0
LAST_SNAPSHOT_UNTIL_S: Final = 17.0


async def finish(worker: Worker) -> None:
    """Execute nothing more, commit what was executed, and take a last snapshot, so that the next start is short."""
    worker.is_stopping = True
    began = monotonic()
    try:
        await asyncio.wait_for(worker.commits_done(), STOP_TIMEOUT_S)
    except TimeoutError:
        leave_at_once(CANNOT_COMMIT, "executed commands could not be committed before the end")
    try:
        await asyncio.wait_for(worker.snapshots.take_last(), began + LAST_SNAPSHOT_UNTIL_S - monotonic())
    except TimeoutError:
        log.warning("no time for a last snapshot of every shard; the next start replays more")


async def leave(worker: Worker, reader: AIOKafkaConsumer) -> None:
    """Leave the group, after everything was committed and nothing reads any more."""
    await worker.membership.leave(reader)
    worker.owning.let_all_go()
