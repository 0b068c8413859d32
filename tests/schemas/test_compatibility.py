"""An old log is read for ever: a released schema is never edited, and each reads what any other wrote."""

import copy
import json
from collections.abc import Callable
from importlib.resources import as_file, files
from itertools import permutations
from typing import Any, get_args

import pytest
from avro.compatibility import ReaderWriterCompatibilityChecker, SchemaCompatibilityType
from avro.schema import parse
from fastavro import parse_schema
from fastavro.schema import fingerprint, to_parsing_canonical_form

from schemas.avro_files import released_schemas
from schemas.commands import Command
from schemas.events import Event
from schemas.ledger_records import AccountsPage, LedgerHead
from schemas.manifest import SnapshotManifest
from schemas.venue_messages import VenueMessage

MESSAGES = (*get_args(Command), *get_args(Event), *get_args(VenueMessage))
NAMES = (*(message.__name__ for message in (*MESSAGES, SnapshotManifest, LedgerHead, AccountsPage)),)
Json = dict[str, Any]


def reads(reader: Json, writer: Json) -> bool:
    """Say whether what was written with one schema can be read with another, by Avro's own checker."""
    checker = ReaderWriterCompatibilityChecker()  # type: ignore[no-untyped-call]  # The package has no types.
    verdict = checker.get_compatibility(parse(json.dumps(reader)), parse(json.dumps(writer)))
    return verdict.compatibility is SchemaCompatibilityType.compatible


def fully_compatible(one: Json, other: Json) -> bool:
    """Say whether each reads the other."""
    return reads(one, other) and reads(other, one)


def mark(schema: Json) -> str:
    """Give the fingerprint a record carries on the wire, in hex."""
    return str(fingerprint(to_parsing_canonical_form(parse_schema(schema)), "CRC-64-AVRO"))


def manifest() -> dict[tuple[int, str], str]:
    """Give the fingerprint of each schema that was ever released, by version and type."""
    lines = files("schemas").joinpath("avro", "released.txt").read_text().splitlines()
    rows = [line.split() for line in lines if line and not line.startswith("#")]
    return {(int(version), name): digits for version, name, digits in rows}


def in_the_tree() -> dict[tuple[int, str], str]:
    """Give the same of the files there are."""
    return {(version, name): mark(schema) for name in NAMES for version, schema in released_schemas(name).items()}


def test_a_released_schema_never_changes_or_disappears() -> None:
    """A new file needs a line in released.txt; a line never changes and never goes."""
    assert in_the_tree() == manifest()


def test_no_avro_file_belongs_to_no_message() -> None:
    folder = files("schemas").joinpath("avro")
    with as_file(folder) as path:
        stray = [file.name for file in path.rglob("*.avsc") if file.stem not in NAMES]
    assert stray == []


def test_two_schemas_never_share_a_fingerprint() -> None:
    marks = list(manifest().values())
    assert len(set(marks)) == len(marks)


@pytest.mark.parametrize("name", NAMES)
def test_each_version_of_a_schema_reads_values_of_every_other_version(name: str) -> None:
    versions = released_schemas(name)
    first = versions[min(versions)]
    for one, other in permutations(versions.values(), 2):
        assert reads(one, other)
    assert reads(first, first)


def _changed(change: Callable[[Json], None]) -> tuple[Json, Json]:
    schema = released_schemas("PositionClosed")[1]
    changed = copy.deepcopy(schema)
    change(changed)
    return schema, changed


def _add_a_field_without_default(schema: Json) -> None:
    schema["fields"].insert(-1, {"name": "novelty", "type": "long"})


def _rename_a_field(schema: Json) -> None:
    schema["fields"][9]["name"] += "_anew"


def _change_a_type(schema: Json) -> None:
    next(field for field in schema["fields"] if field["name"] == "quantity")["type"] = "string"


def _narrow_a_type(schema: Json) -> None:
    next(field for field in schema["fields"] if field["name"] == "quantity")["type"] = "int"


def _drop_a_field(schema: Json) -> None:
    del schema["fields"][9]


def _add_a_word(schema: Json) -> None:
    next(field for field in schema["fields"] if field["name"] == "side")["type"]["symbols"].append("flat")


def _rename_the_record(schema: Json) -> None:
    schema["name"] = "PositionShut"


@pytest.mark.parametrize(
    "change",
    [
        _add_a_field_without_default,
        _rename_a_field,
        _change_a_type,
        _narrow_a_type,
        _drop_a_field,
        _add_a_word,
        _rename_the_record,
    ],
    ids=lambda change: change.__name__.strip("_"),
)
def test_an_incompatible_change_is_refused(change: Callable[[Json], None]) -> None:
    schema, changed = _changed(change)
    assert not fully_compatible(schema, changed)


def test_a_new_nullable_field_is_compatible_but_may_not_be_added_to_a_released_file() -> None:
    new_field = {"name": "novelty", "type": ["null", "long"], "default": None}
    schema, changed = _changed(lambda schema: schema["fields"].insert(-1, new_field))
    assert fully_compatible(schema, changed)
    assert mark(changed) != manifest()[1, "PositionClosed"]
