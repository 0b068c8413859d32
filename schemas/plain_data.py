"""How records, and what JSON knows, become each other: for the API, the tables, and what the audit prints."""

from functools import cache
from typing import Any, Final, Literal, get_args

import msgspec

from schemas.avro_files import Language, RecordField, Schema
from schemas.commands import Command
from schemas.events import Event
from schemas.manifest import SnapshotManifest
from schemas.messages import AliveMark, Instrument, Leg, RefusedTick, Tick
from schemas.record import Record, RecordT, field_names, given_fields, made, optional_names
from schemas.venue_messages import VenueMessage, VenueOrder, VenueTrade

MESSAGES: Final[tuple[type[Record], ...]] = (
    *get_args(Event),
    *get_args(Command),
    *get_args(VenueMessage),
    SnapshotManifest,
)
RECORDS: Final[tuple[type[Record], ...]] = (AliveMark, Instrument, Leg, RefusedTick, Tick, VenueOrder, VenueTrade)

_PLAIN: Final = {"long": int, "string": str, "boolean": bool, "fixed": bytes}


def as_fields(value: object) -> dict[str, Any]:
    """Give msgspec, which knows nothing of records, the fields of one."""
    if isinstance(value, Record):
        return given_fields(value)
    raise NotImplementedError(f"{type(value).__name__} is no record")


_ENCODER: Final = msgspec.json.Encoder(enc_hook=as_fields)


def as_json(value: object) -> bytes:
    """Write JSON of a record, or of what contains records. Bytes are base64; fields left out are left out."""
    return _ENCODER.encode(value)


def as_builtins(value: object, *, keep_bytes: bool = False) -> Any:
    """Give a record, or what contains records, as dicts, lists and plain values. keep_bytes: else they are base64."""
    return msgspec.to_builtins(value, enc_hook=as_fields, builtin_types=(bytes,) if keep_bytes else ())


def from_builtins(value: object, kind: type[RecordT], *, strict: bool = True, keep_bytes: bool = False) -> RecordT:
    """Make a record of what `as_builtins` gives. Raises msgspec.ValidationError, which says what is wrong.

    strict: else digits may be text.
    """
    shape = shapes()[kind.__name__]
    record: RecordT = _record(
        msgspec.convert(value, shape, strict=strict, builtin_types=(bytes,) if keep_bytes else ())
    )
    return record


def instruments_of(content: object) -> tuple[Instrument, ...]:
    """Make instruments of a list of what `as_builtins` gives. Raises msgspec.ValidationError for anything else."""
    return tuple(from_builtins(each, Instrument) for each in msgspec.convert(content, list[Any]))


@cache
def shapes() -> dict[str, type[msgspec.Struct]]:
    """Give what msgspec takes each record for, by its name: made of the newest Avro files, once."""
    language = Language(tuple(kind.__name__ for kind in MESSAGES))
    found: dict[str, type[msgspec.Struct]] = {}
    for kind in (*RECORDS, *MESSAGES):
        optional, names = optional_names(kind), field_names(kind)
        fields = [field for field in language.newest(kind.__name__).fields if field.name in names]
        found[kind.__name__] = msgspec.defstruct(
            kind.__name__,
            [
                (field.name, _type(field, language, found), *((None,) if field.name in optional else ()))
                for field in fields
            ],
            kw_only=True,
            forbid_unknown_fields=True,
        )
    return found


def _type(field: RecordField, language: Language, known: dict[str, type[msgspec.Struct]]) -> Any:
    of_value = _type_of(field.type, language, known)
    return of_value | None if field.nullable else of_value


def _type_of(schema: Schema, language: Language, known: dict[str, type[msgspec.Struct]]) -> Any:
    kind, name = language.resolved(schema)
    match kind:
        case "record":
            return known[name]
        case "enum":
            return Literal.__getitem__(language.enums[name])
        case "array":
            return tuple.__class_getitem__((_type_of(schema["items"], language, known), ...))
        case "long" | "string" | "boolean" | "fixed":
            return _PLAIN[kind]
        case _:
            return _type_of(kind, language, known)


_KINDS: Final = {kind.__name__: kind for kind in (*RECORDS, *MESSAGES)}


def _record(value: Any) -> Any:
    """Make records of their shapes, the innermost first."""
    if isinstance(value, tuple):
        return tuple(_record(each) for each in value)
    if isinstance(value, msgspec.Struct):
        fields = {name: _record(getattr(value, name)) for name in value.__struct_fields__}
        return made(_KINDS[type(value).__name__], fields)
    return value
