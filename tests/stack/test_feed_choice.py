"""The feed of a start with open positions is of the same kind, or another one requested by name."""

from pathlib import Path

import pytest
from sqlalchemy import create_engine

from projector.migrate import migrate
from projector.tables import ledger_tables, market_tables
from runtime.errors import FixableError
from schemas.instruments import BY_SYMBOL, SYMBOLS
from stack.feed_choice import (
    FeedChoice,
    LastStart,
    allowed,
    refuse_prices_below_ticks,
    refuse_unknown_market,
    validated,
)

EXPONENTS = {symbol: instrument.tick_exponent for symbol, instrument in BY_SYMBOL.items()}
ENVELOPE = (
    '{{"stream":"bookTicker.BTC_USDC","data":{{"s":"BTC_USDC","b":"{bid}","a":"{ask}",'
    '"u":"1","T":1640995200000000}}}}\n'
)
BARS = "1640995200,46319.0,46385.0,46310.0,46377.0\n"


def chosen(feed: str, *, change: bool = False) -> FeedChoice:
    return FeedChoice(feed=feed, speed="1", loop=False, spread_bps=2, change=change)


def test_a_recording_is_named_by_its_full_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("btc.csv").write_text(BARS)
    assert validated(chosen("recorded:btc.csv"), print).feed == f"recorded:{tmp_path / 'btc.csv'}"


@pytest.mark.parametrize(
    ("name", "content", "symbol", "why"),
    [
        ("btc.csv", None, None, "There is no recording"),
        ("btc.csv", "", None, "is empty"),
        ("btc.csv", BARS + "1640995200,1,1,1,1\n", None, "line 2: it begins no later"),
        ("btc.csv", BARS + "1640995260,1,1,2,1\n", None, "line 2: not a bar"),
        ("btc.txt", BARS, None, "unknown format"),
        ("a.jsonl", BARS, None, "line 1: not a Backpack envelope"),
        ("_.csv", BARS, None, "its name does not say of what: .* --symbol"),
        ('"btc".csv', BARS, None, "Rename the file"),
        ("btc\\.csv", BARS, None, "Rename the file"),
        ("btc\n.csv", BARS, None, "Rename the file"),
    ],
)
def test_a_recording_that_cannot_be_played_is_refused_before_a_start(
    tmp_path: Path, name: str, content: str | None, symbol: str | None, why: str
) -> None:
    if content is not None:
        (tmp_path / name).write_text(content)
    with pytest.raises(FixableError, match=why):
        validated(chosen(f"recorded:{tmp_path / name}")._replace(symbol=symbol), print)


def test_a_file_in_the_place_of_a_feed_is_refused_with_the_name_of_a_recording(tmp_path: Path) -> None:
    file = tmp_path / "btc.csv"
    file.write_text(BARS)
    with pytest.raises(FixableError, match=f"--feed is auto.* Is recorded:{file} meant"):
        validated(chosen(str(file)), print)


def test_a_recording_of_a_market_that_the_ledger_has_not_is_refused_and_a_named_symbol_plays(tmp_path: Path) -> None:
    file = tmp_path / "ethfi_usdt.csv"
    file.write_text(BARS)
    choice = chosen(f"recorded:{file}")
    with pytest.raises(FixableError, match="has no quote of BTC_USDC, ETH_USDC, SOL_USDC; it has ETHFI_USDC"):
        refuse_unknown_market(validated(choice, print), SYMBOLS, None)
    refuse_unknown_market(validated(choice, print), [*SYMBOLS, "ETHFI_USDC"], None)
    named = validated(choice._replace(symbol="eth"), print)
    refuse_unknown_market(named, SYMBOLS, None)
    assert named.environment()["FEED_SYMBOL"] == "eth"
    with pytest.raises(FixableError, match="has no quote of SOL_USDC; it has ETH_USDC"):
        refuse_unknown_market(named, SYMBOLS, ("SOL_USDC",))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("btc.csv", "1640995200,0.0000001,0.0000002,0.0000001,0.0000001\n1640995260,0.01,0.09,0.01,0.01\n"),
        ("a.jsonl", ENVELOPE.format(bid="0.09", ask="50000.0")),
    ],
)
def test_a_recording_whose_prices_are_all_below_a_tick_is_refused_with_the_reason(
    tmp_path: Path, name: str, content: str
) -> None:
    file = tmp_path / name
    file.write_text(content)
    choice = validated(chosen(f"recorded:{file}"), print)
    with pytest.raises(FixableError, match=r"the highest of BTC_USDC is 0\.09, and its least is 0\.1\."):
        refuse_prices_below_ticks(choice, EXPONENTS, None)
    refuse_prices_below_ticks(choice, EXPONENTS | {"BTC_USDC": 2}, None)
    refuse_prices_below_ticks(choice, {"ETH_USDC": 2}, None)


