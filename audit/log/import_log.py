"""How an exported log becomes the commands of an empty cluster, at their original times."""

import asyncio
import time
from collections.abc import Callable
from functools import partial
from typing import Final

from confluent_kafka import KafkaError, KafkaException, Message, Producer
from confluent_kafka.admin import AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource, ResourceType

from audit.log.cluster import open_cluster
from audit.log.folder import FolderLog
from audit.log.log_reader import commands_of
from audit.log.offset_gaps import gaps_of, is_accepted, make_gap
from runtime.errors import FixableError
from runtime.kafka import admin_options, append_record, command_producer_options, end_offsets, why_unread
from runtime.settings import Settings
from runtime.topics import ensure_topics
from schemas.offset_gaps import OffsetGap
from schemas.topics import COMMANDS, EVENTS, SNAPSHOTS

TIMEOUT_S: Final = 30.0
PAUSE_S: Final = 0.05
TIME_TYPE: Final = "message.timestamp.type"
ORIGINAL: Final = "CreateTime"
OF_THE_BROKER: Final = "LogAppendTime"

Progress = Callable[[int], None]


def import_log(log: FolderLog, settings: Settings, *, progress: Progress = lambda _: None) -> int:
    """Append every command of the folder to an empty ledger, and give their count; an engine then makes the events.

    FixableError, before anything is written, where the folder is damaged or has a gap that no command accepts, where
    the cluster holds anything, or is for another number of shards.
    """
    require_whole(log)
    return append_log(log, settings, progress=progress)


def append_log(log: FolderLog, settings: Settings, *, progress: Progress = lambda _: None) -> int:
    """Do so with a folder that is known to be whole."""
    if settings.shards != log.shards:
        raise FixableError(
            f"{log.name} is a ledger of {log.shards} shards, and REPRISE_SHARDS says {settings.shards}: the number "
            f"of shards is fixed for ever. Set REPRISE_SHARDS={log.shards}."
        )
    ensure_topics(settings)
    _require_empty(settings)
    set_time_type(settings, ORIGINAL)
    try:
        count = _append(log, settings, progress)
        _require_same(log, settings)
    except (KafkaException, FixableError) as error:
        why = f"{why_unread(error, settings.kafka_brokers)}." if isinstance(error, KafkaException) else str(error)
        raise FixableError(
            f"The import broke off: {why} {COMMANDS} now holds a part of the log and must not be used: delete the "
            "topics, or take another data folder, and import again."
        ) from error
    set_time_type(settings, OF_THE_BROKER)
    return count


def require_whole(log: FolderLog) -> None:
    """Read all of it once, or raise FixableError: nothing is undone in Kafka, so what can go wrong does before."""
    missing = [str(shard) for shard in range(log.shards) if shard not in log.held]
    if missing:
        raise FixableError(f"{log.name} holds no shard {', '.join(missing)}: only a whole ledger is imported.")
    for shard in log.held:
        for damage in log.damages(shard):
            raise FixableError(f"{log.name} is damaged: {damage.sentence()}.")
        for gap in gaps_of(log, shard):
            if not is_accepted(log, gap):
                raise FixableError(f"{log.name}: {gap.sentence}, and no command of the log accepts that.")


def _require_empty(settings: Settings) -> None:
    for topic in (COMMANDS, EVENTS, SNAPSHOTS):
        if any(end_offsets(settings, topic)):
            raise FixableError(
                f"{topic} at {settings.kafka_brokers} is not empty; a log is imported into a new ledger."
            )


def set_time_type(settings: Settings, time_type: str) -> None:
    """Say whose clock the times of new commands are, and wait until the broker says so too."""
    admin = AdminClient(admin_options(settings))
    entry = ConfigEntry(TIME_TYPE, time_type, incremental_operation=AlterConfigOpType.SET)
    change = ConfigResource(ResourceType.TOPIC, COMMANDS, incremental_configs=[entry])
    admin.incremental_alter_configs([change])[change].result(timeout=TIMEOUT_S)
    asked = ConfigResource(ResourceType.TOPIC, COMMANDS)
    deadline = time.monotonic() + TIMEOUT_S
    while time.monotonic() < deadline:
        found = admin.describe_configs([asked])[asked].result(timeout=TIMEOUT_S)
        if found[TIME_TYPE].value == time_type:
            return
        time.sleep(PAUSE_S)
    raise FixableError(f"{COMMANDS} did not take {TIME_TYPE}={time_type} within {TIMEOUT_S:.0f} s; try again.")


def _append(log: FolderLog, settings: Settings, progress: Progress) -> int:
    """Append shard by shard; the broker says of each record at which offset it stands, and that must be its own."""
    producer = Producer(command_producer_options(settings, "reprise-import") | {"linger.ms": 5})
    failures: list[str] = []

    def delivered(expected: int, error: KafkaError | None, message: Message) -> None:
        if error is not None:
            failures.append(f"command {expected} was not appended: {error.str()}.")
        elif message.offset() != expected:
            failures.append(f"command {expected} came to stand at offset {message.offset()}.")

    count = 0
    for shard in log.held:
        upcoming = 0
        for record in commands_of(log, shard):
            if record.offset > upcoming:
                _require_written(producer, failures)
                asyncio.run(make_gap(settings, OffsetGap(shard, upcoming, record.offset - 1)))
            upcoming = record.offset + 1
            append_record(producer, COMMANDS, shard, record, partial(delivered, record.offset))
            count += 1
            if failures:
                raise FixableError(failures[0])
            if count % 1_000 == 0:
                progress(1_000)
        _require_written(producer, failures)
    progress(count % 1_000)
    return count


def _require_written(producer: Producer, failures: list[str]) -> None:
    if producer.flush(TIMEOUT_S) or failures:
        raise FixableError(failures[0] if failures else "the brokers did not acknowledge in time.")


def _require_same(log: FolderLog, settings: Settings) -> None:
    """Read back what stands there now: offset, time, key and value of every command."""
    copy = open_cluster(settings)
    for shard in log.held:
        written = commands_of(copy, shard)
        for record in commands_of(log, shard):
            found = next(written, None)
            if found != record:
                raise FixableError(f"shard {shard}, command {record.offset} is not what was written.")
        if next(written, None) is not None:
            raise FixableError(f"somebody else wrote to shard {shard} meanwhile.")
