"""How an engine worker is built, runs, and ends."""

import asyncio
import gc
import logging
import signal
from typing import Final

import structlog
import uvloop
from confluent_kafka import Consumer, KafkaException

from reprise.engine.core.step import step as core_step
from reprise.engine.shell.app import build_app
from reprise.engine.shell.fatal import CANNOT_COMMIT, leave_at_once
from reprise.engine.shell.group import SESSION_MS, group_reader
from reprise.engine.shell.liveness import Liveness
from reprise.engine.shell.metrics import Metrics
from reprise.engine.shell.shard import Step
from reprise.engine.shell.worker import Worker
from reprise.runtime.errors import FixableError
from reprise.runtime.kafka import partition_count, reader_options
from reprise.runtime.logging import configure
from reprise.runtime.settings import Settings
from reprise.schemas.codec import codec
from reprise.schemas.topics import COMMANDS, EVENTS, SNAPSHOTS

log = structlog.get_logger(__name__)

# Messages are born and die young by the thousand; the default of 700 would look through them 50 times a batch.
GC_THRESHOLDS: Final = (50_000, 20, 50)
QUIET: Final = ("faust", "mode", "aiokafka", "aiohttp", "asyncio")


def main(settings: Settings) -> None:
    """Run one worker in the foreground until SIGTERM or SIGINT; then everything executed is committed first."""
    run(settings, core_step)


def run(settings: Settings, step: Step) -> None:
    """Run one worker whose commands this function executes."""
    configure("engine", settings.log_level)
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    refuse_other_shards(settings)
    codec()  # Read now, so that the first command does not wait for it.
    gc.set_threshold(*GC_THRESHOLDS)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(settings, step))


def refuse_other_shards(settings: Settings) -> None:
    """Raise FixableError where the topics are missing or have another number of partitions than there are shards."""
    consumer = Consumer(reader_options(settings, "engine-topics"))
    try:
        for topic in (COMMANDS, EVENTS, SNAPSHOTS):
            try:
                partitions = partition_count(consumer, topic)
            except KafkaException as error:
                raise FixableError(
                    f"Topic {topic} cannot be read at {settings.kafka_brokers} ({error.args[0].str()}). "
                    "Start the broker, and make the topics with `reprise topics`."
                ) from error
            if partitions != settings.shards:
                raise FixableError(
                    f"Topic {topic} has {partitions} partitions, and REPRISE_SHARDS says {settings.shards}: "
                    f"the number of shards is fixed for ever. Set REPRISE_SHARDS={partitions}."
                )
    finally:
        consumer.close()


async def _serve(settings: Settings, step: Step) -> None:
    loop = asyncio.get_running_loop()
    asked_to_stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, asked_to_stop.set)
    liveness = Liveness(SESSION_MS / 1_000)
    reader = group_reader(settings)
    worker = Worker(settings, reader, liveness, Metrics(), step)
    app = build_app(settings, worker, reader, liveness)
    await app.start()
    log.info("engine started", worker=settings.engine_worker_id, pages=f"{settings.engine_host}:{settings.engine_port}")
    ends = [asyncio.create_task(asked_to_stop.wait()), asyncio.create_task(app.wait_until_stopped())]
    await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
    if app.crash_reason is not None:
        log.error("the engine crashed", exc_info=app.crash_reason)
        leave_at_once(CANNOT_COMMIT, "a part of the engine failed", error=repr(app.crash_reason))
    log.info("stopping")
    await worker.finish()
    await app.stop()
    await worker.leave()
    log.info("stopped")
