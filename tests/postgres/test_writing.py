"""The tables hold exactly the content of the events, in batches of any size."""

import random
import time
from typing import Any

import pytest
from sqlalchemy import Engine, func, select, text

from engine.core.state import State
from projector import queries
from projector.tables import schema
from projector.tables.ledger_tables import accounts, commands, fills, ledger_entries, positions, receipts
from projector.write.chain import BrokenLogError, ChainEntry
from projector.write.writer import TablesEmptied, Writer
from schemas.commands import OpenAccount
from schemas.events import PositionClosed, PositionReduced
from schemas.ids import event_id
from schemas.ledger_records import Position
from schemas.record import field_names
from tests.postgres.tables_content import content
from tests.projector.streams import Exchange, busy_exchange


def write_in_batches(engine: Engine, entries: list[ChainEntry], size: int) -> Writer:
    writer = Writer(engine, 4)
    writer.load()
    for start in range(0, len(entries), size):
        writer.write(entries[start : start + size])
    return writer


@pytest.mark.parametrize("parts", [False, True], ids=["closed whole", "closed in parts"])
def test_the_tables_agree_with_the_engine_s_state_to_the_last_unit(engine: Engine, *, parts: bool) -> None:
    exchange = busy_exchange(rounds=60, parts=True) if parts else busy_exchange()
    write_in_batches(engine, exchange.entries(), 300)
    with engine.connect() as db:
        found_accounts = {row["account_id"]: row for row in db.execute(select(accounts)).mappings()}
        opened = select(positions).where(positions.c.status == "open")
        found_positions = {row["position_id"]: row for row in db.execute(opened).mappings()}
    assert found_accounts.keys() == {name for state in exchange.states for name in state.accounts}
    assert found_positions.keys() == {name for state in exchange.states for name in state.positions}
    for state in exchange.states:
        assert_accounts_agree(state, found_accounts)
        for position in state.positions.values():
            assert_position_agrees(position, found_positions[position.position_id])


def assert_accounts_agree(state: State, accounts: dict[str, Any]) -> None:
    for account in state.accounts.values():
        row = accounts[account.account_id]
        stored = (row["shard"], row["cash"], row["used_margin"], row["opened_at"], row["account_seq"])
        assert stored == (state.shard, account.cash, account.margin, account.opened_at, account.seq)


def assert_position_agrees(position: Position, row: Any) -> None:
    names = set(field_names(type(position))) - {"number"}
    assert {name: row[name] for name in names} == {name: getattr(position, name) for name in names}
    assert row["receipt_id"] is None


def test_an_account_s_ledger_lines_sum_to_its_balance_and_each_line_has_the_balance_after(engine: Engine) -> None:
    write_in_batches(engine, busy_exchange().entries(), 500)
    lines = ledger_entries.c
    before = func.lag(lines.balance_after, 1, 0).over(partition_by=lines.account_id, order_by=(lines.seq, lines.line))
    steps = select(lines.account_id, lines.amount, (lines.balance_after - before).label("step")).subquery()
    sums = select(lines.account_id, func.sum(lines.amount)).group_by(lines.account_id)
    with engine.connect() as db:
        assert db.execute(select(func.count()).select_from(steps).where(steps.c.amount != steps.c.step)).scalar() == 0
        balances = dict(iter(db.execute(select(accounts.c.account_id, accounts.c.balance))))
        assert {name: int(total) for name, total in db.execute(sums)} == balances
        assert db.execute(select(func.count()).select_from(ledger_entries).where(lines.amount == 0)).scalar() == 0


def test_a_batch_finds_by_their_keys_the_rows_it_changes_in_tables_that_were_empty_at_first(engine: Engine) -> None:
    before = whole_scans(engine)
    write_in_batches(engine, busy_exchange().entries(), 20)
    assert whole_scans(engine) == before


def whole_scans(engine: Engine) -> dict[str, int]:
    """Give how often those tables were gone through that grow with the ledger and whose rows change."""
    with engine.begin() as db:
        db.execute(text("SELECT pg_stat_force_next_flush()"))
    with engine.begin() as db:
        found = db.execute(text("SELECT relname, seq_scan FROM pg_stat_user_tables WHERE schemaname = 'ledger'"))
        return {name: scans for name, scans in found if name in {"accounts", "commands", "positions"}}


def test_every_close_has_a_receipt_and_a_fill(engine: Engine) -> None:
    exchange = busy_exchange()
    write_in_batches(engine, exchange.entries(), 500)
    closes = {
        event_id(shard, event.seq): event
        for shard, events in enumerate(exchange.events)
        for event in events
        if isinstance(event, PositionClosed)
    }
    query = (
        select(positions.c.receipt_id, positions.c.realized_pnl, receipts.c.event)
        .join(receipts, receipts.c.event_id == positions.c.receipt_id)
        .where(positions.c.status == "closed")
    )
    with engine.connect() as db:
        found = {receipt_id: (realized, event) for receipt_id, realized, event in db.execute(query)}
        of_fills = select(func.sum(fills.c.realized_pnl)).where(fills.c.action == "close")
        realized_by_fills = db.execute(of_fills).scalar_one()
    assert found.keys() == closes.keys()
    for name, (realized, receipt) in found.items():
        close = closes[name]
        assert realized == close.profit + close.shortfall
        assert receipt["returned"] == close.returned == close.margin + realized - close.fee - close.liquidation_fee
    assert realized_by_fills == sum(close.profit + close.shortfall for close in closes.values())


