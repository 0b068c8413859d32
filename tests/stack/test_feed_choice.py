"""The feed of a start with open positions is of the same kind, or another one requested by name."""

from pathlib import Path

import pytest
from sqlalchemy import create_engine

from projector.migrate import migrate
from projector.tables import ledger_tables, market_tables
from runtime.errors import FixableError
from stack.feed_choice import FeedChoice, allowed, validated


def chosen(feed: str, *, change: bool = False) -> FeedChoice:
    return FeedChoice(feed=feed, speed="1", loop=False, spread_bps=2, change=change)


def test_a_recording_is_named_by_its_full_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("week.csv").touch()
    assert validated(chosen("recorded:week.csv")).feed == f"recorded:{tmp_path / 'week.csv'}"


def test_without_open_positions_any_feed_may_follow(database_url: str) -> None:
    migrate(database_url)
    for feed in ("auto", "simulated", "backpack"):
        assert allowed(chosen(feed), database_url, None).feed == feed


def test_with_open_positions_auto_keeps_the_kind_of_feed_and_another_kind_is_refused(
    database_url: str, tmp_path: Path
) -> None:
    migrate(database_url)
    open_a_position(database_url, "simulated")
    assert allowed(chosen("auto"), database_url, None).feed == "simulated"
    assert allowed(chosen("simulated"), database_url, None).feed == "simulated"
    with pytest.raises(FixableError, match="--change-feed"):
        allowed(chosen("backpack"), database_url, None)
    assert allowed(chosen("backpack", change=True), database_url, None).feed == "backpack"


def test_with_open_positions_auto_continues_the_last_recording(database_url: str, tmp_path: Path) -> None:
    migrate(database_url)
    open_a_position(database_url, "recorded")
    recording = tmp_path / "day.jsonl"
    recording.touch()
    assert allowed(chosen("auto"), database_url, f"recorded:{recording}").feed == f"recorded:{recording}"
    with pytest.raises(FixableError, match="Name it"):
        allowed(chosen("auto"), database_url, "auto")


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
