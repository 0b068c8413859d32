"""The log of an exchange as a test reads and writes it, and what its services say of themselves."""

from typing import Any

import httpx
from confluent_kafka import KafkaError, Producer

from runtime.kafka import LogRecord, command_producer_options, read_back
from runtime.settings import Settings
from schemas.codec import encode_command
from schemas.commands import Broadcast, ClientCommand, Command
from schemas.sharding import shard_of
from schemas.topics import COMMANDS

ALL = 10**9
UNACKNOWLEDGED_MAX = 1_000


def status(port: int) -> dict[str, Any]:
    """Give a service's status page, empty while it does not answer."""
    try:
        answer: dict[str, Any] = httpx.get(f"http://127.0.0.1:{port}/status", timeout=5).json()
    except (httpx.HTTPError, ValueError):
        return {}
    return answer


class CommandWriter:
    """Appends commands as the api and market data do: idempotent, in order, never in a transaction."""

    def __init__(self, settings: Settings) -> None:
        self._shards = settings.shards
        self._producer = Producer(command_producer_options(settings))
        self._unacknowledged = 0
        self._failures: list[KafkaError] = []

    def send(self, command: Command, shard: int | None = None) -> None:
        """Append one, to the shard of its account or to the one named."""
        if isinstance(command, ClientCommand):
            shard = shard_of(command.account_id, self._shards)
        elif isinstance(command, Broadcast):
            shard = command.shard
        assert shard is not None
        key = command.account_id.encode() if isinstance(command, ClientCommand) else None
        self.send_bytes(encode_command(command), shard, key)

    def send_bytes(self, value: bytes, shard: int, key: bytes | None = None) -> None:
        """Append any bytes."""
        while self._unacknowledged >= UNACKNOWLEDGED_MAX:
            self._producer.poll(0.05)
        self._unacknowledged += 1
        self._producer.produce(COMMANDS, value, key, partition=shard, on_delivery=self._delivered)
        self._producer.poll(0)

    def flush(self) -> None:
        """Wait until the broker has all of it."""
        assert self._producer.flush(30) == 0
        assert not self._failures, self._failures

    def _delivered(self, error: KafkaError | None, message: object) -> None:
        del message
        self._unacknowledged -= 1
        if error is not None:
            self._failures.append(error)


def read_all(settings: Settings, topic: str, partition: int) -> list[LogRecord]:
    """Give every committed record of a partition."""
    return read_back(settings, topic, partition, ALL)


def shards_are_done(settings: Settings, ports: list[int]) -> bool:
    """Say whether the workers on these ports have executed everything and committed what it gave."""
    shards = [shard for port in ports for shard in status(port).get("shards", [])]
    return len(shards) == settings.shards and all(
        shard["state"] == "live" and shard["lag"] == 0 and shard["next_offset"] == shard["end_offset"]
        for shard in shards
    )
