"""Exports of the log add up to the ledger, in every format, and no number passes through a float."""

import csv
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from audit.explain.ledger_at import Moment, ledger_at
from audit.export.files import Format, write_file
from audit.export.statements import COLUMNS, Row, What, rows_of
from audit.log.export_log import export_log
from cli.main import call
from runtime.errors import FixableError
from schemas.codec import decode_event
from schemas.events import InstrumentsDefined
from tests.audit.logs import busy_log

SHARDS = (0, 1, 2, 3)
FORMATS: tuple[Format, ...] = ("csv", "json", "parquet")
KINDS: tuple[What, ...] = ("statements", "events", "ledger")


def rows(what: What, account: str | None = None) -> list[Row]:
    return list(rows_of(busy_log(), what, SHARDS, account))


def test_the_last_balance_of_each_statement_is_the_account_s_balance() -> None:
    last = {row["account_id"]: Decimal(row["balance_after"]) for row in rows("statements")}
    sums: dict[str, Decimal] = {}
    for row in rows("statements"):
        sums[row["account_id"]] = sums.get(row["account_id"], Decimal(0)) + Decimal(row["amount"])
        assert sums[row["account_id"]] == Decimal(row["balance_after"]), row
    assert sums == last
    accounts = {
        account.account_id: Decimal(account.cash + account.margin) / 10**6
        for shard in SHARDS
        for account in ledger_at(busy_log(), shard, Moment(10**6, None)).accounts.values()
    }
    assert last == {name: balance for name, balance in accounts.items() if name in last}


def test_the_double_entry_leads_to_the_books() -> None:
    books: dict[str, Decimal] = {}
    for row in rows("ledger"):
        amount = Decimal(row["amount"])
        assert amount > 0
        books[row["source"]] = books.get(row["source"], Decimal(0)) - amount
        books[row["target"]] = books.get(row["target"], Decimal(0)) + amount
    assert sum(books.values()) == 0
    states = [ledger_at(busy_log(), shard, Moment(10**6, None)) for shard in SHARDS]
    for book, field in (("HOUSE", "house"), ("INSURANCE", "insurance"), ("EXTERNAL", "external")):
        assert books[book] == Decimal(sum(getattr(state, field) for state in states)) / 10**6


def test_every_event_is_exported_once() -> None:
    assert [row["event_id"] for row in rows("events")] == [
        f"{shard}-{seq}" for shard in SHARDS for seq in range(1, len(busy_log().parts[shard].events) + 1)
    ]


@pytest.mark.parametrize("what", KINDS)
def test_an_export_of_one_account_has_only_the_account_s_rows(what: What) -> None:
    account = next(row["account_id"] for row in rows(what) if row["account_id"] is not None)
    own = rows(what, account)
    assert own == [row for row in rows(what) if row["account_id"] == account]
    assert len(own) < len(rows(what))


def read(path: Path, form: Format, what: What) -> list[dict[str, Any]]:
    """Read a file as anybody would; numbers as decimals, what is empty as null."""
    if form == "csv":
        with path.open(newline="") as source:
            found: list[dict[str, Any]] = list(csv.DictReader(source))
    elif form == "json":
        found = json.loads(path.read_text(), parse_float=lambda text: pytest.fail(f"a float: {text}"))
    else:
        table = pq.read_table(path)
        assert not any(pa.types.is_floating(field.type) for field in table.schema)
        found = table.to_pylist()
    return [{name: normal(kind, row[name]) for name, kind in COLUMNS[what].items()} for row in found]


