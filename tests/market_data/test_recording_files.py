"""Files as people have them: each is played as what it is, or refused with its line and the reason."""

import gzip
import io
import itertools
import os
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from market_data.feed import FeedQuote
from market_data.recorded_feed import open_recording
from market_data.recording import Recording
from runtime.errors import FixableError
from tests.market_data.fake_clock import BTC, ETH, REAL_QUOTES, START_US
from tests.market_data.test_recorded import envelope

NEW_YEAR = 1_640_995_200_000_000  # 2022-01-01T00:00:00Z in µs
MINUTE = 60_000_000
DAY = 86_400_000_000
NOBODY = 65_534
PRICES = "46319.0,46385.0,46310.0,46377.0"


def written(folder: Path, name: str, content: str | bytes) -> Path:
    file = folder / name
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    return file


def opened(file: Path, symbol: str | None = None) -> Recording:
    return open_recording(file, 2, None, symbol)


def bar_starts(quotes: list[FeedQuote]) -> list[int]:
    """When each bar of a recording played by its four prices began, µs after the year did."""
    assert len(quotes) % 4 == 0
    return [quote.source_time - NEW_YEAR for quote in quotes[::4]]


def binance(*, unit: int, minutes: int = 2, step_s: int = 60) -> str:
    """Rows of Binance's dumps: twelve columns and no header, their times in seconds times the unit."""
    rows = ""
    for number in range(minutes):
        opens = (1_640_995_200 + number * step_s) * unit
        rows += f"{opens},{PRICES},35.1,{opens + step_s * unit - 1},1626935.1,1,17.0,788000.1,0\n"
    return rows


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("BTCUSDT-1m-2022-01.csv", binance(unit=1)),
        ("BTCUSDT-1m-2024-12.csv", binance(unit=1_000)),
        ("BTCUSDT-1m-2025-01.csv", binance(unit=1_000_000)),
        ("btc_nanoseconds.csv", binance(unit=1_000_000_000)),
        ("btc.csv", "\ufeff" + binance(unit=1_000)),
        ("btc.csv", binance(unit=1_000).replace("\n", "\r\n")),
        ("btc.csv", "\n" + binance(unit=1_000).replace("\n", "\n\n \n,,,,,,,,,,,\n")),
        ("btc.csv", binance(unit=1_000).removesuffix("\n")),
        ("btc.csv", "open_time,open,high,low,close,volume,close_time,qv,n,tb,tq,ignore\n" + binance(unit=1_000)),
        ("btc.csv", f"Time,Open,High,Low,Close,Volume\n2022-01-01T00:00Z,{PRICES},1\n2022-01-01T00:01Z,{PRICES},1\n"),
        ("BTC.CSV", f"TIMESTAMP,OPEN,HIGH,LOW,CLOSE\n1640995200,{PRICES}\n1640995260,{PRICES}\n"),
        ("btc.csv", f'\ufeff"Open time","Open",High,Low,Close\n1640995200,{PRICES}\n1640995260,{PRICES}\n'),
        ("btc.csv", f"unix,date,symbol,open,high,low,close\n1640995200,x,y,{PRICES}\n1640995260,x,y,{PRICES}\n"),
        (
            "btc.csv",
            f"<DATE>,<TIME>,<OPEN>,<HIGH>,<LOW>,<CLOSE>\n2022.01.01,00:00,{PRICES}\n2022.01.01,00:01,{PRICES}\n",
        ),
        ("btc.csv", f"Date,Open,High,Low,Close\n2022/01/01 00:00,{PRICES}\n2022/01/01 00:01,{PRICES}\n"),
        ("btc.csv", f"time,open,high,low,close\n2022-01-01T01:00:00+01:00,{PRICES}\n2022-01-01 00:01:00,{PRICES}\n"),
        ("btc.csv", f"time;open;high;low;close\n1640995200,{PRICES}\n1640995260,{PRICES}\n".replace(",", ";")),
        ("btc.csv", f"time,open,high,low,close\n1640995200,{PRICES}\n1640995260,{PRICES}\n".replace(",", "\t")),
        ("btc.csv", "close,low,high,open,time\n46377.0,46310.0,46385.0,46319.0,1640995200\n4,4,4,4,1640995260\n"),
    ],
)
def test_bars_of_every_common_kind_are_read_at_their_times_and_prices(tmp_path: Path, name: str, content: str) -> None:
    recording = opened(written(tmp_path, name, content))
    summary = recording.check()
    assert (summary.is_whole, summary.notice) == (True, None)
    assert summary.symbols == {BTC}
    quotes = list(recording.quotes())
    assert bar_starts(quotes) == [0, MINUTE]
    assert [float(quote.bid) for quote in quotes[:4]] == pytest.approx([46319, 46385, 46310, 46377], rel=2e-4)


