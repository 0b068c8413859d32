"""How a message of the log becomes its fields: by the schema in the wheel whose fingerprint it begins with."""

from io import BytesIO
from typing import Any, Final

from fastavro import parse_schema, schemaless_reader
from fastavro.schema import fingerprint, to_parsing_canonical_form

from reprise_client.errors import RepriseError
from reprise_client.messages import Schema, avro_schemas

MARKER: Final = b"\xc3\x01"
PREFIX_SIZE: Final = 10  # the marker and the fingerprint of the writer's schema


class UnknownSchema(RepriseError):
    """A value's schema is none of those this client carries: a newer client knows it."""


class Decoder:
    """Decodes messages of any version there was when this client was made."""

    def __init__(self) -> None:
        versions = avro_schemas()
        self._newest = {name: parse_schema(schemas[max(schemas)]) for name, schemas in versions.items()}
        self._writers = {
            _prefix(schema): (name, parse_schema(schema))
            for name, schemas in versions.items()
            for schema in schemas.values()
        }

    def decode(self, value: bytes) -> tuple[str, dict[str, Any]]:
        """Give a message's type and its fields, as the newest schema has them; bytes as hex digits."""
        if value[:2] != MARKER or len(value) < PREFIX_SIZE:
            raise UnknownSchema("the value is no message of the exchange: it does not begin with C3 01")
        known = self._writers.get(value[:PREFIX_SIZE])
        if known is None:
            raise UnknownSchema(f"no schema here has the fingerprint {value[2:PREFIX_SIZE].hex()}; update this client")
        name, writer = known
        fields: Any = schemaless_reader(BytesIO(value[PREFIX_SIZE:]), writer, self._newest[name])
        return name, {field: _plain(content) for field, content in fields.items()}


def _prefix(schema: Schema) -> bytes:
    canonical = to_parsing_canonical_form(parse_schema(schema))
    return MARKER + bytes.fromhex(fingerprint(canonical, "CRC-64-AVRO"))


def _plain(content: Any) -> Any:
    return content.hex() if isinstance(content, bytes) else content
