"""The status says how much the log grows in a day, and how long the disk lasts."""

from pathlib import Path
from typing import Any

import pytest

from cli import status_report
from stack import disk


def test_a_folder_s_growth_is_what_it_took_more_since_its_start_for_a_day(tmp_path: Path) -> None:
    (tmp_path / "topic-0").mkdir()
    before = disk.written(tmp_path)
    (tmp_path / "topic-0" / "0.log").write_bytes(b"x" * 1_000_000)
    grown = disk.growth(tmp_path, before, disk.DAY_S / 2)
    assert grown is not None
    assert 2_000_000 <= grown <= 2_100_000
    assert disk.growth(tmp_path, before, 59) is None, "it is too early to say"
    assert disk.growth(tmp_path, 10**12, disk.DAY_S) == 0, "a folder that became smaller does not grow"


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