@pytest.mark.parametrize(("step_s", "length"), [(1, 1_000_000), (300, 5 * MINUTE), (3_600, 60 * MINUTE), (86_400, DAY)])
def test_a_bar_takes_as_long_as_the_file_says_and_not_a_minute(tmp_path: Path, step_s: int, length: int) -> None:
    file = written(tmp_path, "btc.csv", binance(unit=1_000, minutes=3, step_s=step_s))
    times = [quote.source_time - NEW_YEAR for quote in opened(file).quotes()]
    assert times == [
        bar * length + corner for bar in range(3) for corner in (0, length // 3, length * 2 // 3, length * 59 // 60)
    ]


def test_hourly_bars_at_their_own_pace_are_a_tick_a_second(tmp_path: Path) -> None:
    file = written(tmp_path, "btc.csv", binance(unit=1_000, minutes=2, step_s=3_600))
    times = [quote.source_time for quote in open_recording(file, 2, 1.0).quotes()]
    assert {after - before for before, after in itertools.pairwise(times)} == {1_000_000}
    assert len(times) == 7_200
    assert len(list(open_recording(file, 2, 600.0).quotes())) == 2 * 7  # every ten minutes, and at 59 of 60


def test_monthly_bars_are_as_long_as_their_months(tmp_path: Path) -> None:
    rows = "".join(f"2022-{month:02}-01,{PRICES}\n" for month in (1, 2, 3, 4))
    quotes = list(opened(written(tmp_path, "btc.csv", rows)).quotes())
    assert bar_starts(quotes) == [0, 31 * DAY, 59 * DAY, 90 * DAY]
    assert all(after.source_time > before.source_time for before, after in itertools.pairwise(quotes))


def test_points_between_prices_with_exponents_are_not_rounded_to_thousands(tmp_path: Path) -> None:
    file = written(tmp_path, "btc.csv", "1640995200,9.8E+4,9.9E+4,9.7E+4,9.85E4\n")
    first, second, *_ = open_recording(file, 0, 1.0).quotes()
    assert (first.bid, second.bid) == ("98000", "98050")
    quotes = [envelope("9.8E+4", "9.8001E+4", at=0, update_id=1), envelope("1e-7", "2e-7", at=1, update_id=2)]
    (plain, small) = opened(written(tmp_path, "q.jsonl", "".join(quotes))).quotes()
    assert (plain.bid, small.ask) == ("9.8E+4", "2e-7")


@pytest.mark.parametrize("digits", ["0.000000000000000001", "1000000000000", "123456789012.123456789012345678"])
def test_the_widest_prices_are_exact(tmp_path: Path, digits: str) -> None:
    (first, *_) = open_recording(
        written(tmp_path, "btc.csv", f"1640995200,{digits},{digits},{digits},{digits}\n"), 0, 1.0
    ).quotes()
    assert (first.bid, first.ask) == (digits, digits)


def zipped(*names: str, content: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in names:
            archive.writestr(name, content)
    return packed.getvalue()


def test_compressed_bars_and_quotes_are_played_like_plain_ones(tmp_path: Path) -> None:
    bars = binance(unit=1_000).encode()
    quotes = REAL_QUOTES.read_bytes()
    plain_bars = list(opened(written(tmp_path, "btc.csv", bars)).quotes())
    for name, content in (
        ("btc.csv.gz", gzip.compress(bars)),
        ("btc.csv.gz", gzip.compress(bars[:100]) + gzip.compress(bars[100:])),
        ("BTCUSDT-1m-2025-01.zip", zipped("BTCUSDT-1m-2025-01.csv", content=bars)),
    ):
        assert list(opened(written(tmp_path, name, content)).quotes()) == plain_bars
    packed = written(tmp_path, "quotes.jsonl.zip", zipped("quotes.jsonl", content=quotes))
    assert list(opened(packed).quotes()) == list(opened(REAL_QUOTES).quotes())


@pytest.mark.parametrize("digits", [10, 13, 16, 19])
def test_quotes_are_played_at_their_pace_whatever_unit_their_times_have(tmp_path: Path, digits: int) -> None:
    content = "".join(envelope("1", "2", at=at, update_id=at + 1) for at in (0, 2_000_000))
    for micros in (START_US, START_US + 2_000_000):
        content = content.replace(str(micros), str(micros)[:10].ljust(digits, "0"))
    quotes = list(opened(written(tmp_path, "a.jsonl", content)).quotes())
    assert [quote.source_time for quote in quotes] == [START_US, START_US + 2_000_000]


QUOTES = envelope("1", "2", at=0, update_id=1) + envelope("1", "3", at=1, update_id=2)
BARS = f"1640995200,{PRICES}\n"


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("btc.csv", "", "is empty: it holds no bar"),
        ("btc.csv", "\n\r\n \n", "is empty"),
        ("a.jsonl", "", "is empty: it holds no quote"),
        ("a.jsonl.gz", gzip.compress(b""), "is empty"),
        ("btc.zip", zipped("btc.csv", content=b""), "is empty"),
        ("btc.csv", BARS + f"1640995200,{PRICES}\n", "line 2: it begins no later than the bar before it"),
        ("btc.csv", f"1640995260,{PRICES}\n" + BARS, "line 2: it begins no later than the bar before it"),
        ("btc.csv", BARS + f"1640995260000000000000,{PRICES}\n", "line 2: not a bar: the time .* has 22 digits"),
        ("btc.csv", BARS + "1640995260,-1,2,-1,2\n", "line 2: not a bar: its open -1 is not above 0"),
        ("btc.csv", BARS + "1640995260,1,2,0,2\n", "line 2: not a bar: its low 0 is not above 0"),
        ("btc.csv", BARS + "1640995260,1,2,NaN,2\n", "line 2: not a bar: its low 'NaN' is not a decimal number"),
        ("btc.csv", BARS + "1640995260,1,inf,1,2\n", "line 2: not a bar: its high 'inf' is not a decimal number"),
        ("btc.csv", BARS + "1640995260,1,,1,2\n", "line 2: not a bar: its high '' is not a decimal number"),
        ("btc.csv", BARS + '1640995260,"1,5",2,1,2\n', "line 2: not a bar: its open '1,5' is not a decimal number"),
        ("btc.csv", BARS + "1640995260,1,1,2,1\n", "line 2: not a bar: its high 1 is not the highest"),
        ("btc.csv", BARS + "1640995260,1e13,1e13,1e13,1e13\n", "line 2: not a bar: its open 1e13 is above"),
        ("btc.csv", BARS + "1640995260,1,2,1\n", "line 2: not a bar: 4 columns in place of 5"),
        ("btc.csv", BARS + "1640995260,1,2,1,2,3\n", "line 2: not a bar: 6 columns in place of 5"),
        ("btc.csv", BARS + f"1/1/2022,{PRICES}\n", "line 2: not a bar: the time '1/1/2022' is none"),
        ("btc.csv", "1640995200,1,2,1\n", "line 1: 4 columns"),
        ("btc.csv", "date,price\n" + BARS, "line 1: the header has no column open, high, low, close"),
        ("btc.csv", BARS.encode() + b"\xff\xfe,1,2,1,2\n", "line 2: not text in UTF-8"),
        ("btc.csv", BARS.encode("utf-16"), "is text in UTF-16"),
        ("btc.csv", gzip.compress(b"0" * 100_000), "line 1: not text"),
        ("a.jsonl", bytes(range(256)) * 10, "line 1: not text, but binary"),
        ("a.jsonl", b"1" * 100_000, "line 1: not text"),
        ("a.jsonl", QUOTES + envelope("1", "2", at=0, update_id=9), "line 3: a quote of BTC_USDC that is not newer"),
        ("a.jsonl", QUOTES + envelope("1", "2", at=1, update_id=1), "line 3: a quote of BTC_USDC that is not newer"),
        ("a.jsonl", QUOTES + envelope("0", "2", at=2, update_id=3), "line 3: .*its bid 0 is not above 0"),
        ("a.jsonl", QUOTES + envelope("-1", "2", at=2, update_id=3), "line 3: .*its bid -1 is not above 0"),
        (
            "a.jsonl",
            QUOTES + envelope("NaN", "2", at=2, update_id=3),
            "line 3: .*its bid 'NaN' is not a decimal number",
        ),
        (
            "a.jsonl",
            QUOTES + envelope("abc", "2", at=2, update_id=3),
            "line 3: .*its bid 'abc' is not a decimal number",
        ),
        ("a.jsonl", QUOTES + envelope("3", "2", at=2, update_id=3), "line 3: .*its bid 3 is above its ask 2"),
        ("a.jsonl", QUOTES + envelope("1", "2", at=2, update_id=2**70), "line 3: .*its update id .* exceeds 64 bits"),
        ("a.jsonl", QUOTES + envelope("1", "2", at=-START_US, update_id=3), "line 3: .*the time 0 has 1 digits"),
        ("a.jsonl", QUOTES + envelope("1", "2", at=2, update_id=3, symbol=""), "line 3: .*its symbol '' is none"),
        (
            "a.jsonl",
            QUOTES.replace('"B": "1"', '"B": "x"'),
            "line 1: .*the size of its bid, 'x', is not a decimal number",
        ),
        (
            "a.jsonl",
            QUOTES + envelope("1", "2", at=2, update_id=3, symbol="S" * 65),
            f"line 3: .*its symbol '{'S' * 40}' is none",
        ),
        ("a.jsonl", QUOTES + "[1,2,3]\n", "line 3: not a Backpack envelope"),
        (
            "a.jsonl",
            QUOTES + '{"e":"bookTicker","s":"BTC_USDC","a":"2","b":"1","u":3,"T":1640995200000000}\n',
            'line 3: .*no bookTicker or ticker data; a line is {"stream":"bookTicker.SOL_USDC","data":{…}}',
        ),
        ("two.zip", zipped("a.csv", "b.csv", content=b"1"), "holds 2 files"),
        ("btc.csv", 2 * BARS.replace("\n", "\r"), "line 1: lines that end in a carriage return alone"),
        ("a.jsonl", QUOTES.replace("\n", "\r"), "line 1: lines that end in a carriage return alone"),
        ("btc.csv", "time,open,open,high,low,close\n" + BARS, "line 1: the header has the column open 2 times"),
        ("btc.csv.gz", BARS, "what is compressed in it is damaged"),
        ("btc.txt", BARS, "has an unknown format: a recording is"),
        ("btc.parquet", b"PAR1", "has an unknown format"),
        ("btc", BARS, "has an unknown format"),
    ],
    ids=itertools.count(),
)
def test_a_recording_of_no_market_is_refused_with_its_line_and_the_reason(
    tmp_path: Path, name: str, content: str | bytes, why: str
) -> None:
    file = written(tmp_path, name, content)
    with pytest.raises(FixableError, match=why) as refusal:
        opened(file).check()
    assert str(file) in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_a_folder_a_missing_file_and_a_pipe_are_no_recordings(tmp_path: Path) -> None:
    (tmp_path / "a.csv").mkdir()
    os.mkfifo(tmp_path / "b.csv")
    (tmp_path / "d.csv").symlink_to("d.csv")
    for name, why in (
        ("a.csv", r"a\.csv is a folder"),
        ("b.csv", r"b\.csv is no file"),
        ("c.csv", r"There is no recording .*c\.csv\."),
        ("d.csv", r"d\.csv cannot be read: Too many levels of symbolic links"),
        ("a" * 300 + ".csv", "cannot be read: File name too long"),
    ):
        with pytest.raises(FixableError, match=why):
            opened(tmp_path / name)


