"""What stands for a record in made Python: the names of its functions, and the bytes its values begin with."""

import re
from typing import Final

from fastavro import parse_schema
from fastavro.schema import fingerprint, to_parsing_canonical_form

from schemas.avro_files import RecordVersion

PYTHON_TYPES: Final = {"long": "int", "string": "str", "boolean": "bool", "fixed": "bytes", "decimal": "int"}
MARKER: Final = b"\xc3\x01"


def prefix_of(schema: dict[str, object]) -> bytes:
    """Give what a message of this schema begins with: the marker and, little-endian, its CRC-64-AVRO fingerprint."""
    canonical = to_parsing_canonical_form(parse_schema(schema))
    return MARKER + bytes.fromhex(fingerprint(canonical, "CRC-64-AVRO"))


def snake(name: str) -> str:
    """Write a class's name as functions are named."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


def function_of(record: RecordVersion) -> str:
    """Give what the names of a version's functions end with."""
    return f"{snake(record.name)}_{record.number}"


def constant_of(name: str) -> str:
    """Write an enum's name as constants are named."""
    return snake(name).upper()


def missing_fields(newest: RecordVersion, record: RecordVersion) -> tuple[str, ...]:
    """Name the fields that a record has by now and this version has not."""
    written = {field.name for field in record.fields}
    return tuple(field.name for field in newest.fields if field.name not in written)