def test_a_position_closed_in_parts_has_the_total_result_and_each_part_a_receipt(engine: Engine) -> None:
    exchange = busy_exchange(rounds=60, parts=True)
    write_in_batches(engine, exchange.entries(), 50)
    profits: dict[str, int] = {}
    with engine.connect() as db:
        for shard, events in enumerate(exchange.events):
            for event in events:
                if isinstance(event, PositionReduced | PositionClosed):
                    shortfall = event.shortfall if isinstance(event, PositionClosed) else 0
                    profits[event.position_id] = profits.get(event.position_id, 0) + event.profit + shortfall
                    assert event.account_id is not None
                    found = queries.receipt(db, event.account_id, event_id(shard, event.seq))
                    assert found is not None
                    assert found.event == event
                    assert queries.realized_pnl(db, event.position_id, event.seq) == profits[event.position_id]
        columns = positions.c
        realized = select(columns.position_id, columns.realized_pnl).where(columns.realized_pnl.is_not(None))
        assert {row[0]: row[1] for row in db.execute(realized)} == profits


@pytest.mark.parametrize(("seed", "parts"), [pytest.param(2, False, marks=pytest.mark.slow), (3, True)])
def test_the_tables_do_not_depend_on_how_events_are_cut_into_batches(engine: Engine, seed: int, *, parts: bool) -> None:
    entries = busy_exchange(seed, rounds=60, parts=parts).entries()
    write_in_batches(engine, entries, len(entries))
    whole = content(engine)
    empty(engine)
    write_in_batches(engine, entries, 7)
    assert content(engine) == whole


def test_events_delivered_twice_are_written_once(engine: Engine) -> None:
    entries = busy_exchange(4, rounds=40).entries()
    write_in_batches(engine, entries, 100)
    once = content(engine)
    empty(engine)
    dice = random.Random(4)
    writer = Writer(engine, 4)
    place = 0
    while place < len(entries):
        again = max(0, place - dice.randint(0, 150))
        place = min(len(entries), place + 100)
        writer.write(entries[again:place])
    assert writer.write(entries) == 0
    assert content(engine) == once


def test_two_writers_of_one_log_write_each_event_once(engine: Engine) -> None:
    entries = busy_exchange(5, rounds=40).entries()
    first, second = Writer(engine, 4), Writer(engine, 4)
    written = 0
    for start in range(0, len(entries), 60):
        written += first.write(entries[start : start + 60])
        written += second.write(entries[start : start + 60])
    assert written == len(entries)


def test_a_gap_stops_the_projector_and_no_event_of_its_batch_is_written(engine: Engine) -> None:
    exchange = busy_exchange(6, rounds=20)
    entries = exchange.entries()
    writer = write_in_batches(engine, entries[:200], 100)
    before = content(engine)
    missing = next(each for each in entries[200:] if each.shard == 2)
    rest = [each for each in entries[200:300] if each is not missing]
    expected = rf"Shard 2, offset \d+: event {missing.event.seq + 1} where {missing.event.seq} comes next"
    with pytest.raises(BrokenLogError, match=expected):
        writer.write(rest)
    assert content(engine) == before
    writer.write(entries[200:])
    assert sum(checkpoint.seq for checkpoint in writer.checkpoints.values()) == len(entries)


def test_an_altered_event_is_refused_by_its_digest(engine: Engine) -> None:
    exchange = Exchange()
    exchange.open_markets()
    entries = exchange.entries()
    victim = entries[-1]
    altered = bytearray(victim.value)
    altered[-20] ^= 1
    with pytest.raises(BrokenLogError, match=f"Shard {victim.shard}, offset {victim.offset}: the digest"):
        write_in_batches(engine, [*entries[:-1], victim._replace(value=bytes(altered))], 1_000)


def test_a_different_log_of_equal_length_is_refused(engine: Engine) -> None:
    write_in_batches(engine, busy_exchange(7, rounds=5).entries(), 1_000)
    with pytest.raises(BrokenLogError, match="another log"):
        write_in_batches(engine, busy_exchange(8, rounds=5).entries(), 10_000)


def test_a_writer_notices_that_its_tables_were_emptied(engine: Engine) -> None:
    entries = busy_exchange(9, rounds=10).entries()
    writer = write_in_batches(engine, entries, 100)
    empty(engine)
    with pytest.raises(TablesEmptied):
        writer.confirm({0: 1})
    assert {checkpoint.seq for checkpoint in writer.checkpoints.values()} == {0}
    assert writer.write(entries) == len(entries)


def test_ids_no_engine_takes_do_not_stop_the_projector(engine: Engine) -> None:
    exchange = Exchange()
    for name in ("zero\0byte", "x" * 100_000, "\N{SNOWMAN}"):
        for shard in range(4):
            exchange.send(shard, OpenAccount(command_id=name, account_id=name, first_deposit=1))
            exchange.send(shard, OpenAccount(command_id=name, account_id="fine", first_deposit=1))
    assert write_in_batches(engine, exchange.entries(), 10).checkpoints[0].seq == 6
    with engine.connect() as db:
        assert db.execute(select(func.count()).select_from(commands)).scalar() == 0


@pytest.mark.slow
def test_the_speed_of_writing_is_printed(engine: Engine, capsys: pytest.CaptureFixture[str]) -> None:
    entries = busy_exchange(10, accounts=1_000, rounds=200, orders=100).entries()
    begun = time.perf_counter()
    write_in_batches(engine, entries, 5_000)
    rate = len(entries) / (time.perf_counter() - begun)
    with capsys.disabled():
        print(f"\nprojector: {len(entries)} decoded events written at {rate:,.0f} events/s")


def empty(engine: Engine) -> None:
    names = ", ".join(f"ledger.{table.name}" for table in schema.TABLES)
    with engine.begin() as db:
        db.execute(text(f"TRUNCATE {names}"))
