"""When the exchange can take prices: every shard knows its instruments."""

import asyncio
import time
from typing import Final

import structlog
from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from runtime.kafka import reader_options
from runtime.settings import Settings
from schemas.codec import decode_event
from schemas.events import InstrumentsDefined
from schemas.topics import EVENTS

TIMEOUT_S: Final = 120.0
PAUSE_S: Final = 0.02
RECORDS: Final = 500

log = structlog.get_logger(__name__)


async def wait_for_instruments(settings: Settings) -> bool:
    """Return when every shard has its instruments: a recording that began earlier would be played to nobody.

    They are defined near the start of each shard's events. After two minutes the answer is False: the shards that do
    not know them refuse their prices, and that is visible.
    """
    consumer = Consumer(reader_options(settings, "reprise-market-data"))
    missing = set(range(settings.shards))
    consumer.assign([TopicPartition(EVENTS, shard, 0) for shard in missing])
    deadline = time.monotonic() + TIMEOUT_S
    log.info("waiting until every shard knows its instruments", at_most_s=TIMEOUT_S)
    try:
        while missing and time.monotonic() < deadline:
            seen = _defined(consumer)
            missing -= seen
            if not seen:
                await asyncio.sleep(PAUSE_S)
    finally:
        consumer.close()
    if missing:
        log.warning("instruments are not defined yet; prices of these shards are refused", shards=sorted(missing))
    return not missing


def _defined(consumer: Consumer) -> set[int]:
    """Look at what was read meanwhile; give the shards whose instruments were seen, which need not be read further."""
    seen: set[int] = set()
    for message in consumer.consume(RECORDS, 0):
        error, partition = message.error(), message.partition()
        if error is not None:
            if error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001  # Its public name in this library.
                continue
            raise KafkaException(error)
        if (
            partition is not None
            and partition not in seen
            and isinstance(decode_event(message.value()), InstrumentsDefined)
        ):
            seen.add(partition)
            consumer.pause([TopicPartition(EVENTS, partition)])
    return seen
