"""What Faust hosts: the agent that executes, the service that reads, timers, pages, supervision."""

from pathlib import Path
from typing import Final

import faust
import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError
from faust import StreamT
from faust.app.base import BootStrategy
from mode import CrashingSupervisor

from engine.shell.liveness import Liveness
from engine.shell.pages import EnginePages
from engine.shell.reading import Batch, CommandReader
from engine.shell.standby import Standby
from engine.shell.worker import EngineWorker
from runtime.settings import Settings
from schemas.topics import COMMANDS

log = structlog.get_logger(__name__)

# What waits for the agent beside the batch it executes.
BATCHES_AHEAD: Final = 2
MEASURE_S: Final = 1.0
POSITIONS_S: Final = 5.0


class NoKafka(BootStrategy):
    """Faust opens no connection: its consumer, producer and tables do not carry the ledger."""

    enable_kafka = False


class EngineApp(faust.App):
    """The app, with that strategy."""

    BootStrategy = NoKafka
    mundane_level = "debug"


def build_app(
    settings: Settings, worker: EngineWorker, reader: AIOKafkaConsumer, liveness: Liveness, standby: Standby | None
) -> faust.App:
    """Give the app, not started. following: what a standby does first."""
    app = EngineApp(
        "engine",
        broker="kafka://unused",
        autodiscover=False,
        agent_supervisor=CrashingSupervisor,  # An exception ends the process; it never skips a command.
        topic_disable_leader=True,
        datadir=str(_folder_of_its_own(settings.data)),
        web_enabled=False,  # Its own pages have no bound of time.
    )
    batches = app.channel(maxsize=BATCHES_AHEAD)

    @app.agent(batches)
    async def execute(stream: StreamT[Batch]) -> None:
        async for batch in stream:
            worker.execute(batch.shard, batch.records)

    app.service(_service_class(app, worker, reader, liveness, CommandReader(worker, reader, batches), standby))
    return app


def _service_class(
    app: faust.App,
    worker: EngineWorker,
    reader: AIOKafkaConsumer,
    liveness: Liveness,
    reading: CommandReader,
    standby: Standby | None,
) -> type[faust.Service]:
    pages = EnginePages(worker)

    class Shell(faust.Service):
        """Reads commands and hands them to the agent, for as long as the app runs."""

        mundane_level = "debug"

        async def on_start(self) -> None:
            app.flow_control.resume()  # Faust's own recovery does this; without it the agent never wakes.
            await pages.start()
            await reader.start()

        async def on_stop(self) -> None:
            await pages.stop()

        @faust.Service.task
        async def beat(self) -> None:
            await liveness.beat()

        @faust.Service.task
        async def join(self) -> None:
            if standby is not None:
                await standby.until_needed()
                worker.promote()
            worker.membership.join(reader)

        @faust.Service.task
        async def read(self) -> None:
            await reading.read()

        @faust.Service.task
        async def hand_out(self) -> None:
            await reading.hand_out()

        @faust.Service.task
        async def take_snapshots(self) -> None:
            await worker.snapshots.take_for_ever()

        @faust.Service.timer(MEASURE_S)
        async def measure(self) -> None:
            """Where the logs end: how far behind each shard is, and whether one stands before an offset gap."""
            shards = list(worker.shards.values())
            try:
                ends = await reader.end_offsets([TopicPartition(COMMANDS, shard.number) for shard in shards])
            except KafkaError as error:
                log.warning("the ends of the logs are unknown", error=str(error))
                return
            for shard in shards:
                shard.end_offset = ends[TopicPartition(COMMANDS, shard.number)]
                if not shard.given_up:
                    worker.metrics.lag.labels(shard.number).set(max(0, shard.end_offset - shard.next_offset))
            worker.watch_clocks()
            reading.look_for_gaps({partition.partition: end for partition, end in ends.items()})

        @faust.Service.timer(POSITIONS_S)
        async def commit_offsets(self) -> None:
            await worker.commit_offsets()

    return Shell


def _folder_of_its_own(data: Path) -> Path:
    """Faust insists on one, and keeps nothing in it."""
    folder = data / "faust"
    folder.mkdir(parents=True, exist_ok=True)
    return folder
