"""What the Avro files say of each record: its versions, its fields, and their types."""

import json
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any, Final, NamedTuple

NAMED_KINDS: Final = ("record", "enum", "fixed")
STATE: Final = "state"  # the folder of what snapshots are made of
NO_DEFAULT: Final = object()

Schema = Any  # as JSON has it: a name, a list (union) or an object


class RecordField(NamedTuple):
    """A field of a record. type: of what is not null. later: it came with a later version than its record.

    default: what it is where it is not given; NO_DEFAULT where it must be.
    """

    name: str
    type: Schema
    nullable: bool
    unit: str | None
    words: str | None
    later: bool
    default: Any


class RecordVersion(NamedTuple):
    """A record as one released file has it. number: of the version that brought this form of it.

    mutable: a part of the ledger's state, which changes in place.
    """

    name: str
    number: int
    doc: str
    fields: tuple[RecordField, ...]
    mutable: bool


def schema_files() -> Traversable:
    """Give the folder with a folder of schemas for each version."""
    return files("schemas").joinpath("avro")


@cache
def released_schemas(name: str) -> dict[int, dict[str, Any]]:
    """Give each version of a schema, oldest first: of a message by the rules version that first wrote it.

    What a snapshot is made of has the number of the snapshot's format.
    """
    folders = (*schema_files().iterdir(), *schema_files().joinpath(STATE).iterdir())
    found = {
        int(folder.name): json.loads(folder.joinpath(f"{name}.avsc").read_text(encoding="utf-8"))
        for folder in folders
        if folder.name.isdigit() and folder.joinpath(f"{name}.avsc").is_file()
    }
    return dict(sorted(found.items()))


class Language:
    """Every record and enum of some messages: of each record its versions, oldest first."""

    def __init__(self, messages: tuple[str, ...]) -> None:
        """Read the files of these messages."""
        self.records: dict[str, list[RecordVersion]] = {}
        self.enums: dict[str, tuple[str, ...]] = {}
        self.fixed: dict[str, int] = {}
        for version, message in sorted((version, each) for each in messages for version in released_schemas(each)):
            self._read(released_schemas(message)[version], version)

    def newest(self, name: str) -> RecordVersion:
        """Give a record as it is now."""
        return self.records[name][-1]

    def resolved(self, schema: Schema) -> tuple[str, str]:
        """Give the kind of a type, and its name where it has one."""
        if isinstance(schema, dict):
            kind: str = schema["logicalType"] if "logicalType" in schema else schema["type"]
            return kind, (schema["name"] if kind in NAMED_KINDS else "")
        assert isinstance(schema, str), "a type is an object or a name here"
        name = schema.rpartition(".")[2]
        if name in self.records:
            return "record", name
        if name in self.enums:
            return "enum", name
        return ("fixed", name) if name in self.fixed else (name, "")

    def _read(self, schema: Schema, version: int) -> None:
        """Take in the named types of a schema, the innermost first."""
        if isinstance(schema, list):
            for branch in schema:
                self._read(branch, version)
        elif isinstance(schema, dict):
            match schema["type"]:
                case "record":
                    for field in schema["fields"]:
                        self._read(field["type"], version)
                    self._add(schema, version)
                case "enum":
                    symbols = tuple(schema["symbols"])
                    assert self.enums.setdefault(schema["name"], symbols) == symbols, "an enum is one in all files"
                case "fixed":
                    self.fixed[schema["name"]] = schema["size"]
                case "array":
                    self._read(schema["items"], version)
                case "map":
                    self._read(schema["values"], version)
                case inner:
                    self._read(inner, version)

    def _add(self, schema: dict[str, Any], version: int) -> None:
        versions = self.records.setdefault(schema["name"], [])
        first = {field.name for field in versions[0].fields} if versions else None
        record = RecordVersion(
            schema["name"],
            version,
            schema["doc"],
            tuple(_field(field, first) for field in schema["fields"]),
            mutable=schema.get("mutable", False),
        )
        if not versions or _form(versions[-1]) != _form(record):
            versions.append(record)


def _field(field: dict[str, Any], first: set[str] | None) -> RecordField:
    given = field["type"]
    if isinstance(given, list):
        null, other = given
        assert null == "null", "a union is of null first and one other type"
    else:
        other = given
    return RecordField(
        name=field["name"],
        type=other,
        nullable=isinstance(given, list),
        unit=field.get("unit"),
        words=field.get("words"),
        later=first is not None and field["name"] not in first,
        default=field.get("default", NO_DEFAULT),
    )


def _form(record: RecordVersion) -> list[tuple[str, Schema, bool]]:
    """Give what makes two versions of a record the same on the wire."""
    return [(field.name, field.type, field.nullable) for field in record.fields]