def test_a_recording_with_one_price_of_a_tick_or_another_market_plays(tmp_path: Path) -> None:
    file = tmp_path / "btc.csv"
    file.write_text("1640995200,0.01,0.01,0.01,0.01\n1640995260,0.1,0.1,0.1,0.1\n")
    refuse_prices_below_ticks(validated(chosen(f"recorded:{file}"), print), EXPONENTS, None)
    file = tmp_path / "a.jsonl"
    file.write_text(ENVELOPE.format(bid="0.01", ask="0.02") + ENVELOPE.format(bid="9", ask="9").replace("BTC", "ETH"))
    both = validated(chosen(f"recorded:{file}"), print)
    refuse_prices_below_ticks(both, EXPONENTS, None)
    with pytest.raises(FixableError, match="has no price that the exchange takes"):
        refuse_prices_below_ticks(both, EXPONENTS, ("BTC_USDC",))


def test_a_torn_end_of_a_recording_is_reported_before_a_start(tmp_path: Path) -> None:
    file, lines = tmp_path / "btc.csv", list[str]()
    file.write_text(BARS + "16409")
    validated(chosen(f"recorded:{file}"), lines.append)
    assert lines == [f"{file} is cut off in line 2, which is left out: what is before plays."]


def test_in_production_auto_is_backpack_and_never_the_simulation_of_before(database_url: str) -> None:
    migrate(database_url)
    assert allowed(chosen("auto"), database_url, None, print, production=True).feed == "backpack"
    open_a_position(database_url, "simulated")
    with pytest.raises(FixableError, match="priced by the simulated feed"):
        allowed(chosen("auto"), database_url, None, print, production=True)
    changed = allowed(chosen("auto", change=True), database_url, None, print, production=True)
    assert changed.feed == "backpack"


def test_without_open_positions_any_feed_may_follow(database_url: str) -> None:
    migrate(database_url)
    for feed in ("auto", "simulated", "backpack"):
        assert allowed(chosen(feed), database_url, None, print, production=False).feed == feed


def test_with_open_positions_auto_keeps_the_kind_of_feed_and_another_kind_is_refused(
    database_url: str, tmp_path: Path
) -> None:
    migrate(database_url)
    open_a_position(database_url, "simulated")
    assert allowed(chosen("auto"), database_url, None, print, production=False).feed == "simulated"
    assert allowed(chosen("simulated"), database_url, None, print, production=False).feed == "simulated"
    with pytest.raises(FixableError, match="--change-feed"):
        allowed(chosen("backpack"), database_url, None, print, production=False)
    assert allowed(chosen("backpack", change=True), database_url, None, print, production=False).feed == "backpack"


def test_with_open_positions_auto_continues_the_last_recording(database_url: str, tmp_path: Path) -> None:
    migrate(database_url)
    open_a_position(database_url, "recorded")
    recording = tmp_path / "day.csv"
    recording.write_text(BARS)
    last_start = LastStart(f"recorded:{recording}", "eth")
    again = allowed(chosen("auto"), database_url, last_start, print, production=False)
    assert (again.feed, again.symbol) == (f"recorded:{recording}", "eth")
    with pytest.raises(FixableError, match="Name it"):
        allowed(chosen("auto"), database_url, LastStart("auto", None), print, production=False)


def open_a_position(database_url: str, feed: str) -> None:
    """The rows the projector would have written; what they say beside status and feed does not matter here."""
    position = {
        "position_id": "0-1",
        "shard": 0,
        "account_id": "a",
        "symbol": "BTC_USDC",
        "side": "long",
        "status": "open",
    } | dict.fromkeys(
        (
            "opened_seq",
            "quantity",
            "entry_price",
            "entry_notional",
            "margin",
            "leverage",
            "fee_rate",
            "maintenance_rate",
            "margin_floor_rate",
            "liquidation_fee_rate",
            "opened_at",
        ),
        1,
    )
    engine = create_engine(database_url)
    with engine.begin() as connection:
        connection.execute(ledger_tables.positions.insert().values(position))
        connection.execute(
            market_tables.feed.insert().values(one=True, name=feed, run="run", live=False, selected_at=1)
        )
    engine.dispose()
