"""The status says how much the log that is kept for ever grows in a day, and how long the disk lasts."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Producer

from cli import status_report
from runtime.kafka import command_producer_options
from runtime.settings import Settings
from runtime.topics import ensure_topics
from schemas.topics import COMMANDS, EVENTS, TICKS
from stack.foreground import running
from stack.instance import LOG_FOLDER
from stack.kafka import prepare_broker, wait_for_broker
from stack.log_growth import DAY_S, bytes_a_day
from stack.ports import LOOPBACK, free_ports

LATER_S = 1.1
OF_TOPICS = (COMMANDS, EVENTS)


class Broker:
    """A broker whose files are known, with empty topics."""

    def __init__(self, folder: Path, settings: Settings) -> None:
        self.logs = folder / LOG_FOLDER
        self._producer = Producer(command_producer_options(settings))

    def write(self, topic: str, records: int) -> None:
        """Write records into every partition, each in a batch of its own."""
        for _ in range(records):
            for partition in range(2):
                self._producer.produce(topic, b"x" * 100, partition=partition)
            assert self._producer.flush(10) == 0

    def size(self) -> int:
        """The bytes of the commands and events."""
        return sum(file.stat().st_size for topic in OF_TOPICS for file in self.logs.glob(f"{topic}-*/*.log"))


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    folder = tmp_path_factory.mktemp("broker")
    port, controller_port = free_ports(2)
    command = prepare_broker(folder, port, controller_port, print, small=True)
    with running(command, folder / "output") as process:
        wait_for_broker(port, lambda: process.poll() is None)
        settings = Settings.model_validate({"kafka_brokers": f"{LOOPBACK}:{port}", "shards": 2, "data": folder})
        ensure_topics(settings)
        yield Broker(folder, settings)


def test_the_growth_of_a_time_is_the_bytes_of_its_batches(broker: Broker) -> None:
    broker.write(COMMANDS, 150)
    time.sleep(LATER_S)
    before, size = time.time(), broker.size()
    time.sleep(LATER_S)
    broker.write(COMMANDS, 100)
    broker.write(EVENTS, 3)
    grown = broker.size() - size
    assert 30_000 < grown < size
    assert bytes_a_day(broker.logs, before, before + 100) == round(grown * DAY_S / 100)
    assert bytes_a_day(broker.logs, 0.0, before + 600) == round(grown * DAY_S / 600), "ten minutes at most"
    assert bytes_a_day(broker.logs, 0.0, before + 300) == round((size + grown) * DAY_S / 600)


def test_records_that_are_kept_for_a_bounded_time_are_no_growth(broker: Broker) -> None:
    time.sleep(LATER_S)
    before = time.time()
    time.sleep(LATER_S)
    broker.write(TICKS, 20)
    assert bytes_a_day(broker.logs, before, before + 100) == 0


def test_the_growth_is_not_known_in_the_first_half_minute(tmp_path: Path) -> None:
    assert bytes_a_day(tmp_path, 100.0, 129.0) is None
    assert bytes_a_day(tmp_path, 100.0, 131.0) == 0


@pytest.mark.parametrize("written", [0, 20, 34, 100])
def test_a_batch_that_is_not_written_whole_is_no_error(tmp_path: Path, written: int) -> None:
    partition = tmp_path / f"{COMMANDS}-0"
    partition.mkdir()
    (partition / "00000000000000000000.log").write_bytes(bytes(written))
    (partition / "00000000000000000000.index").write_bytes(bytes(3))
    now = time.time()
    assert bytes_a_day(tmp_path, now - 100, now) is not None


@pytest.mark.parametrize(
    ("a_day", "said"),
    [
        (None, "disk: 80.0 of 100.0 GB free\n"),
        (0, "disk: 80.0 of 100.0 GB free; the log grows by 0 MB a day\n"),
        (1_600_000_000, "disk: 80.0 of 100.0 GB free, 50 days' worth; the log grows by 1,600 MB a day\n"),
    ],
)
def test_the_line_of_the_disk_says_how_long_it_lasts(
    a_day: int | None, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    found: dict[str, Any] = {
        "address": "http://127.0.0.1:8000",
        "api_pages": {"address": "http://127.0.0.1:6071", "served": True},
        "ready": True,
        "data": "x",
        "unanswered": [],
        "feed": {},
        "processes": [],
        "shards": [],
        "projector": [],
        "disk": {"free_bytes": 80_000_000_000, "total_bytes": 100_000_000_000, "log_bytes_a_day": a_day},
    }
    status_report.print_status(found)
    assert said in capsys.readouterr().out
