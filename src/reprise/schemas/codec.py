"""How commands and events become bytes and back: Avro single-object encoding, and the digest that chains events."""

import json
from collections.abc import Callable
from functools import cache, partial
from hashlib import blake2b
from importlib.resources import files
from io import BytesIO
from typing import Any, Final, NamedTuple, get_args

import msgspec
from fastavro import parse_schema, schemaless_reader
from fastavro.schema import fingerprint, to_parsing_canonical_form

from reprise.schemas.commands import Command
from reprise.schemas.compiled import Writer, compile_reader, compile_writer
from reprise.schemas.events import Event
from reprise.schemas.messages import Instrument, Leg, RefusedTick, Tick

MARKER: Final = b"\xc3\x01"
PREFIX_SIZE: Final = 10  # the marker and the fingerprint of the writer's schema
DIGEST_SIZE: Final = 16
DIGEST_FIELD: Final = "digest"
RULES_VERSION: Final = 1  # names the writer's schemas: the files in avro/1

_RECORDS: Final[dict[str, type]] = {record.__name__: record for record in (Instrument, Leg, RefusedTick, Tick)}
_BYTES: Final = (bytes,)

Reader = Callable[[bytes], Any]


class NotDecodable(ValueError):
    """Bytes that are not one message of ours; the text says in which way."""


class Codec(NamedTuple):
    """The schemas in force: to write with, by type; to read with, by the prefix, which has the writer's fingerprint."""

    writers: dict[type, tuple[bytes, Writer]]
    commands: dict[bytes, Reader]
    events: dict[bytes, Reader]


@cache
def codec() -> Codec:
    """Read every schema ever released, once."""
    made = Codec({}, {}, {})
    for types, readers in ((get_args(Command), made.commands), (get_args(Event), made.events)):
        for message_type in types:
            released = released_schemas(message_type.__name__)
            newest = released[max(released)]
            for version, schema in sorted(released.items()):
                prefix = prefix_of(schema)
                readers[prefix] = _reader(schema, newest, message_type)
                if version <= RULES_VERSION:
                    made.writers[message_type] = (prefix, compile_writer(schema, without=DIGEST_FIELD))
    return made


def released_schemas(name: str) -> dict[int, dict[str, Any]]:
    """Give each version of a message's schema, by the rules version that first wrote it."""
    return {
        int(folder.name): json.loads(folder.joinpath(f"{name}.avsc").read_text())
        for folder in files("reprise.schemas").joinpath("avro").iterdir()
        if folder.joinpath(f"{name}.avsc").is_file()
    }


def prefix_of(schema: dict[str, Any]) -> bytes:
    """Give what a message of this schema begins with: the marker and, little-endian, its CRC-64-AVRO fingerprint."""
    canonical = to_parsing_canonical_form(parse_schema(schema))
    return MARKER + bytes.fromhex(fingerprint(canonical, "CRC-64-AVRO"))


def encode_command(command: Command) -> bytes:
    """Give a command's record value."""
    prefix, write = codec().writers[type(command)]
    return write(command, prefix)


def decode_command(value: bytes | None) -> Command:
    """Read a command's record value, or raise NotDecodable, whatever the bytes are."""
    command: Command = _read(value, codec().commands)
    return command


def seal(event: Event, previous: bytes) -> tuple[bytes, bytes]:
    """Give an event's record value and its digest, which chains it to the previous one's."""
    prefix, write = codec().writers[type(event)]
    body = write(event, prefix)
    digest = blake2b(previous + body, digest_size=DIGEST_SIZE).digest()
    return body + digest, digest


def first_digest(shard: int) -> bytes:
    """Give what a shard's first event takes as previous digest."""
    return blake2b(f"reprise/{shard}".encode(), digest_size=DIGEST_SIZE).digest()


def digest_of(value: bytes) -> bytes:
    """Give the digest an event's record value carries."""
    return value[-DIGEST_SIZE:]


def expected_digest(value: bytes, previous: bytes) -> bytes:
    """Give the digest an event's record value must carry after the previous one."""
    return blake2b(previous + value[:-DIGEST_SIZE], digest_size=DIGEST_SIZE).digest()


def read_event(value: bytes | None) -> Event:
    """Read an event's record value, or raise NotDecodable."""
    event: Event = _read(value, codec().events)
    return event


def _read(value: bytes | None, readers: dict[bytes, Reader]) -> Any:
    if value is None or value[:2] != MARKER or len(value) < PREFIX_SIZE:
        raise NotDecodable("no Avro single-object encoding: the value does not begin with C3 01 and a fingerprint")
    read = readers.get(value[:PREFIX_SIZE])
    if read is None:
        raise NotDecodable(f"no message of this topic has a schema with fingerprint {value[2:PREFIX_SIZE].hex()}")
    try:
        return read(value)
    except (ValueError, IndexError, EOFError, OverflowError, MemoryError, TypeError) as error:
        raise NotDecodable(f"it is not what its schema says: {str(error) or type(error).__name__}") from error


def _reader(schema: dict[str, Any], newest: dict[str, Any], message_type: type) -> Reader:
    """Give what reads messages of one writer's schema: compiled for the newest, by Avro's resolution for older ones."""
    if schema is newest:
        read = compile_reader(schema, message_type, _RECORDS, without=DIGEST_FIELD)
        return lambda value: read(value, PREFIX_SIZE)
    return partial(_read_resolved, parse_schema(schema), parse_schema(newest), message_type)


def _read_resolved(writer_schema: Any, reader_schema: Any, message_type: Any, value: bytes) -> Any:
    body = BytesIO(value)
    body.seek(PREFIX_SIZE)
    fields: Any = schemaless_reader(body, writer_schema, reader_schema)
    if body.read(1):
        raise ValueError("bytes after its end")
    fields.pop(DIGEST_FIELD, None)
    return msgspec.convert(fields, message_type, builtin_types=_BYTES)
