"""The Avro files are complete, and agree with each other."""

from collections.abc import Iterator
from typing import Any, get_args

import pytest

from schemas.avro_files import released_schemas
from schemas.events import Event
from schemas.manifest import SnapshotManifest
from schemas.plain_data import MESSAGES
from schemas.record import Record, field_names
from schemas.venue_messages import VenueEvent

EVENTS = (*get_args(Event), *get_args(VenueEvent))


def newest(message: type) -> dict[str, Any]:
    """Give the newest schema of a message."""
    released = released_schemas(message.__name__)
    return released[max(released)]


def records_in(schema: Any) -> Iterator[dict[str, Any]]:
    """Give each record that is defined in a schema."""
    if isinstance(schema, list):
        for branch in schema:
            yield from records_in(branch)
    elif isinstance(schema, dict):
        if schema["type"] == "record":
            yield schema
            for field in schema["fields"]:
                yield from records_in(field["type"])
        else:
            yield from records_in(schema.get("items", schema["type"]))


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: message.__name__)
def test_a_class_has_the_fields_of_its_newest_avro_file_in_their_order(message: type[Record]) -> None:
    written = [field["name"] for field in newest(message)["fields"]]
    added = ["digest"] if message in get_args(Event) else ["checksum"] if message is SnapshotManifest else []
    assert [*field_names(message), *added] == written


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: message.__name__)
def test_every_message_and_field_has_a_doc_and_every_nullable_field_has_default_null(message: type) -> None:
    schema = newest(message)
    assert schema["name"] == message.__name__
    if message is not SnapshotManifest:
        assert schema["namespace"] == ("reprise.events" if message in EVENTS else "reprise.commands")
    for record in records_in(schema):
        assert record["doc"], record["name"]
        for field in record["fields"]:
            assert field["doc"], field["name"]
    for field in schema["fields"]:
        nullable = isinstance(field["type"], list)
        assert ("default" in field) == nullable, field["name"]
        if nullable:
            assert field["type"][0] == "null"
            assert field["default"] is None


def test_a_record_means_the_same_in_each_message_it_stands_in() -> None:
    meanings: dict[str, set[str]] = {}
    for message in MESSAGES:
        for record in records_in(newest(message)):
            meanings.setdefault(record["name"], set()).add(record["doc"])
    assert {name: found for name, found in meanings.items() if len(found) > 1} == {}


def test_message_names_are_unique() -> None:
    assert len({message.__name__ for message in MESSAGES}) == len(MESSAGES)
