"""How an event's header is read without decoding what follows it."""

from io import BytesIO
from typing import Any, Final, get_args

from fastavro import parse_schema, schemaless_reader

from schemas.codec import PREFIX_SIZE, prefix_of, released_schemas
from schemas.events import Event, EventHeader

_FIELDS: Final = EventHeader.__struct_fields__


class HeaderReader:
    """Reads the header that all released schemas of events share, and names an event's type by its fingerprint."""

    def __init__(self) -> None:
        fields: list[dict[str, Any]] | None = None
        self._types: dict[bytes, type] = {}
        for event_type in get_args(Event):
            for schema in released_schemas(event_type.__name__).values():
                leading = schema["fields"][: len(_FIELDS)]
                assert tuple(field["name"] for field in leading) == _FIELDS
                fields = fields or leading
                self._types[prefix_of(schema)] = event_type
        self._schema = parse_schema({"type": "record", "name": "reprise.Header", "fields": fields})

    def read(self, value: bytes) -> EventHeader:
        """Read the header of a committed event's value."""
        body = BytesIO(value)
        body.seek(PREFIX_SIZE)
        fields: Any = schemaless_reader(body, self._schema, None)
        return EventHeader(**fields)

    def type_of(self, value: bytes) -> type:
        """Give the event's type."""
        return self._types[value[:PREFIX_SIZE]]
