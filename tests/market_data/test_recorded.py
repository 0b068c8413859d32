"""Recordings are played unchanged: quotes word for word, bars by their walk, at the chosen pace."""

import asyncio
import gzip
import itertools
import json
from pathlib import Path

import pytest

from api.http.times import text_of
from market_data.bars import Bar, Walk, quotes_of
from market_data.feed import FeedEnded, FeedItem, FeedQuote, Heartbeat
from market_data.recorded_feed import RecordedFeed, open_recording, read_speed
from market_data.recording import Recording
from runtime.errors import FixableError
from tests.market_data.fake_clock import BTC, ETH, REAL_BARS, REAL_QUOTES, START_US, FakeClock, next_items
from tests.market_data.ledgers import ledger_of

HEADER = "time,open,high,low,close,volume\n"
CORNERS_ONLY = Walk(spread_bps=0, step_us=None)


async def all_items(feed: RecordedFeed) -> list[FeedItem]:
    return [item async for item in feed.items()]


def played(file: Path, clock: FakeClock, speed: float | None = 1.0) -> list[FeedItem]:
    feed = RecordedFeed("run", open_recording(file, 2, speed), ledger_of(), speed, clock, loop=False)
    return asyncio.run(all_items(feed))


def checked_briefly(file: Path) -> Recording:
    """Open a recording that is long to whoever looks at it before it is played."""
    return Recording(file, CORNERS_ONLY, checked_max=10)


def only_quotes(items: list[FeedItem]) -> list[FeedQuote]:
    return [item for item in items if isinstance(item, FeedQuote)]


def envelope(bid: str, ask: str, *, at: int, update_id: int, symbol: str = BTC) -> str:
    """Write a quote of some µs after the start."""
    time = START_US + at
    data = {
        "e": "bookTicker",
        "E": time,
        "s": symbol,
        "a": ask,
        "A": "1",
        "b": bid,
        "B": "1",
        "u": update_id,
        "T": time,
    }
    return json.dumps({"stream": f"bookTicker.{symbol}", "data": data}) + "\n"


@pytest.mark.parametrize("speed", [1.0, 20.0, None])
def test_all_451_real_quotes_are_played_unchanged_in_order_and_once(speed: float | None) -> None:
    items = played(REAL_QUOTES, FakeClock(), speed)
    recorded = [json.loads(line)["data"] for line in REAL_QUOTES.read_text().splitlines()]
    assert len(recorded) == 451
    assert [(q.bid, q.ask, q.source_time, q.update_id) for q in only_quotes(items)] == [
        (data["b"], data["a"], data["T"], int(data["u"])) for data in recorded
    ]
    assert items[-1] == FeedEnded()


@pytest.mark.parametrize(("speed", "lasts"), [(1.0, 45.598), (10.0, 4.5598), (None, 0.0)])
def test_a_recording_is_played_at_its_own_pace_faster_or_without_pauses(speed: float | None, lasts: float) -> None:
    clock = FakeClock()
    played(REAL_QUOTES, clock, speed)
    assert clock.seconds == pytest.approx(lasts)