def normal(kind: str, value: Any) -> Any:
    if value is None or value == "":
        return None
    if kind in {"money", "decimal"}:
        return Decimal(value)
    if kind == "time":
        return str(value).replace("T", " ").replace("Z", "+00:00").replace(".000000", "")
    return int(value) if kind == "int" else value


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("what", KINDS)
def test_every_export_format_has_identical_rows(tmp_path: Path, what: What, form: Format) -> None:
    path = tmp_path / f"out.{form}"
    expected = rows(what)
    assert write_file(path, COLUMNS[what], iter(expected), form) == len(expected)
    assert read(path, form, what) == [
        {name: normal(kind, row[name]) for name, kind in COLUMNS[what].items()} for row in expected
    ]
    assert [each.name for each in tmp_path.iterdir()] == [path.name]


def test_money_in_parquet_is_exact_with_six_places(tmp_path: Path) -> None:
    path = tmp_path / "out.parquet"
    write_file(path, COLUMNS["statements"], rows("statements"), "parquet")
    schema = pq.read_schema(path)
    assert schema.field("amount").type == pa.decimal128(38, 6)
    assert schema.field("time").type == pa.timestamp("us", tz="UTC")


def test_an_existing_file_is_not_overwritten_and_an_incomplete_file_is_not_left(tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    path.write_text("mine")
    with pytest.raises(FixableError, match="exists already"):
        write_file(path, COLUMNS["ledger"], rows("ledger"), "csv")
    assert path.read_text() == "mine"
    with pytest.raises(FixableError, match="No such file or directory"):
        write_file(tmp_path / "nowhere" / "out.csv", COLUMNS["ledger"], rows("ledger"), "csv")


@pytest.mark.parametrize("what", KINDS)
def test_an_undecodable_event_ends_the_export_with_one_sentence_and_leaves_no_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], what: What
) -> None:
    log = busy_log().copy()
    events = log.parts[1].events
    events[60] = events[60]._replace(value=b"no event")
    export_log(log, tmp_path / "log", shard=None, to={})
    out = tmp_path / "out.csv"
    assert call(["audit", "export", what, "--out", str(out), "--log", str(tmp_path / "log")]) == 1
    said = capsys.readouterr().err
    assert f"Shard 1: nothing can be exported of record {events[60].offset} (" in said
    assert "audit verify" in said
    assert "Traceback" not in said
    assert [each.name for each in tmp_path.iterdir()] == ["log"]


def test_contradictory_events_end_the_export_with_an_error() -> None:
    """Here the trades of a symbol that no event has defined."""
    log = busy_log().copy()
    events = log.parts[0].events
    log.parts[0].events = [each for each in events if not isinstance(decode_event(each.value), InstrumentsDefined)]
    with pytest.raises(FixableError, match="Shard 0: nothing can be exported of record"):
        list(rows_of(log, "statements", (0,), None))


def test_an_export_of_an_unknown_account_is_refused_with_the_reason(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, out = tmp_path / "log", tmp_path / "out.csv"
    export_log(busy_log(), folder, shard=None, to={})
    asked = ["audit", "export", "statements", "--out", str(out), "--log", str(folder), "--account"]
    assert call([*asked, "nobody"]) == 1
    assert "is of account nobody, in shard" in capsys.readouterr().err
    assert not out.exists()
    account = rows("statements")[0]["account_id"]
    assert call([*asked, account, "--shard", str(1 - rows("statements")[0]["event_id"].startswith("1-"))]) == 1
    assert f"Account {account} is one of shard" in capsys.readouterr().err
    assert call([*asked, account]) == 0
    assert len(read(out, "csv", "statements")) == len(rows("statements", account))


def test_audit_export_writes_the_file_and_prints_the_number_of_rows(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, out = tmp_path / "log", tmp_path / "out.json"
    export_log(busy_log(), folder, shard=None, to={})
    arguments = ["audit", "export", "ledger", "--format", "json", "--out", str(out), "--log", str(folder)]
    assert call([*arguments, "--shard", "1"]) == 0
    count = len(list(rows_of(busy_log(), "ledger", (1,), None)))
    assert f"{count:,} rows" in capsys.readouterr().out
    assert len(json.loads(out.read_text())) == count
    assert call(arguments) == 1
    assert "exists already" in capsys.readouterr().err
