"""A time that is typed means UTC unless it says its offset, wherever the machine is."""

import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import TopicPartition

from cli.audit import _time_of
from cli.kafka import _starts
from runtime.times import micros_of

ROOT = Path(__file__).parents[2]
FOLDERS = ("api", "audit", "bench", "cli", "engine", "market_data", "projector", "runtime", "stack", "venue")
NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _in_new_york(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "America/New_York")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


class Asked:
    """In place of a consumer: notes which time it is asked for."""

    def __init__(self) -> None:
        self.time_ms = 0

    def offsets_for_times(self, partitions: list[TopicPartition], **_: Any) -> list[TopicPartition]:
        self.time_ms = partitions[0].offset
        return partitions


@pytest.mark.parametrize(
    "typed", ["2026-07-01T12:00:00", "2026-07-01 12:00", "2026-07-01T12:00Z", "2026-07-01T08:00-04:00"]
)
def test_tail_and_audit_mean_the_same_moment_by_a_time_and_that_is_utc_without_an_offset(typed: str) -> None:
    asked: Any = Asked()
    _starts(asked, [TopicPartition("t", 0)], typed)
    assert asked.time_ms * 1_000 == _time_of(typed) == micros_of(typed) == int(NOON.timestamp()) * 1_000_000


def test_no_code_takes_a_time_for_one_of_this_machine_s_zone() -> None:
    local = re.compile(r"\.astimezone\(\)|fromtimestamp\([^,()]*\)|\blocaltime\(|\bmktime\(|\.strptime\(")
    found = [
        f"{path.relative_to(ROOT)}: {line.strip()}"
        for folder in FOLDERS
        for path in (ROOT / folder).rglob("*.py")
        for line in path.read_text("utf-8").splitlines()
        if local.search(line)
    ]
    assert found == []
