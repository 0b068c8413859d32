"""How an event's header is read without decoding what follows it."""

from io import BytesIO
from typing import Any, Final, get_args

import msgspec
from fastavro import parse_schema, schemaless_reader
from fastavro.schema import fingerprint, to_parsing_canonical_form

from reprise.schemas.codec import MARKER, PREFIX_SIZE, released_schemas
from reprise.schemas.events import Event, EventHeader

_FIELDS: Final = tuple(field.name for field in msgspec.structs.fields(EventHeader))


class Header(msgspec.Struct, frozen=True, gc=False):
    """What every event begins with."""

    seq: int
    account_seq: int | None
    command_offset: int
    index: int
    command_id: str | None
    command_hash: bytes | None
    account_id: str | None
    time: int


class HeaderReader:
    """Reads the header that all released schemas of events share, and names an event's type by its fingerprint."""

    def __init__(self) -> None:
        fields: list[dict[str, Any]] | None = None
        self._types: dict[bytes, type] = {}
        for event_type in get_args(Event):
            for schema in released_schemas(event_type.__name__).values():
                leading = schema["fields"][: len(_FIELDS)]
                assert tuple(field["name"] for field in leading) == _FIELDS == Header.__struct_fields__
                fields = fields or leading
                self._types[_prefix_of(schema)] = event_type
        self._schema = parse_schema({"type": "record", "name": "reprise.Header", "fields": fields})

    def read(self, value: bytes) -> Header:
        """Read the header of a committed event's value."""
        body = BytesIO(value)
        body.seek(PREFIX_SIZE)
        fields: Any = schemaless_reader(body, self._schema, None)
        return Header(**fields)

    def type_of(self, value: bytes) -> type:
        """Give the event's type."""
        return self._types[value[:PREFIX_SIZE]]


def _prefix_of(schema: dict[str, Any]) -> bytes:
    """Avro's single-object encoding: a marker, then the writer's schema's CRC-64-AVRO."""
    canonical = to_parsing_canonical_form(parse_schema(schema))
    return MARKER + bytes.fromhex(fingerprint(canonical, "CRC-64-AVRO"))
