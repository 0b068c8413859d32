"""The schemas in the client's wheel say what events are: an event as the client decodes it fits its JSON Schema."""

import json
from typing import Any

import jsonschema
import pytest

from reprise_client import avro_schemas, json_schema
from reprise_client.decoding import Decoder, UnknownSchema
from reprise_client.messages import Schema
from schemas.plain_data import as_builtins
from tests.projector.streams import Exchange, busy_exchange


@pytest.fixture(scope="module")
def exchange() -> Exchange:
    return busy_exchange(accounts=10, rounds=40, orders=6)


def test_the_client_decodes_an_event_to_the_fields_the_exchange_wrote(exchange: Exchange) -> None:
    decoder = Decoder()
    seen = set()
    for shard in range(exchange.shards):
        for event, value in zip(exchange.events[shard], exchange.values[shard], strict=True):
            kind, fields = decoder.decode(value)
            expected = json.loads(json.dumps(as_builtins(event, keep_bytes=True), default=bytes.hex))
            assert kind == type(event).__name__
            # A field that came with version 2 is null in the exchange's event, and not in the bytes of version 1.
            assert without_nulls(fields) == without_nulls(expected) | {"digest": value[-16:].hex()}
            seen.add(kind)
    assert {"PositionOpened", "PositionClosed", "CommandRejected", "PricesUpdated"} <= seen


def without_nulls(value: Any) -> Any:
    """Leave out the fields that are null, at any depth."""
    if isinstance(value, dict):
        return {name: without_nulls(each) for name, each in value.items() if each is not None}
    return [without_nulls(each) for each in value] if isinstance(value, list) else value


def test_a_decoded_event_fits_its_json_schema(exchange: Exchange) -> None:
    decoder = Decoder()
    checkers: dict[str, jsonschema.Draft202012Validator] = {}
    for value in [value for values in exchange.values for value in values]:
        kind, fields = decoder.decode(value)
        if kind not in checkers:
            checkers[kind] = jsonschema.Draft202012Validator(json_schema(kind))
        checkers[kind].validate(fields)
    assert len(checkers) > 8


@pytest.mark.parametrize(
    ("name", "content"),
    [("quantity", "1"), ("quantity", None), ("side", "flat"), ("digest", "00"), ("legs", [{"source": "CASH"}])],
)
def test_a_json_schema_refuses_an_impossible_event(exchange: Exchange, name: str, content: object) -> None:
    decoder = Decoder()
    fields = next(
        fields for value in exchange.values[0] for kind, fields in [decoder.decode(value)] if kind == "PositionOpened"
    )
    checker = jsonschema.Draft202012Validator(json_schema("PositionOpened"))
    checker.validate(fields)
    assert not checker.is_valid(fields | {name: content})
    assert not checker.is_valid({key: field for key, field in fields.items() if key != name})


@pytest.mark.parametrize("name", sorted(avro_schemas()))
def test_every_avro_schema_has_a_valid_json_schema_that_describes_every_field(name: str) -> None:
    made = json_schema(name)
    jsonschema.Draft202012Validator.check_schema(made)
    newest: Schema = avro_schemas()[name][max(avro_schemas()[name])]
    assert list(made["properties"]) == [field["name"] for field in newest["fields"]]
    assert all(field["description"] for field in made["properties"].values())


def test_a_value_of_a_schema_the_client_does_not_have_is_named(exchange: Exchange) -> None:
    unknown = b"\xc3\x01" + bytes(8) + exchange.values[0][0][10:]
    with pytest.raises(UnknownSchema, match="0000000000000000"):
        Decoder().decode(unknown)
    with pytest.raises(UnknownSchema, match="C3 01"):
        Decoder().decode(b"{}")
