"""How an engine worker is built, runs, and ends."""

import asyncio
import gc
import logging
import signal
import sys
from functools import partial
from typing import Final

import structlog
import uvloop
from aiokafka import AIOKafkaConsumer

from engine.core.step import step as core_step
from engine.shell.app import build_app
from engine.shell.fatal import CANNOT_COMMIT, leave_at_once
from engine.shell.following import Following
from engine.shell.group import SESSION_MS, group_reader, shards_of
from engine.shell.liveness import Liveness
from engine.shell.log import KafkaLog, Log
from engine.shell.metrics import Metrics
from engine.shell.role import role_of
from engine.shell.shard import Step
from engine.shell.stopping import finish, leave
from engine.shell.worker import Worker
from runtime.errors import FixableError
from runtime.logging import configure
from runtime.settings import Settings
from runtime.signals import PARTNER_IS_DEAD
from runtime.topics import require_topics
from schemas.codec import codec
from schemas.topics import COMMANDS, EVENTS, SNAPSHOTS

log = structlog.get_logger(__name__)

# Messages are born and die young by the thousand; the default of 700 would look through them 50 times a batch.
GC_THRESHOLDS: Final = (50_000, 20, 50)
# How long a thread that loads or packs may keep the event loop waiting: the default is 5 ms, a whole pause.
SWITCH_INTERVAL_S: Final = 0.0005
QUIET: Final = ("faust", "mode", "aiokafka", "aiohttp", "asyncio")


def main(settings: Settings) -> None:
    """Run one worker in the foreground until SIGTERM or SIGINT; then everything executed is committed first."""
    run(settings, core_step)


def run(settings: Settings, step: Step) -> None:
    """Run one worker whose commands this function executes."""
    configure("engine", settings.log_level)
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    require_topics(settings, COMMANDS, EVENTS, SNAPSHOTS)
    codec()  # Read now, so that the first command does not wait for it.
    gc.set_threshold(*GC_THRESHOLDS)
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(settings, step))


async def _serve(settings: Settings, step: Step) -> None:
    loop = asyncio.get_running_loop()
    asked_to_stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, asked_to_stop.set)
    liveness = Liveness(SESSION_MS / 1_000)
    reader = group_reader(settings)
    source = KafkaLog(settings)
    worker = Worker(settings, source, reader, liveness, Metrics(), step, await asyncio.to_thread(role_of, settings))
    following = _following(settings, worker, source, reader)
    loop.add_signal_handler(PARTNER_IS_DEAD, following.owner_is_dead.set if following else _say_it_owns)
    app = build_app(settings, worker, reader, liveness, following)
    await app.start()
    log.info(
        "engine started",
        worker=settings.engine_worker_id,
        role=worker.role,
        pages=f"{settings.engine_host}:{settings.engine_port}",
    )
    ends = [asyncio.create_task(asked_to_stop.wait()), asyncio.create_task(app.wait_until_stopped())]
    await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
    if app.crash_reason is not None:
        log.error("the engine crashed", exc_info=app.crash_reason)
        leave_at_once(CANNOT_COMMIT, "a part of the engine failed", error=repr(app.crash_reason))
    log.info("stopping")
    await finish(worker)
    await app.stop()
    await leave(worker, reader)
    log.info("stopped")


def _following(settings: Settings, worker: Worker, source: Log, reader: AIOKafkaConsumer) -> Following | None:
    if worker.role == "owner":
        return None
    if settings.engine_worker_id is None:
        raise FixableError("A standby takes the place of one worker: name it with ENGINE_WORKER_ID.")
    return Following(worker, source, reader, partial(shards_of, settings, settings.engine_worker_id))


def _say_it_owns() -> None:
    log.info("the death of a standby is no news to an owner")
