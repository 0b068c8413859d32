"""How an engine worker is built, runs, and ends."""

import asyncio
import logging
import signal
import sys
from functools import partial
from time import monotonic
from typing import Any, Final

import httpx
import structlog
import uvloop
from aiokafka import AIOKafkaConsumer

from engine.core.batch import Step
from engine.core.step import step as core_step
from engine.shell.app import build_app
from engine.shell.group import SESSION_MS, group_reader, shards_of
from engine.shell.liveness import CANNOT_COMMIT, Liveness, leave_at_once
from engine.shell.log import KafkaLog, Log
from engine.shell.metrics import EngineMetrics
from engine.shell.standby import Standby
from engine.shell.worker import EngineWorker, Role
from runtime.errors import FixableError
from runtime.garbage import collect_seldom
from runtime.logging import configure
from runtime.settings import Settings
from runtime.signals import PARTNER_IS_DEAD
from runtime.topics import require_topics
from schemas.codec import codec
from schemas.topics import COMMANDS, EVENTS, SNAPSHOTS

log = structlog.get_logger(__name__)

# How long a thread that loads or packs may keep the event loop waiting: the default is 5 ms, a whole pause.
SWITCH_INTERVAL_S: Final = 0.0005
PARTNER_TIMEOUT_S: Final = 1.0
# The process manager waits 20 s: first for the commits, then for a last snapshot, which is only a convenience.
STOP_TIMEOUT_S: Final = 15.0
LAST_SNAPSHOT_UNTIL_S: Final = 17.0
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
    collect_seldom()
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
    worker = EngineWorker(
        settings, source, reader, liveness, EngineMetrics(), step, await asyncio.to_thread(role_of, settings)
    )
    standby = _standby(settings, worker, source, reader)
    loop.add_signal_handler(PARTNER_IS_DEAD, standby.owner_is_dead.set if standby else _log_that_it_owns)
    app = build_app(settings, worker, reader, liveness, standby)
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


def _standby(settings: Settings, worker: EngineWorker, source: Log, reader: AIOKafkaConsumer) -> Standby | None:
    if worker.role == "owner":
        return None
    if settings.engine_worker_id is None:
        raise FixableError("A standby takes the place of one worker: name it with ENGINE_WORKER_ID.")
    return Standby(worker, source, reader, partial(shards_of, settings, settings.engine_worker_id))


def _log_that_it_owns() -> None:
    log.info("the partner ended; it was a standby, so nothing changes")


def role_of(settings: Settings) -> Role:
    """Give the role to begin with; of a pair that is up the one that owns goes on owning. Blocks; for a thread."""
    if settings.engine_standby:
        return "standby"
    if settings.engine_partner and _status_of(settings.engine_partner).get("role") == "owner":
        log.info("the partner owns the shards, so this one stands by", partner=settings.engine_partner)
        return "standby"
    return "owner"


def _status_of(partner: str) -> dict[str, Any]:
    """What the other of the pair says of itself; nothing where it does not run."""
    try:
        # No proxy: what the environment says about the internet is not about a partner.
        answer = httpx.get(f"http://{partner}/status", timeout=PARTNER_TIMEOUT_S, trust_env=False)
        content = answer.raise_for_status().json()
    except (httpx.HTTPError, ValueError) as error:
        log.info("the partner does not answer", partner=partner, error=str(error))
        return {}
    return content if isinstance(content, dict) else {}


async def finish(worker: EngineWorker) -> None:
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


async def leave(worker: EngineWorker, reader: AIOKafkaConsumer) -> None:
    """Leave the group, after everything was committed and nothing reads any more."""
    await worker.membership.leave(reader)
    worker.lifecycle.release_all()
