"""Prints each fill and each liquidation once, however often it is killed: what it has printed is its position.

python examples/downstream.py 127.0.0.1:9092 fills.txt
"""

import sys
from io import BytesIO
from pathlib import Path

from confluent_kafka import Consumer, TopicPartition
from fastavro import schemaless_reader
from fastavro.schema import fingerprint, load_schema, to_parsing_canonical_form

topic, (brokers, output) = "exchange.events", sys.argv[1:]
schemas = {}  # of the events that fill, by the eight bytes with which a value names its schema
for path in Path(__file__).resolve().parents[1].glob("src/reprise/schemas/avro/*/Position*.avsc"):
    schema = load_schema(path)
    schemas[bytes.fromhex(fingerprint(to_parsing_canonical_form(schema), "CRC-64-AVRO"))] = schema
options = {"group.id": "downstream", "isolation.level": "read_committed", "enable.auto.commit": False}
consumer = Consumer(options | {"bootstrap.servers": brokers})

with Path(output).open("a+b") as printed:
    printed.seek(0)
    whole = [line for line in printed.read().splitlines(keepends=True) if line.endswith(b"\n")]
    printed.truncate(sum(map(len, whole)))  # A line that a kill cut off is printed again, whole.
    last = {int(shard): int(offset) for shard, offset in (line.split()[:2] for line in whole)}
    shards = consumer.list_topics(topic, timeout=10).topics[topic].partitions
    consumer.assign([TopicPartition(topic, shard, last.get(shard, -1) + 1) for shard in shards])
    while True:
        message = consumer.poll(1)
        if message is not None and not message.error() and message.value()[2:10] in schemas:
            event = schemaless_reader(BytesIO(message.value()[10:]), schemas[message.value()[2:10]], None)
            kind = "liquidation" if event.get("reason") == "liquidation" else "fill"
            what = "{position_id} {symbol} {side}: {quantity} lots at {price} ticks".format(**event)
            printed.write(f"{message.partition()} {message.offset()} {kind} of {what}\n".encode())
            printed.flush()