@contextmanager
def without_privileges() -> Iterator[None]:
    """Be nobody for a while, where these tests are root, who may read everything."""
    own = os.geteuid()
    if own == 0:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(own)


def test_a_recording_without_read_permission_is_refused() -> None:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        file = written(Path(folder), "btc.csv", BARS)
        file.chmod(0)
        with without_privileges(), pytest.raises(FixableError, match=r"btc\.csv cannot be read: Permission denied"):
            opened(file).check()
        Path(folder).chmod(0o600)
        with without_privileges(), pytest.raises(FixableError, match=r"btc\.csv cannot be read: Permission denied"):
            opened(file)
        Path(folder).chmod(0o700)


def test_a_quote_that_is_repeated_as_at_the_start_of_a_subscription_is_played_once(tmp_path: Path) -> None:
    first = envelope("1", "2", at=0, update_id=1)
    file = written(tmp_path, "a.jsonl", first + first + envelope("1", "3", at=1, update_id=2))
    assert [quote.ask for quote in opened(file).quotes()] == ["2", "3"]


def test_quotes_are_in_order_within_each_symbol_and_not_across_symbols(tmp_path: Path) -> None:
    content = envelope("1", "2", at=5, update_id=1) + envelope("1", "2", at=3, update_id=1, symbol=ETH)
    assert opened(written(tmp_path, "a.jsonl", content)).check().symbols == {BTC, ETH}
