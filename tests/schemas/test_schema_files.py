"""The Avro files say what the types say, field for field."""

import inspect
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import msgspec
import pytest

from schemas.codec import DIGEST_SIZE, released_schemas
from schemas.commands import Command
from schemas.events import Event
from schemas.snapshots import SnapshotManifest
from schemas.venue import VenueEvent, VenueMessage

MESSAGES: tuple[type, ...] = (*get_args(Command), *get_args(Event), *get_args(VenueMessage))
EVENTS = (*get_args(Event), *get_args(VenueEvent))
AVRO = {int: "long", str: "string", bool: "boolean", NoneType: "null"}
HASH = {"type": "fixed", "size": 16}
Shape = Any  # JSON


def newest(message: type) -> dict[str, Any]:
    """Give the newest schema of a message."""
    released = released_schemas(message.__name__)
    return released[max(released)]


def of_type(wanted: Any) -> Shape:  # A type is any object.
    """Give the Avro shape of a field's type."""
    wanted = getattr(wanted, "__supertype__", wanted)  # A unit is an integer.
    origin, arguments = get_origin(wanted), get_args(wanted)
    if origin in (Union, UnionType):
        inner = [argument for argument in arguments if argument is not NoneType]
        return ["null", *map(of_type, inner)]
    if origin is Literal:
        return {"type": "enum", "symbols": list(arguments)}
    if origin is tuple:
        # Words in a list are strings on the wire, so that a new word is no new schema.
        items = "string" if get_origin(arguments[0]) is Literal else of_type(arguments[0])
        return {"type": "array", "items": items}
    if wanted is bytes:
        return HASH
    if inspect.isclass(wanted) and issubclass(wanted, msgspec.Struct):
        hints = get_type_hints(wanted)
        return {"type": "record", "fields": [(field, of_type(hints[field])) for field in wanted.__struct_fields__]}
    return AVRO[wanted]


def of_schema(schema: Any, named: dict[str, Any]) -> Shape:
    """Give the same shape of an Avro schema; a name refers to its earlier definition."""
    if isinstance(schema, list):
        return [of_schema(branch, named) for branch in schema]
    if isinstance(schema, str):
        return named.get(schema.rpartition(".")[2], schema)
    kind = schema["type"]
    if not isinstance(kind, str) or kind not in ("record", "enum", "fixed", "array"):
        return of_schema(kind, named)
    if kind == "array":
        return {"type": "array", "items": of_schema(schema["items"], named)}
    if kind == "record":
        shape: Shape = {
            "type": "record",
            "fields": [(field["name"], of_schema(field["type"], named)) for field in schema["fields"]],
        }
    else:
        shape = (
            {"type": kind, "symbols": schema["symbols"]} if kind == "enum" else {"type": kind, "size": schema["size"]}
        )
    named[schema["name"]] = shape
    return shape


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: message.__name__)
def test_every_field_of_a_message_is_in_its_avro_file_in_order_and_with_its_type(message: type) -> None:
    expected = of_type(message)["fields"]
    found = of_schema(newest(message), {})["fields"]
    if message in get_args(Event):
        assert found.pop() == ("digest", {"type": "fixed", "size": DIGEST_SIZE}), "the digest is the last field"
    assert found == expected


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: message.__name__)
def test_every_message_and_field_has_a_doc_and_every_nullable_field_has_default_null(message: type) -> None:
    schema = newest(message)
    assert schema["name"] == message.__name__
    assert schema["namespace"] == ("reprise.events" if message in EVENTS else "reprise.commands")
    assert schema["doc"]
    for field in schema["fields"]:
        assert field["doc"], field["name"]
        nullable = isinstance(field["type"], list)
        assert ("default" in field) == nullable, field["name"]
        if nullable:
            assert field["type"][0] == "null"
            assert field["default"] is None


@pytest.mark.parametrize("message", [*MESSAGES, SnapshotManifest], ids=lambda message: message.__name__)
def test_a_message_s_doc_is_the_docstring_of_its_class(message: type) -> None:
    assert newest(message)["doc"] == " ".join((inspect.getdoc(message) or "").split())


def test_message_names_are_unique() -> None:
    assert len({message.__name__ for message in MESSAGES}) == len(MESSAGES)
