"""The projection's answers are right, complete, in order, and only of their owner."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Connection, Engine

from projector import queries
from projector.write.writer import Writer
from schemas import ids
from schemas.commands import ClosePosition, OpenPosition
from schemas.events import PositionClosed, PositionOpened
from schemas.instruments import INSTRUMENTS
from schemas.units import DAY, MINUTE
from tests.projector.streams import NOON, SECOND, SIDES, USDC, Exchange, busy_exchange


def project(engine: Engine, exchange: Exchange) -> None:
    Writer(engine, exchange.shards).write(exchange.entries())


@pytest.fixture(scope="module")
def busy() -> Exchange:
    return busy_exchange(31)


def names_of(exchange: Exchange) -> list[str]:
    return [name for state in exchange.states for name in state.accounts]


def test_pages_of_positions_are_complete_in_order_and_of_their_owner_alone(engine: Engine, busy: Exchange) -> None:
    project(engine, busy)
    with engine.connect() as db:
        for name in names_of(busy)[:10]:
            opened = [
                event.position_id
                for events in busy.events
                for event in events
                if isinstance(event, PositionOpened) and event.account_id == name
            ]
            found: list[str] = []
            before = None
            while True:
                page = queries.positions(db, name, status="all", limit=7, before=before)
                found += [row.position_id for row in page.items]
                assert all(row.account_id == name for row in page.items)
                before = page.next_cursor
                if before is None:
                    break
            assert found == opened[::-1]


def test_the_filters_for_status_and_symbol_partition_the_positions(engine: Engine, busy: Exchange) -> None:
    project(engine, busy)
    with engine.connect() as db:
        assert queries.open_position_count(db) == sum(len(state.positions) for state in busy.states)
        for name in names_of(busy)[:10]:
            by_status = {
                status: {row.position_id for row in queries.positions(db, name, status=status, limit=500).items}
                for status in ("open", "closed", "all")
            }
            assert by_status["open"] | by_status["closed"] == by_status["all"]
            assert not by_status["open"] & by_status["closed"]
            by_symbol = [
                {row.position_id for row in queries.positions(db, name, status="all", symbol=symbol, limit=500).items}
                for symbol in ("BTC_USDC", "ETH_USDC", "SOL_USDC")
            ]
            assert set().union(*by_symbol) == by_status["all"]


def test_ledger_lines_and_fills_are_paged_without_loss(engine: Engine, busy: Exchange) -> None:
    project(engine, busy)
    name = names_of(busy)[0]
    with engine.connect() as db:
        whole = queries.ledger(db, name, limit=500).items
        account = queries.account(db, name)
        assert account is not None
        assert sum(row.amount for row in whole) == account.balance == whole[0].balance_after
        lines: list[queries.LedgerRow] = []
        cursor = None
        while True:
            page = queries.ledger(db, name, limit=2, before=cursor)
            lines += page.items
            cursor = page.next_cursor
            if cursor is None:
                break
        assert lines == whole
        assert len({line.line_id for line in lines}) == len(lines)
        all_fills = queries.fills(db, name, limit=500).items
        first = queries.fills(db, name, limit=3)
        assert first.items + queries.fills(db, name, limit=500, before=first.next_cursor).items == all_fills
        assert {fill.position_id for fill in all_fills if fill.action == "open"} == {
            row.position_id for row in queries.positions(db, name, status="all", limit=500).items
        }


def trade(exchange: Exchange) -> PositionClosed:
    """Open two positions for alice at 50,000.0 and 50,000.2, and close the long at 50,500.0."""
    exchange.open_markets()
    exchange.open_account("alice", 1_000 * USDC)
    for side in SIDES:
        exchange.ask(
            OpenPosition(
                command_id=f"open-{side}",
                account_id="alice",
                symbol="BTC_USDC",
                side=side,
                quantity=1_000,
                leverage=1_000,
                client_order_id=f"my-{side}",
            )
        )
    exchange.tick({"BTC_USDC": 505_000})
    position_id = next(iter(exchange.states[shard_with(exchange)].positions))
    closed = exchange.ask(ClosePosition(command_id="close", account_id="alice", position_id=position_id))[0]
    assert isinstance(closed, PositionClosed)
    return closed


def shard_with(exchange: Exchange) -> int:
    return next(shard for shard, state in enumerate(exchange.states) if state.accounts)


def test_unrealised_profit_is_computed_at_the_exit_price_of_each_side(engine: Engine) -> None:
    exchange = Exchange()
    trade(exchange)
    project(engine, exchange)
    with engine.connect() as db:
        (short,) = queries.positions(db, "alice").items
        # Sold at 500,000 ticks, bought back at the ask of 505,002: 1,000 lots lose 5,002 ticks of 1 micro each.
        assert (short.side, short.exit_price, short.unrealized_pnl) == ("short", 505_002, -5_002_000)
        account = queries.account(db, "alice")
        assert account is not None
        assert account.unrealized_pnl == -5_002_000
        assert account.balance == 1_000 * USDC + 4_998_000
        assert account.used_margin == short.margin == account.balance - account.cash


def test_a_receipt_is_the_closing_event_and_only_the_owner_finds_that_event(engine: Engine) -> None:
    exchange = Exchange()
    closed = trade(exchange)
    project(engine, exchange)
    name = ids.event_id(shard_with(exchange), closed.seq)
    with engine.connect() as db:
        assert queries.receipt(db, "alice", name) == queries.ReceiptRow(name, closed)
        assert queries.receipt(db, "mallory", name) is None
        position = queries.position(db, "alice", closed.position_id)
        assert position is not None
        assert (position.status, position.receipt_id, position.close_reason) == ("closed", name, "manual")
        assert (position.realized_pnl, position.exit_price, position.unrealized_pnl) == (4_998_000, None, None)
        assert queries.position(db, "mallory", closed.position_id) is None


def test_a_command_is_found_by_its_id_and_by_its_client_order_id(engine: Engine) -> None:
    exchange = Exchange()
    trade(exchange)
    project(engine, exchange)
    with engine.connect() as db:
        found = queries.command(db, "alice", "open-long")
        assert found is not None
        assert (found.type, found.status, found.client_order_id) == ("OpenPosition", "done", "my-long")
        assert found.event_id == ids.event_id(found.shard, found.seq)
        assert queries.command_by_client_order_id(db, "alice", "my-long") == found
        assert queries.command(db, "mallory", "open-long") is None
        assert queries.command_by_client_order_id(db, "mallory", "my-long") is None
        broadcast = queries.command(db, None, ids.broadcast_id("instruments-1", 2))
        assert broadcast is not None
        assert (broadcast.type, broadcast.shard) == ("DefineInstruments", 2)


def test_every_query_is_empty_before_the_first_event(engine: Engine) -> None:
    with engine.connect() as db:
        assert queries.open_position_count(db) == 0
        assert queries.last_feed(db) is None
        assert queries.account(db, "alice") is None
        assert queries.positions(db, "alice") == queries.Page([], None)
        assert queries.last_prices(db) == {}
        assert queries.instruments(db) == []
        assert queries.day_stats(db, NOON) == {}
        assert queries.progress(db) == []
        assert queries.projected_seq(db, 0) == 0


def test_progress_is_the_last_event_of_each_shard(engine: Engine, busy: Exchange) -> None:
    project(engine, busy)
    with engine.connect() as db:
        assert [row.seq for row in queries.progress(db)] == [len(values) for values in busy.values]
        assert [queries.projected_seq(db, shard) for shard in range(4)] == [len(values) for values in busy.values]
        assert {row.current_at for row in queries.progress(db)} == {0}


def test_instruments_are_returned_in_order_with_their_status(engine: Engine) -> None:
    exchange = Exchange()
    exchange.open_markets()
    exchange.set_status("ETH_USDC", "close_only", "careful")
    project(engine, exchange)
    with engine.connect() as db:
        assert [row.instrument for row in queries.instruments(db)] == list(INSTRUMENTS)
        assert [row.status for row in queries.instruments(db)] == ["open", "close_only", "open"]


def test_a_price_goes_through_the_conditions_of_the_engine(engine: Engine) -> None:
    exchange = Exchange()
    exchange.open_markets()
    writer = Writer(engine, 4)

    def condition(now: int) -> str:
        writer.write(exchange.entries())
        with engine.connect() as db:
            return queries.price_state_of(queries.last_prices(db).get("BTC_USDC"), now)

    assert queries.price_state_of(None, NOON) == "none"
    accepted_at = exchange.time
    assert condition(accepted_at + 5 * SECOND - 1) == "fresh"
    assert condition(accepted_at + 5 * SECOND) == "stale"
    exchange.tick({"BTC_USDC": 700_000})
    assert condition(exchange.time) == "unconfirmed"
    exchange.tick({"BTC_USDC": 700_000})
    assert condition(exchange.time) == "fresh"
    exchange.select_feed("recorded", "run-2")
    assert condition(exchange.time) == "stale"
    with engine.connect() as db:
        feed = queries.last_feed(db)
    assert feed == queries.FeedRow("recorded", "run-2", live=False, selected_at=exchange.time)


def prices_over_minutes(moves: list[int]) -> Exchange:
    """One accepted tick a minute, the price moving by so many ticks; after it alive marks keep it fresh."""
    exchange = Exchange(shards=1)
    exchange.open_markets()
    price = 500_000
    for move in moves:
        for _ in range(14):
            exchange.tick({}, alive=("BTC_USDC",), passing=4 * SECOND)
        price += move
        exchange.tick({"BTC_USDC": price}, passing=4 * SECOND)
    return exchange


def test_longer_candles_are_folded_from_minutes(candle_db: Connection) -> None:
    minutes = queries.candles(candle_db, "BTC_USDC", "1m", NOON - DAY, NOON + DAY, now=NOON)
    assert len(minutes) == 12
    five = queries.candles(candle_db, "BTC_USDC", "5m", NOON, NOON + DAY, now=NOON + 12 * MINUTE)
    assert [candle.start for candle in five] == [NOON + 10 * MINUTE, NOON + 5 * MINUTE, NOON]
    assert [candle.closed for candle in five] == [False, True, True]
    for candle in five:
        within = [each for each in minutes if candle.start <= each.start < candle.start + 5 * MINUTE]
        assert candle == queries.CandleRow(
            symbol="BTC_USDC",
            interval="5m",
            start=candle.start,
            open=within[-1].open,
            high=max(each.high for each in within),
            low=min(each.low for each in within),
            close=within[0].close,
            ticks=sum(each.ticks for each in within),
            closed=candle.closed,
            source="simulated",
        )
    week = queries.candles(candle_db, "BTC_USDC", "1w", NOON, NOON + 1, now=NOON)
    # Noon of Friday, 9 January 2026 lies in the week that began on Monday the 5th.
    assert [candle.start for candle in week] == [NOON - 4 * DAY - DAY // 2]
    assert week[0].ticks == sum(each.ticks for each in minutes)


@pytest.fixture
def candle_db(engine: Engine) -> Iterator[Connection]:
    project(engine, prices_over_minutes([100, -50, 70, 200, -400, 10, 20, -30, 500, -100, 0]))
    with engine.connect() as db:
        yield db


def test_a_range_of_candles_is_selected_by_their_starts(candle_db: Connection) -> None:
    def starts(start: int, end: int) -> list[int]:
        found = queries.candles(candle_db, "BTC_USDC", "5m", start, end, now=NOON)
        return [(candle.start - NOON) // MINUTE for candle in found]

    assert starts(NOON, NOON + 5 * MINUTE) == [0]
    assert starts(NOON, NOON + 5 * MINUTE + 1) == [5, 0]
    assert starts(NOON + 5 * MINUTE - 1, NOON + 6 * MINUTE) == [5, 0]
    assert starts(NOON + DAY, NOON + 2 * DAY) == []
    newest = queries.candles(candle_db, "BTC_USDC", "1m", NOON, NOON + DAY, now=NOON, limit=2)
    assert [(candle.start - NOON) // MINUTE for candle in newest] == [11, 10]


def test_the_change_of_a_day_begins_at_the_price_of_a_day_ago(candle_db: Connection) -> None:
    stats = queries.day_stats(candle_db, NOON + 20 * MINUTE)["BTC_USDC"]
    assert (stats.open, stats.last) == (1_000_002, 1_000_002 + 2 * 320)
    later = queries.day_stats(candle_db, NOON + DAY + 4 * MINUTE)["BTC_USDC"]
    # Four minutes into the recording the price had moved by 100 - 50 + 70 ticks.
    assert (later.open, later.last) == (1_000_002 + 2 * 120, 1_000_002 + 2 * 320)
    assert later.low <= later.open <= later.high
    assert queries.day_stats(candle_db, NOON + 2 * DAY) == {}