def test_a_playing_recording_is_heard_every_half_second_between_distant_quotes(tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    file.write_text(envelope("1", "2", at=0, update_id=1) + envelope("1", "2", at=3_200_000, update_id=2))
    items = played(file, FakeClock())
    assert [type(item) for item in items] == [FeedQuote, *[Heartbeat] * 6, FeedQuote, FeedEnded]


def test_a_gzipped_recording_is_played_like_the_plain_file(tmp_path: Path) -> None:
    file = tmp_path / "quotes.jsonl.gz"
    file.write_bytes(gzip.compress(REAL_QUOTES.read_bytes()))
    assert played(file, FakeClock()) == played(REAL_QUOTES, FakeClock())


def test_in_a_loop_times_and_update_ids_keep_increasing(tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    file.write_text(
        envelope("1", "2", at=5_000_000, update_id=7)
        + envelope("3", "4", at=5_000_000, update_id=1, symbol=ETH)
        + envelope("1", "2", at=7_000_000, update_id=9)
    )

    async def three_rounds() -> list[FeedItem]:
        feed = RecordedFeed("run", open_recording(file, 2, None), ledger_of(), None, FakeClock(), loop=True)
        return await next_items(feed.items(), 9)

    quotes = only_quotes(asyncio.run(three_rounds()))
    assert [quote.source_time - START_US for quote in quotes] == [
        *(5_000_000, 5_000_000, 7_000_000),
        *(8_000_000, 8_000_000, 10_000_000),
        *(11_000_000, 11_000_000, 13_000_000),
    ]
    for symbol in (BTC, ETH):
        versions = [(quote.source_time, quote.update_id) for quote in quotes if quote.symbol == symbol]
        assert versions == sorted(set(versions))


def test_only_followed_symbols_are_played(tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    other = envelope("1", "2", at=1, update_id=1, symbol="SOL_USDC_PERP")
    file.write_text(other + envelope("1", "2", at=2, update_id=2))
    assert [quote.symbol for quote in only_quotes(played(file, FakeClock()))] == [BTC]
    file.write_text(other)
    with pytest.raises(FixableError, match="has no quote of BTC_USDC, ETH_USDC"):
        played(file, FakeClock())


def test_a_falling_bar_is_played_open_low_high_close_and_a_rising_bar_open_high_low_close() -> None:
    falling = list(quotes_of(Bar(0, "100.0", "110.0", "90.0", "95.0"), BTC, CORNERS_ONLY, 1))
    rising = list(quotes_of(Bar(0, "95.0", "110.0", "90.0", "100.0"), BTC, CORNERS_ONLY, 1))
    still = list(quotes_of(Bar(0, "95.0", "110.0", "90.0", "95.0"), BTC, CORNERS_ONLY, 1))
    assert [float(quote.bid) for quote in falling] == [100, 90, 110, 95]
    assert [float(quote.bid) for quote in rising] == [95, 110, 90, 100]
    assert [float(quote.bid) for quote in still] == [95, 90, 110, 95]
    assert all(quote.bid == quote.ask for quote in falling)


def test_the_spread_is_centred_exactly_on_the_price_of_a_bar() -> None:
    (first, *_) = quotes_of(
        Bar(0, "46319.0", "46385.0", "46319.0", "46377.0"), BTC, Walk(spread_bps=2, step_us=None), 1
    )
    assert (first.bid, first.ask) == ("46314.3681", "46323.6319")


def test_bars_at_their_own_pace_are_spread_to_one_tick_a_second(tmp_path: Path) -> None:
    file = tmp_path / "btc.csv"
    file.write_text(
        HEADER + "2022-01-01T00:00:00Z,100.0,160.0,60.0,150.0,1\n2022-01-01T00:01:00Z,150.0,150.0,150.0,150.0,1\n"
    )
    clock = FakeClock()
    quotes = only_quotes(played(file, clock))
    assert len(quotes) == 120
    assert {after.source_time - before.source_time for before, after in itertools.pairwise(quotes)} == {1_000_000}
    mids = [(float(quote.bid) + float(quote.ask)) / 2 for quote in quotes]
    assert (mids[0], mids[10], mids[20], mids[40], mids[59]) == pytest.approx((100, 130, 160, 60, 150))
    assert clock.seconds == pytest.approx(119)
    assert len(only_quotes(played(file, FakeClock(), 60.0))) == 8
    assert len(only_quotes(played(file, FakeClock(), None))) == 8


def test_the_real_week_of_bars_is_four_ticks_a_minute_in_order() -> None:
    recording = open_recording(REAL_BARS, 2, None)
    quotes = list(recording.quotes())
    assert len(quotes) == 11_579 * 4
    assert all(a.source_time < b.source_time and a.update_id < b.update_id for a, b in itertools.pairwise(quotes))
    assert max(float(quote.ask) for quote in quotes) == pytest.approx(47_967.5, rel=0.02)
    assert {quote.symbol for quote in quotes} == {BTC}


def test_a_line_that_is_met_broken_while_playing_ends_the_feed_with_its_number(tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    lines = [envelope("1", "2", at=at, update_id=at) for at in range(20)]
    file.write_text("".join([*lines[:-3], "broken\n", *lines[-3:]]))
    feed = RecordedFeed("run", checked_briefly(file), ledger_of(), None, FakeClock(), loop=False)
    items = asyncio.run(all_items(feed))
    assert len(only_quotes(items)) == 17
    assert items[-1] == FeedEnded(failure=f"{file}, line 18: not a Backpack envelope: it is no JSON, at byte 0.")


def test_the_torn_end_of_a_recording_is_in_a_notice(tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    file.write_text(envelope("1", "2", at=0, update_id=1) + '{"stream"')
    assert played(file, FakeClock())[-1] == FeedEnded(
        notice=f"{file} is cut off in line 2, which is left out: what is before plays."
    )


def test_a_long_recording_plays_from_its_first_followed_symbol_on(tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    others = "".join(envelope("1", "2", at=at, update_id=at, symbol="DOGE_USDC") for at in range(20))
    file.write_text(others + envelope("1", "2", at=0, update_id=1))
    feed = RecordedFeed("run", checked_briefly(file), ledger_of(), None, FakeClock(), loop=False)
    assert len(only_quotes(asyncio.run(all_items(feed)))) == 1
    file.write_text(others)
    for loop in (True, False):
        feed = RecordedFeed("run", checked_briefly(file), ledger_of(), None, FakeClock(), loop=loop)
        (ended,) = asyncio.run(all_items(feed))
        assert isinstance(ended, FeedEnded)
        assert "has no quote of BTC_USDC, ETH_USDC; it has DOGE_USDC" in (ended.failure or "")


def test_a_loop_ends_before_its_times_can_no_longer_be_shown(tmp_path: Path) -> None:
    file = tmp_path / "btc.csv"
    file.write_text("1970-01-01,1,1,1,1\n2261-01-01,1,1,1,1\n")
    feed = RecordedFeed("run", open_recording(file, 2, None), ledger_of(), None, FakeClock(), loop=True)
    items = asyncio.run(all_items(feed))
    last = max(item.source_time for item in only_quotes(items))
    assert text_of(last) > "9000"
    assert "beyond the year 9998" in (items[-1].failure or "" if isinstance(items[-1], FeedEnded) else "")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.jsonl", envelope("1", "2", at=1, update_id=1) + '{"stream":"bookTicker.BTC_US\n', "line 2"),
        ("a.jsonl", '{"stream":"bookTicker.BTC_USDC","data":{"s":"BTC_USDC","a":1.5,"b":"1","u":1,"T":1}}\n', "line 1"),
        ("a.jsonl", '{"hello":"world"}\n', "line 1"),
        ("a.jsonl", "\udcff\n", "line 1"),
        ("a.jsonl", "", "is empty"),
        ("btc.csv", HEADER, "is empty: it holds no bar"),
        ("btc.csv", "time,price\n", "line 1: the header"),
        ("btc.csv", HEADER + "2022-01-01T00:00:00Z,1,2,1,2,5\n2022-01-01T00:01:00Z,1,2,1\n", "line 3: .*4 columns"),
        ("btc.csv", HEADER + "yesterday,1,2,1,2,5\n", "line 2"),
        ("btc.csv", HEADER + "2022-01-01T00:00:00Z,1,2,x,2,5\n", "line 2"),
        ("btc.csv", HEADER + "2022-01-01T00:00:00Z,1,2,1.5,2,5\n", "line 2: .*lowest"),
        ("_.csv", HEADER + "2022-01-01T00:00:00Z,1,2,1,2,5\n", "does not say of what"),
        ("a.txt", "", "unknown format"),
        ("a.jsonl.gz", "not gzipped", "cannot be read"),
        ("btc.csv.zip", "not zipped", "cannot be read"),
    ],
)
def test_a_malformed_recording_is_refused_with_file_and_line(
    tmp_path: Path, name: str, content: str, message: str
) -> None:
    file = tmp_path / name
    file.write_text(content, errors="surrogateescape")
    with pytest.raises(FixableError, match=message) as error:
        open_recording(file, 2, 1.0).check()
    assert str(file) in str(error.value)


def test_a_missing_recording_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FixableError, match="There is no recording"):
        open_recording(tmp_path / "none.jsonl", 2, 1.0)


@pytest.mark.parametrize(("text", "speed"), [("max", None), ("1", 1.0), ("x10", 10.0), ("0.5", 0.5)])
def test_a_speed_is_a_number_or_max(text: str, speed: float | None) -> None:
    assert read_speed(text) == speed


@pytest.mark.parametrize("text", ["0", "-1", "fast", "nan", "inf", ""])
def test_a_speed_other_than_a_number_or_max_is_refused(text: str) -> None:
    with pytest.raises(FixableError, match="neither `max` nor a number"):
        read_speed(text)
