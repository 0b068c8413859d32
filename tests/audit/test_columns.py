"""One changed bit in any column of any table that follows from the events is named, with its table, row and column."""

# ruff: noqa: S608  # The names put into statements are this file's own.

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import Boolean, Column, Engine, Integer, LargeBinary, SmallInteger, Text, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from audit.log.differences import Difference
from audit.verify.expected_rows import KEYS, TABLES
from audit.verify.tables import NAMED_MAX, NOT_COMPARED, compare_tables
from projector.database import connect
from tests.audit.databases import migrated_database, projected
from tests.audit.logs import parts_log

# Of each table, test_tables changes one column in every run.
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def url(postgres: str) -> Iterator[str]:
    """DATABASE_URL of the log of parts, whose one shard has a row of every kind. Shared: a test puts things back."""
    with migrated_database(postgres) as migrated, projected(postgres, migrated, parts_log()) as url:
        yield url


@pytest.fixture(scope="module")
def filled(url: str) -> Iterator[Engine]:
    engine = connect(url)
    yield engine
    engine.dispose()


@pytest.mark.parametrize("table", TABLES)
def test_one_bit_of_any_column_is_named_with_table_row_and_column(filled: Engine, url: str, table: str) -> None:
    columns = [column for column in TABLES[table].columns if (table, column.name) not in NOT_COMPARED]
    # What a row is found by, and what changes other rows' places, is changed alone.
    alone = [column for column in columns if column.name in {*KEYS[table], "ordinal"}]
    others = [column for column in columns if column not in alone]
    size = min(forget_constraints(filled, table), NAMED_MAX)
    parts = [others[first : first + size] for first in range(0, len(others), size)]
    for chosen in [*([column] for column in alone), *parts]:
        with changed(filled, table, chosen) as keys:
            found = compare_tables(parts_log(), 0, url, lambda _: None).differences
        for column, key in keys.items():
            assert any(names(difference, table, column, key) for difference in found), (column, key, found)
    assert compare_tables(parts_log(), 0, url, lambda _: None).differences == []


def names(difference: Difference, table: str, column: str, key: str) -> bool:
    """Whether a difference names the row; a row with a changed key is named as missing."""
    if column in KEYS[table] and column != "shard":
        field, expected, what = None, "a row", f"{table} ({key}): "
    elif column in KEYS[table]:
        field, expected, what = None, "no row", f"{table} ("
    else:
        field, expected, what = column, None, f"{table} ({key}): " if table != "progress" or column != "seq" else ""
    return (
        (difference.judge, difference.type, difference.field) == ("tables", table, field)
        and difference.what.startswith(what)
        and expected in {None, difference.expected}
    )


def forget_constraints(engine: Engine, table: str) -> int:
    """Let a table hold what a broken disk could make of it, and keep what it holds; how many rows that is."""
    query = text(
        "SELECT conname FROM pg_constraint WHERE contype = 'c' AND conrelid = CAST(:of AS regclass)"
    ).bindparams(of=f"ledger.{table}")
    with engine.begin() as db:
        for (name,) in db.execute(query).all():
            db.execute(text(f'ALTER TABLE ledger.{table} DROP CONSTRAINT "{name}"'))
        db.execute(text(f"CREATE TABLE public.{table} AS SELECT * FROM ledger.{table}"))
        return int(db.execute(text(f"SELECT count(*) FROM public.{table}")).scalar_one())


@contextmanager
def changed(engine: Engine, table: str, columns: list[Column[Any]]) -> Iterator[dict[str, str]]:
    """Change one bit of each of these columns, each in another row; give the key each row was found by before."""
    row_of: dict[str, str] = {}
    keys = ", ".join(f'"{name}"' for name in KEYS[table])
    taken: list[str] = []
    with engine.begin() as db:
        for column in columns:
            name = f'"{column.name}"'
            query = f"SELECT ctid, {keys} FROM ledger.{table} WHERE NOT CAST(ctid AS text) = ANY(:taken)"
            found = db.execute(text(f"{query} ORDER BY {name} IS NULL, {keys} LIMIT 1"), {"taken": taken}).one()
            update = f"UPDATE ledger.{table} SET {name} = {one_bit(column)} WHERE ctid = CAST(:place AS tid)"
            taken.append(db.execute(text(f"{update} RETURNING ctid"), {"place": found[0]}).scalar_one())
            row_of[column.name] = ", ".join(str(value) for value in found[1:])
    try:
        yield row_of
    finally:
        with engine.begin() as db:
            db.execute(text(f"TRUNCATE ledger.{table}"))
            db.execute(text(f"INSERT INTO ledger.{table} SELECT * FROM public.{table}"))


def one_bit(column: Column[Any]) -> str:
    """Write what makes another value of a column's; of null it makes one."""
    name = f'"{column.name}"'
    match column.type:
        case Boolean():
            return f"NOT {name}"
        case LargeBinary():
            return f"set_bit(coalesce({name}, '\\x00'), 3, 1 - get_bit(coalesce({name}, '\\x00'), 3))"
        case ARRAY():
            return f"array_append({name}, 'x')"
        case JSONB():
            return f"jsonb_set({name}, '{{seq}}', to_jsonb(CAST({name} ->> 'seq' AS bigint) # 1))"
        case Text():
            return f"chr(ascii(coalesce({name}, 'x')) # 1) || substr(coalesce({name}, ''), 2)"
        case SmallInteger():
            return f"coalesce({name}, 0) # 64"
        case Integer():
            return (
                f"coalesce({name}, 0) # 64" if column.name in {"shard", "ordinal"} else f"coalesce({name}, 0) # 1048576"
            )
        case _:
            raise AssertionError(column.type)
