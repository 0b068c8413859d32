"""Prints each fill and liquidation once, through any number of kills: the printed lines are its bookmark.

python examples/downstream.py .reprise/kafka-reader.properties fills.txt schemas/avro
"""

import sys
from io import BytesIO
from pathlib import Path

from confluent_kafka import Consumer, TopicPartition
from fastavro import schemaless_reader
from fastavro.schema import fingerprint, load_schema, to_parsing_canonical_form

topic, (login, output, avro) = "exchange.events", sys.argv[1:]
events = [load_schema(path) for path in Path(avro).rglob("Position*.avsc")]  # Those that fill.
schemas = {bytes.fromhex(fingerprint(to_parsing_canonical_form(event), "CRC-64-AVRO")): event for event in events}
options = dict(line.split("=", 1) for line in Path(login).read_text().splitlines())
consumer = Consumer({"group.id": "reprise-downstream", **options})
with Path(output).open("a+b", buffering=0) as printed:
    whole = b"\n".join([*Path(output).read_bytes().split(b"\n")[:-1], b""])
    printed.truncate(len(whole))  # A line that a kill cut off is printed again, whole.
    last = {int(shard): int(offset) for shard, offset, _ in (line.split(maxsplit=2) for line in whole.splitlines())}
    shards = consumer.list_topics(topic, timeout=10).topics[topic].partitions
    consumer.assign([TopicPartition(topic, shard, last.get(shard, -1) + 1) for shard in shards])
    while True:
        if (message := consumer.poll(1)) and not message.error() and message.value()[2:10] in schemas:
            event = schemaless_reader(BytesIO(message.value()[10:]), schemas[message.value()[2:10]], None)
            fill = "{position_id} {symbol} {side}: {quantity} lots at {price} ticks".format(**event)
            kind = "liquidation" if event.get("reason") == "liquidation" else "fill"
            printed.write(f"{message.partition()} {message.offset()} {kind} of {fill}\n".encode())
