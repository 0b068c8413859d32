"""How rows become a file others can read, without a float anywhere: CSV, JSON, Parquet; whole, or not there."""

import csv
import json
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Any, Final, Literal

import pyarrow as pa
from pyarrow.parquet import ParquetWriter

from audit.export.statements import Kind, Row
from runtime.errors import FixableError

Format = Literal["csv", "json", "parquet"]
Columns = dict[str, Kind]
GROUP: Final = 50_000
UNFINISHED: Final = ".unfinished"
TYPES: Final[dict[Kind, Callable[[], Any]]] = {
    "text": pa.string,
    "int": pa.int64,
    "money": lambda: pa.decimal128(38, 6),
    "decimal": lambda: pa.decimal128(38, 12),
    "time": lambda: pa.timestamp("us", tz="UTC"),
}


def write_file(path: Path, columns: Columns, rows: Iterable[Row], form: Format) -> int:
    """Write rows and give their count. FixableError where the file exists or cannot be written; then none is left."""
    if path.exists():
        raise FixableError(f"{path} exists already; name another file with --out.")
    unfinished = path.with_name(path.name + UNFINISHED)
    write = {"csv": _write_csv, "json": _write_json, "parquet": _write_parquet}[form]
    try:
        count = write(unfinished, columns, rows)
        unfinished.rename(path)
    except OSError as error:
        raise FixableError(f"{path} cannot be written: {error.strerror or error}.") from error
    finally:
        unfinished.unlink(missing_ok=True)
    return count


def _write_csv(path: Path, columns: Columns, rows: Iterable[Row]) -> int:
    count = 0
    with path.open("w", encoding="utf-8", newline="") as out:
        writer = csv.DictWriter(out, list(columns))
        writer.writeheader()
        for row in rows:
            writer.writerow(row)
            count += 1
    return count


def _write_json(path: Path, columns: Columns, rows: Iterable[Row]) -> int:
    """One array, one object a line."""
    count = 0
    with path.open("w", encoding="utf-8") as out:
        out.write("[")
        for row in rows:
            out.write(",\n" if count else "\n")
            out.write(json.dumps({name: row[name] for name in columns}))
            count += 1
        out.write("\n]\n")
    return count


def _write_parquet(path: Path, columns: Columns, rows: Iterable[Row]) -> int:
    schema = pa.schema([(name, TYPES[kind]()) for name, kind in columns.items()])
    count = 0
    with ParquetWriter(path, schema) as writer:
        for group in _groups(iter(rows)):
            table = {name: [_typed(kind, row[name]) for row in group] for name, kind in columns.items()}
            writer.write_table(pa.table(table, schema=schema))
            count += len(group)
    return count


def _typed(kind: Kind, value: Any) -> Any:
    """Give digits as a decimal and a time as one; null stays null."""
    if value is None:
        return None
    if kind in {"money", "decimal"}:
        return Decimal(value)
    return datetime.fromisoformat(value) if kind == "time" else value


def _groups(rows: Iterator[Row]) -> Iterator[list[Row]]:
    while group := list(islice(rows, GROUP)):
        yield group
