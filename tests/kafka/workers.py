"""Engine workers run as processes, and tests read their output."""

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path
from typing import Any

from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient

from engine.shell.group import GROUP
from runtime.kafka import LogRecord, admin_options, command_producer_options, read_back
from runtime.settings import Settings
from schemas.codec import encode_command
from schemas.commands import Command
from schemas.topics import COMMANDS, EVENTS
from tests.processes import ServiceProcess, gone_at_the_end
from tests.replaying import execute_records

ALL = 10**9
START_TIMEOUT_S = 120.0
GROUP_EMPTY_TIMEOUT_S = 60.0


class EngineProcess(ServiceProcess):
    """One worker, started with some settings."""

    def __init__(self, settings: Settings, output: Path, code: str | None = None) -> None:
        super().__init__("engine", settings, output, code)

    def logged(self, event: str) -> list[dict[str, Any]]:
        """What the worker logged about something, each with its time as `at`."""
        lines = [json.loads(line) for line in self.log.splitlines() if line.startswith("{")]
        return [line | {"at": datetime.fromisoformat(line["time"])} for line in lines if line["event"] == event]

    def page(self, path: str) -> tuple[int, str]:
        """A page's status code and text; 0 without an answer."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.settings.engine_port}{path}", timeout=2) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except OSError:
            return 0, ""

    def status(self) -> dict[str, Any]:
        code, text = self.page("/status")
        return json.loads(text) if code == 200 else {"ready": False, "shards": []}

    def shards(self) -> dict[int, dict[str, Any]]:
        return {shard["shard"]: shard for shard in self.status()["shards"]}

    def until(
        self, holds: Callable[[dict[int, dict[str, Any]]], bool], what: str, timeout_s: float = START_TIMEOUT_S
    ) -> dict[int, dict[str, Any]]:
        """Wait until something holds of the shards; they, as they were then."""
        deadline = time.monotonic() + timeout_s
        while True:
            shards = self.shards()
            if shards and holds(shards):
                return shards
            assert self.process.poll() is None, f"the engine ended while waited until {what}:\n{self.log[-4000:]}"
            assert time.monotonic() < deadline, f"not in {timeout_s:.0f} s: {what}: {shards}\n{self.log[-4000:]}"
            time.sleep(0.05)

    def until_live(self, count: int) -> None:
        self.until(
            lambda shards: len(shards) == count and all(shard["state"] == "live" for shard in shards.values()),
            f"{count} shards are live",
        )


def engine(settings: Settings, output: Path, code: str | None = None) -> AbstractContextManager[EngineProcess]:
    """A worker that ends with the block; its graceful stop leaves the group for the next test."""
    return gone_at_the_end(EngineProcess(settings, output, code))


def until_group_is_empty(settings: Settings) -> None:
    """Wait until the group has forgotten the workers that were killed or have an instance id."""
    admin = AdminClient(admin_options(settings))
    deadline = time.monotonic() + GROUP_EMPTY_TIMEOUT_S
    while members(admin) != []:
        assert time.monotonic() < deadline, "the group is not empty"
        time.sleep(0.2)


def members(admin: AdminClient) -> list[str] | None:
    """Who is in the group; null where the broker cannot say yet."""
    described = admin.describe_consumer_groups([GROUP], request_timeout=10)[GROUP]
    error = described.exception(timeout=10)
    if error is None:
        return [member.member_id for member in described.result().members]
    return [] if "GROUP_ID_NOT_FOUND" in str(error) else None


class Client:
    """Appends commands."""

    def __init__(self, settings: Settings) -> None:
        self._producer = Producer(command_producer_options(settings, "test-client"))

    def append(self, shard: int, commands: Iterable[Command | bytes]) -> None:
        """Append commands, or any bytes, to a shard, in order; returns when the broker has them."""
        failures: list[object] = []
        for command in commands:
            value = command if isinstance(command, bytes) else encode_command(command)
            self._producer.produce(
                COMMANDS, value, partition=shard, on_delivery=lambda error, _: failures.append(error) if error else None
            )
            self._producer.poll(0)
        assert self._producer.flush(30) == 0
        assert not failures, f"{len(failures)} commands were not appended: {failures[0]}"


def clock() -> int:
    """Now, µs UTC."""
    return time.time_ns() // 1_000


def commands_in(settings: Settings, shard: int) -> list[LogRecord]:
    return read_back(settings, COMMANDS, shard, ALL)


def events_in(settings: Settings, shard: int) -> list[LogRecord]:
    return read_back(settings, EVENTS, shard, ALL)


def events_when(settings: Settings, shard: int, count: int, timeout_s: float = 120.0) -> list[LogRecord]:
    """The committed events, once there are so many."""
    deadline = time.monotonic() + timeout_s
    while len(events := events_in(settings, shard)) < count:
        assert time.monotonic() < deadline, (
            f"shard {shard} has {len(events)} events, not {count}, after {timeout_s:.0f} s"
        )
        time.sleep(0.1)
    return events


def executed_in_process(shard: int, shards: int, commands: list[LogRecord]) -> list[bytes]:
    """The events' records as this process makes them of the same commands with their append times."""
    return execute_records(shard, shards, commands, laws_every=1_000).values
