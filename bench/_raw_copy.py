"""What librdkafka and a broker do alone with the same bytes: read, and written in transactions; no work between."""

import sys
import time
from typing import Final

from confluent_kafka import Consumer, Producer, TopicPartition

from bench._worker import SHARD, has_record, value_of
from runtime.kafka import UNDECIDED_TOO, reader_options, transactional_producer_options
from runtime.settings import Settings

BATCH_MAX: Final = 10_000
PACE_S: Final = 0.005  # from one transaction to the next, as the engine's
COMMIT_TIMEOUT_S: Final = 30.0


def main(source: str, target: str, first: int, count: int) -> None:
    """Copy so many records, one transaction for what gathered in 5 ms."""
    settings = Settings()
    consumer = Consumer(reader_options(settings, "bench-raw") | UNDECIDED_TOO)
    consumer.assign([TopicPartition(source, SHARD, first)])
    producer = Producer(
        transactional_producer_options(settings, f"bench-raw-{target}") | {"queue.buffering.max.messages": 1_000_000}
    )
    producer.init_transactions(COMMIT_TIMEOUT_S)
    copied = 0
    while copied < count:
        due = time.perf_counter() + PACE_S
        records = [message for message in consumer.consume(BATCH_MAX, PACE_S) if has_record(message)][: count - copied]
        if not records:
            continue
        producer.begin_transaction()
        for message in records:
            producer.produce(target, value_of(message), partition=SHARD)
        producer.commit_transaction(COMMIT_TIMEOUT_S)
        copied += len(records)
        time.sleep(max(0.0, due - time.perf_counter()))
    consumer.close()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
