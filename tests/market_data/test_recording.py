"""A recording made from the log can be played again, whatever else is on the topic, and overwrites no file."""

import asyncio
import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread

import pytest
from confluent_kafka import Producer

from market_data.recorded_feed import open_recording
from market_data.recorder import RecordedCounts, record, record_until
from runtime.errors import FixableError
from runtime.python import reprise_command
from runtime.settings import Settings
from schemas.topics import TICKS
from tests.conftest import SettingsFactory
from tests.market_data.fake_clock import START_US, quote
from tests.market_data.test_publisher import REAL, ScriptedFeed, published, recorded_feed


def test_a_recording_made_from_the_log_can_be_played_again(settings: SettingsFactory, tmp_path: Path) -> None:
    made = settings(shards=1)
    asyncio.run(published(made, ScriptedFeed([quote("1", "2", update_id=1)]), 0.0))
    for name in ("quotes.jsonl", "quotes.jsonl.gz"):
        file, stopping, counts = tmp_path / name, Event(), list[RecordedCounts]()
        recording = Thread(target=lambda f=file, s=stopping, c=counts: c.append(record_until(made, f, s)))
        recording.start()
        while not file.exists():
            time.sleep(0.01)
        asyncio.run(published(made, recorded_feed(), 0.0))
        time.sleep(1)
        stopping.set()
        recording.join()
        again = list(open_recording(file, 2, None).quotes())
        assert counts == [RecordedCounts(quotes=451, left_out=0)]
        assert [(q.bid, q.ask, q.source_time, str(q.update_id), q.bid_size, q.ask_size) for q in again] == [
            (data["b"], data["a"], data["T"], data["u"], data["B"], data["A"]) for data in REAL
        ]


def test_an_existing_file_is_not_overwritten_by_a_recording(settings: SettingsFactory, tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    file.touch()
    with pytest.raises(FixableError, match="exists already"):
        record(settings(), file)
    with pytest.raises(FixableError, match=r"end it in \.jsonl"):
        record(settings(), tmp_path / "a.txt")


def tick(**changes: object) -> dict[str, object]:
    """Give a record of the topic, the first of its symbol."""
    whole = {
        "symbol": "BTC_USDC",
        "price": 1.5,
        "timestamp": START_US // 1000,
        "bid": 1.0,
        "ask": 2.0,
        "volume": 12.5,
        "bid_text": "1",
        "ask_text": "2",
        "source_time_us": START_US,
        "update_id": 1,
    }
    return whole | changes


FOREIGN = [
    b"",
    b"no json",
    b"\xff",
    b"[1, 2]",
    json.dumps(tick(volume="12.5")).encode(),
    json.dumps(tick(bid_text=1.0)).encode(),
    json.dumps({key: value for key, value in tick().items() if key != "symbol"}).encode(),
    json.dumps(tick(bid_text="abc")).encode(),
    json.dumps(tick(bid_text="3")).encode(),
    json.dumps(tick(ask_text="-2", bid_text="-3")).encode(),
    json.dumps(tick(update_id=2**70)).encode(),
    json.dumps(tick(source_time_us=START_US // 1000)).encode(),
    json.dumps(tick(source_time_us=12)).encode(),
    json.dumps(tick(bid_size="x")).encode(),
]


def send(settings: Settings, *values: bytes) -> None:
    producer = Producer({"bootstrap.servers": settings.kafka_brokers})
    for value in values:
        producer.produce(TICKS, value, partition=0)
    assert producer.flush(10) == 0


@contextmanager
def recording_process(settings: Settings, file: Path) -> Iterator[subprocess.Popen[str]]:
    """Record as a person does; it is at its work when this is entered."""
    environment = os.environ | {"KAFKA_BROKERS": settings.kafka_brokers, "DATABASE_URL": settings.database_url}
    command = reprise_command("record", str(file))
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as made:
        try:
            assert made.stdout is not None
            assert made.stdout.readline().startswith("Recording ")
            yield made
        finally:
            made.kill()


def wait_until_flushed(file: Path, quotes: int) -> None:
    deadline = time.monotonic() + 60
    while len(list(open_recording(file, 2, None).quotes())) < quotes:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_records_of_foreign_producers_are_left_out_of_a_recording_and_counted(
    settings: SettingsFactory, tmp_path: Path
) -> None:
    made, file = settings(shards=1), tmp_path / "a.jsonl"
    good = [json.dumps(tick(update_id=number)).encode() for number in (1, 2)]
    with recording_process(made, file) as recording:
        send(made, *FOREIGN, good[0], *FOREIGN, good[0], good[1])
        wait_until_flushed(file, 2)
        recording.send_signal(signal.SIGINT)
        output, _ = recording.communicate(timeout=30)
        assert recording.returncode == 0, output
    assert "Traceback" not in output
    assert f"2 quotes are in {file}." in output
    assert f"{2 * len(FOREIGN) + 1} records of {TICKS} were left out" in output
    assert [quote.update_id for quote in open_recording(file, 2, None).quotes()] == [1, 2]


@pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.gz"])
def test_a_recording_that_was_killed_plays_as_far_as_it_was_written(
    settings: SettingsFactory, tmp_path: Path, name: str
) -> None:
    made, file = settings(shards=1), tmp_path / name
    with recording_process(made, file) as recording:
        for number in range(1, 21):
            send(made, json.dumps(tick(update_id=number)).encode())
        wait_until_flushed(file, 20)
        recording.kill()
        recording.wait(30)
    played = open_recording(file, 2, None)
    summary = played.check()
    assert [quote.update_id for quote in played.quotes()] == list(range(1, 21))
    assert (summary.notice is not None) == name.endswith(".gz")
    file.write_bytes(file.read_bytes()[:-10])
    assert "is cut off" in (open_recording(file, 2, None).check().notice or "")
    assert len(list(open_recording(file, 2, None).quotes())) in (18, 19)


def test_a_recording_into_a_folder_that_is_none_is_refused_in_one_line(
    settings: SettingsFactory, tmp_path: Path
) -> None:
    (tmp_path / "plain").touch()
    with pytest.raises(FixableError, match=r"a\.jsonl cannot be written: Not a directory"):
        record(settings(shards=1), tmp_path / "plain" / "a.jsonl")
