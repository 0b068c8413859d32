"""Where a recording ends: a torn end is left out with a notice, and of a long one the last line is looked at first."""

import gzip
from pathlib import Path

import pytest

from runtime.errors import FixableError
from tests.market_data.fake_clock import REAL_QUOTES
from tests.market_data.test_recorded import checked_briefly, envelope
from tests.market_data.test_recording_files import BARS, QUOTES, binance, opened, written


@pytest.mark.parametrize(
    ("name", "content", "whole_lines"),
    [
        ("a.jsonl", QUOTES[:-20], 1),
        ("a.jsonl", QUOTES + "{", 2),
        ("btc.csv", binance(unit=1_000)[:-60], 1),
        ("btc.csv", BARS + "1640995", 1),
    ],
)
def test_half_a_line_at_the_end_is_left_out_with_a_notice(
    tmp_path: Path, name: str, content: str, whole_lines: int
) -> None:
    recording = opened(written(tmp_path, name, content))
    notice = f"is cut off in line {whole_lines + 1}, which is left out"
    assert notice in (recording.check().notice or "")
    quotes = list(recording.quotes())
    assert len(quotes) == whole_lines * (1 if name == "a.jsonl" else 4)
    assert notice in (recording.notice or "")
    again = opened(written(tmp_path, name, content + "\n"))
    with pytest.raises(FixableError, match=f"line {whole_lines + 1}"):
        again.check()


def test_a_gzipped_recording_plays_up_to_its_torn_end_with_a_notice(tmp_path: Path) -> None:
    whole = list(opened(REAL_QUOTES).quotes())
    packed = gzip.compress(REAL_QUOTES.read_bytes())
    for removed in (1, 8, 500, len(packed) // 2):
        recording = opened(written(tmp_path, "a.jsonl.gz", packed[:-removed]))
        played = list(recording.quotes())
        assert played
        assert played == whole[: len(played)]
        assert f"is cut off after line {len(played)}: what is before plays" in (recording.notice or "")
    corrupt = packed[:-8] + b"\0" * 4 + packed[-4:]  # its checksum
    with pytest.raises(FixableError, match="cannot be read"):
        opened(written(tmp_path, "a.jsonl.gz", corrupt)).check()


def test_a_recording_that_is_cut_off_before_its_first_line_ends_is_refused_in_one_sentence(tmp_path: Path) -> None:
    header = "time,open,high,low,close\n"
    for name, content in (
        ("btc.csv.gz", gzip.compress(BARS.encode())[:12]),
        ("btc.csv.gz", gzip.compress(header.encode())[:-9]),
        ("a.jsonl.gz", gzip.compress(REAL_QUOTES.read_bytes())[:12]),
        ("a.jsonl", REAL_QUOTES.read_bytes()[:20]),
    ):
        file = written(tmp_path, name, content)
        with pytest.raises(FixableError) as refused:
            opened(file).check()
        kind = "bar" if "csv" in name else "quote"
        assert str(refused.value) == f"{file} is cut off before its first {kind}: there is nothing to play."


def test_a_long_recording_is_looked_at_in_its_first_lines_and_its_last(tmp_path: Path) -> None:
    bars = binance(unit=1_000, minutes=50)
    quotes = "".join(envelope("1", "2", at=at, update_id=at) for at in range(50))
    for name, content, first in (("btc.csv", bars, bars), ("a.jsonl", quotes, quotes)):
        file = written(tmp_path, name, content)
        assert checked_briefly(file).check().is_whole is False
        assert opened(file).check().is_whole is True
        lines = content.splitlines(keepends=True)
        file.write_text("".join([*lines[:30], "broken\n", *lines[30:]]))
        assert checked_briefly(file).check().is_whole is False
        with pytest.raises(FixableError, match="line 31"):
            list(opened(file).quotes())
        file.write_text(content + "broken\n")
        with pytest.raises(FixableError, match="the last line: not a"):
            checked_briefly(file).check()
        file.write_text(content + first.splitlines(keepends=True)[3])
        with pytest.raises(FixableError, match=r"the last line: .* in order of time"):
            checked_briefly(file).check()
        file.write_text(content + first.splitlines()[3][:9])
        assert "cut off in the last line" in (checked_briefly(file).check().notice or "")
