"""Exposure, the liquidation ladder, the insurance funds and the list of accounts are what the positions come to.

The twin goes over the engine's own positions one by one, with fractions, and asks of each what the rules ask.
"""

from collections import Counter
from fractions import Fraction
from math import ceil, floor
from typing import Any

import pytest
from alembic import command
from sqlalchemy import Engine, select

from projector import queries
from projector.migrate import _config, migrate
from projector.tables.ledger_tables import insurance
from projector.write.writer import Writer
from schemas.events import PositionClosed
from schemas.instruments import BY_SYMBOL
from schemas.ledger_records import Position
from tests.projector.streams import USDC, Exchange, busy_exchange

MOVES = (50, 100, 200, 500, 1_000, 2_000, 5_000)
Figures = tuple[int, int, int, int, int, int]


@pytest.fixture(scope="module")
def busy() -> Exchange:
    return busy_exchange(31)


@pytest.fixture
def projected(engine: Engine, busy: Exchange) -> Engine:
    writer = Writer(engine, busy.shards)
    entries = busy.entries()
    for start in range(0, len(entries), 300):
        writer.write(entries[start : start + 300])
    return engine


def open_positions(exchange: Exchange) -> list[Position]:
    return [position for state in exchange.states for position in state.positions.values()]


def quotes(exchange: Exchange) -> dict[str, tuple[int, int]]:
    """Bid and ask of shard 0, which are shown."""
    return {
        symbol: (market.quote.bid, market.quote.ask)
        for symbol, market in exchange.states[0].markets.items()
        if market.quote is not None
    }


def moved(side: str, quote: tuple[int, int], move: int) -> int:
    """The first whole tick that is not further than the move."""
    part = Fraction(move, 10_000)
    return ceil(quote[0] * (1 - part)) if side == "long" else floor(quote[1] * (1 + part))


def worth(position: Position, price: int) -> tuple[int, int, bool]:
    """Notional and equity at a price, and whether LIQ-01 holds there."""
    notional = position.quantity * price * BY_SYMBOL[position.symbol].tick_value
    gained = notional - position.entry_notional
    equity = position.margin + (gained if position.side == "long" else -gained)
    required = max(
        ceil(Fraction(notional * position.maintenance_rate, 10**6)),
        ceil(Fraction(position.margin * position.margin_floor_rate, 10**6)),
    )
    return notional, equity, equity < required


def liquidated(exchange: Exchange, side: str, move: int, symbols: set[str]) -> Figures:
    """What a move liquidates of these symbols, position by position."""
    prices = {symbol: moved(side, quote, move) for symbol, quote in quotes(exchange).items() if symbol in symbols}
    reached = [
        (position, *worth(position, prices[position.symbol]))
        for position in open_positions(exchange)
        if position.side == side and position.symbol in prices
    ]
    gone = [(position, notional, equity) for position, notional, equity, is_liquidated in reached if is_liquidated]
    return (
        len(gone),
        len({position.account_id for position, _, _ in gone}),
        sum(position.entry_notional for position, _, _ in gone),
        sum(position.margin for position, _, _ in gone),
        sum(notional for _, notional, _ in gone),
        sum(max(0, -equity) for _, _, equity in gone),
    )


def test_the_liquidation_ladder_is_what_a_twin_counts_position_by_position(projected: Engine, busy: Exchange) -> None:
    with projected.connect() as db:
        ladder = queries.liquidation_ladder(db, MOVES)
    priced = set(quotes(busy))
    assert len(ladder.by_symbol) == 2 * len(priced) * len(MOVES)
    assert len(ladder.together) == 2 * len(MOVES)
    for row in ladder.by_symbol:
        figures = (row.positions, row.accounts, row.entry_notional, row.margin, row.notional, row.shortfall)
        assert row.price == moved(row.side, quotes(busy)[row.symbol], row.move_bps)
        assert figures == liquidated(busy, row.side, row.move_bps, {row.symbol}), row
    for step in ladder.together:
        assert step[2:] == liquidated(busy, step.side, step.move_bps, priced), step
    furthest = [step for step in ladder.together if step.move_bps == MOVES[-1]]
    assert all(step.positions > 1 and step.shortfall > 0 for step in furthest), "the moves reach what there is"
    assert any(step.accounts < step.positions for step in furthest)


