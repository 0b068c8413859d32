"""A recording made from the log can be played again, and overwrites no file."""

import asyncio
import time
from pathlib import Path
from threading import Event, Thread

import pytest

from market_data.recorded_feed import open_recording
from market_data.recorder import record, record_until
from runtime.errors import FixableError
from tests.conftest import SettingsFactory
from tests.market_data.fake_clock import quote
from tests.market_data.test_publisher import REAL, ScriptedFeed, published, recorded_feed


def test_a_recording_made_from_the_log_can_be_played_again(settings: SettingsFactory, tmp_path: Path) -> None:
    made = settings(shards=1)
    asyncio.run(published(made, ScriptedFeed([quote("1", "2", update_id=1)]), 0.0))
    for name in ("quotes.jsonl", "quotes.jsonl.gz"):
        file, stopping, counts = tmp_path / name, Event(), list[int]()
        recording = Thread(target=lambda f=file, s=stopping, c=counts: c.append(record_until(made, f, s)))
        recording.start()
        while not file.exists():
            time.sleep(0.01)
        asyncio.run(published(made, recorded_feed(), 0.0))
        time.sleep(1)
        stopping.set()
        recording.join()
        again = list(open_recording(file, 2, None).quotes())
        assert counts == [451]
        assert [(q.bid, q.ask, q.source_time, str(q.update_id)) for q in again] == [
            (data["b"], data["a"], data["T"], data["u"]) for data in REAL
        ]


def test_an_existing_file_is_not_overwritten_by_a_recording(settings: SettingsFactory, tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    file.touch()
    with pytest.raises(FixableError, match="exists already"):
        record(settings(), file)
    with pytest.raises(FixableError, match=r"end it in \.jsonl"):
        record(settings(), tmp_path / "a.txt")