def test_the_liquidation_ladder_of_an_exchange_without_prices_and_positions_is_empty(engine: Engine) -> None:
    with engine.connect() as db:
        ladder = queries.liquidation_ladder(db, MOVES)
    assert ladder.by_symbol == []
    assert {step[2:] for step in ladder.together} == {(0, 0, 0, 0, 0, 0)}


def test_exposure_is_what_a_twin_sums_position_by_position(projected: Engine, busy: Exchange) -> None:
    sums: Counter[Any] = Counter()
    for position in open_positions(busy):
        bid, ask = quotes(busy)[position.symbol]
        _, equity, _ = worth(position, bid if position.side == "long" else ask)
        key = (position.symbol, position.side)
        sums[key, "positions"] += 1
        sums[key, "quantity"] += position.quantity
        sums[key, "entry_notional"] += position.entry_notional
        sums[key, "margin"] += position.margin
        sums[key, "unrealized_pnl"] += equity - position.margin
    with projected.connect() as db:
        rows = queries.exposure(db)
    assert {(row.symbol, row.side) for row in rows} == {(each.symbol, each.side) for each in open_positions(busy)}
    for row in rows:
        for name, value in row._asdict().items():
            assert name in {"symbol", "side"} or value == sums[(row.symbol, row.side), name], (row, name)


def test_the_insurance_funds_are_what_the_closes_moved_and_what_the_ledger_has(
    projected: Engine, busy: Exchange
) -> None:
    closes = [[event for event in events if isinstance(event, PositionClosed)] for events in busy.events]
    with projected.connect() as db:
        funds = queries.insurance_funds(db)
    assert [tuple(fund) for fund in funds] == [
        (
            shard,
            sum(close.liquidation_fee for close in of_shard),
            sum(close.insurance_paid for close in of_shard),
            sum(close.written_off for close in of_shard),
        )
        for shard, of_shard in enumerate(closes)
        if of_shard
    ]
    assert {fund.shard: fund.received - fund.paid for fund in funds} == {
        state.shard: state.insurance for state in busy.states
    }
    assert sum(fund.received for fund in funds) > 0
    assert sum(fund.paid for fund in funds) > 0


def test_the_migration_fills_the_insurance_funds_with_what_the_closes_before_it_moved(
    projected: Engine, database_url: str
) -> None:
    with projected.connect() as db:
        before = db.execute(select(insurance).order_by(insurance.c.shard)).all()
    config = _config()
    with projected.begin() as db:
        config.attributes["connection"] = db
        command.downgrade(config, "0006")
    migrate(database_url)
    with projected.connect() as db:
        assert db.execute(select(insurance).order_by(insurance.c.shard)).all() == before
    assert before


def test_the_list_of_accounts_is_whole_in_order_and_has_each_account_s_figures(
    projected: Engine, busy: Exchange
) -> None:
    busy_accounts = {name: account for state in busy.states for name, account in state.accounts.items()}
    found: list[queries.AccountSummary] = []
    with projected.connect() as db:
        while True:
            rows = queries.account_summaries(
                db, limit=7, before=(found[-1].opened_at, found[-1].account_id) if found else None
            )
            found += rows[:7]
            if len(rows) <= 7:
                break
        [one] = queries.account_summaries(db, account_id=found[3].account_id)
        assert one == found[3]
        assert queries.account_summaries(db, account_id="nobody") == []
    order = [(row.opened_at, row.account_id) for row in found]
    assert order == sorted(order, reverse=True)
    assert {row.account_id for row in found} == busy_accounts.keys()
    for row in found:
        account = busy_accounts[row.account_id]
        assert (row.cash, row.used_margin, row.opened_at) == (account.cash, account.margin, account.opened_at)
        held = [position for position in open_positions(busy) if position.account_id == row.account_id]
        profit = 0
        for position in held:
            bid, ask = quotes(busy)[position.symbol]
            profit += worth(position, bid if position.side == "long" else ask)[1] - position.margin
        assert (row.open_positions, row.unrealized_pnl) == (len(held), profit)
    assert any(row.unrealized_pnl for row in found)
    assert any(row.cash > USDC for row in found)
