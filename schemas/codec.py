"""How commands and events become bytes and back: Avro single-object encoding, and the digest that chains events."""

import json
from collections.abc import Callable
from functools import cache
from hashlib import blake2b
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any, Final, NamedTuple, get_args

from fastavro import parse_schema
from fastavro.schema import fingerprint, to_parsing_canonical_form

from schemas.avro_codegen import Writer, compile_reader, compile_writer, read_first
from schemas.commands import Command
from schemas.events import Event
from schemas.messages import AliveMark, Instrument, Leg, RefusedTick, Tick

MARKER: Final = b"\xc3\x01"
PREFIX_SIZE: Final = 10  # the marker and the fingerprint of the writer's schema
DIGEST_SIZE: Final = 16
DIGEST_FIELD: Final = "digest"
RULES_VERSION: Final = 2  # the newest there is; the core has rules for each up to it

_RECORDS: Final[dict[str, type]] = {
    record.__name__: record for record in (AliveMark, Instrument, Leg, RefusedTick, Tick)
}

Reader = Callable[[bytes], Any]


class NotDecodable(ValueError):
    """Bytes that are not one message of ours; the text says in which way."""


class CommandEncoder(NamedTuple):
    """Writes a command by one released schema.

    missing_fields: the schema lacks them, so they must be null. missing_in_items: the same of the records in a field.
    """

    prefix: bytes
    write: Writer
    missing_fields: tuple[str, ...]
    missing_in_items: tuple[tuple[str, tuple[str, ...]], ...]

    def has_all_of(self, command: Command) -> bool:
        """Say whether nothing of a command would be lost."""
        return all(getattr(command, name) is None for name in self.missing_fields) and all(
            getattr(item, name) is None
            for field, names in self.missing_in_items
            for item in getattr(command, field)
            for name in names
        )


class Codec(NamedTuple):
    """Every released schema: encoders by message type, decoders by prefix, which has the writer's fingerprint.

    event_encoders: by rules version, then by type. versions: the rules version each schema came with, by prefix.
    """

    event_encoders: dict[int, dict[type, tuple[bytes, Writer]]]
    command_encoders: dict[type, tuple[CommandEncoder, ...]]  # oldest first
    command_decoders: dict[bytes, Reader]
    event_decoders: dict[bytes, Reader]
    versions: dict[bytes, int]
    newest: int  # version with a schema


@cache
def codec() -> Codec:
    """Read every schema ever released, once."""
    commands: dict[bytes, Reader] = {}
    events: dict[bytes, Reader] = {}
    versions: dict[bytes, int] = {}
    for types, decoders in ((get_args(Command), commands), (get_args(Event), events)):
        for message_type in types:
            for version, schema in sorted(released_schemas(message_type.__name__).items()):
                prefix = prefix_of(schema)
                decoders[prefix] = _reader(schema, message_type)
                versions[prefix] = version
    event_encoders = _EventEncoders()
    for version in range(1, RULES_VERSION + 1):
        event_encoders.compile(version)
    command_encoders = {command_type: _command_encoders(command_type) for command_type in get_args(Command)}
    return Codec(event_encoders, command_encoders, commands, events, versions, max(versions.values()))


class _EventEncoders(dict[int, dict[type, tuple[bytes, Writer]]]):
    """The writers of events by rules version; those of a later version are compiled when first used."""

    def __missing__(self, rules_version: int) -> dict[type, tuple[bytes, Writer]]:
        return self.compile(rules_version)

    def compile(self, rules_version: int) -> dict[type, tuple[bytes, Writer]]:
        """Compile the writers of a version: each event's newest schema that is not newer than the version."""
        made = self[rules_version] = {}
        for event_type in get_args(Event):
            released = released_schemas(event_type.__name__)
            known = [version for version in released if version <= rules_version]
            if known:  # Else the event comes with later rules, and is never asked for before.
                schema = released[max(known)]
                made[event_type] = (prefix_of(schema), compile_writer(schema, without=DIGEST_FIELD))
        return made


def schema_files() -> Traversable:
    """Give the folder with a folder of schemas for each rules version."""
    return files("schemas").joinpath("avro")


def released_schemas(name: str) -> dict[int, dict[str, Any]]:
    """Give each version of a message's schema, by the rules version that first wrote it."""
    return {
        int(folder.name): json.loads(folder.joinpath(f"{name}.avsc").read_text())
        for folder in schema_files().iterdir()
        if folder.joinpath(f"{name}.avsc").is_file()
    }


def prefix_of(schema: dict[str, Any]) -> bytes:
    """Give what a message of this schema begins with: the marker and, little-endian, its CRC-64-AVRO fingerprint."""
    canonical = to_parsing_canonical_form(parse_schema(schema))
    return MARKER + bytes.fromhex(fingerprint(canonical, "CRC-64-AVRO"))


def encode_command(command: Command) -> bytes:
    """Give a command's record value, by the oldest schema that has all its fields, for engines of every age."""
    for encoder in codec().command_encoders[type(command)]:
        if encoder.has_all_of(command):
            return encoder.write(command, encoder.prefix)
    raise AssertionError("the newest schema has all fields")


def decode_command(value: bytes | None, rules_version: int | None = None) -> Command:
    """Read a command's record value, or raise NotDecodable, whatever the bytes are.

    rules_version: the one in force, given by an executor. A schema that came with a later version is not a command
    yet: code without that version rejected it, and an old log must replay to the same bytes.
    """
    all_schemas = codec()
    command: Command = _decode(value, all_schemas.command_decoders)
    if rules_version is not None and rules_version < all_schemas.newest:
        assert value is not None, "it was decoded"
        comes_with = all_schemas.versions[value[:PREFIX_SIZE]]
        if comes_with > rules_version:
            raise NotDecodable(f"its schema comes with rules version {comes_with}")
    return command


def command_in(value: bytes | None, rules_version: int | None = None) -> Command | None:
    """Give the command in a record's value, null where the bytes are none: under these rules, or under any."""
    try:
        return decode_command(value, rules_version)
    except NotDecodable:
        return None


def encode_and_chain(event: Event, previous: bytes, rules_version: int) -> tuple[bytes, bytes]:
    """Give an event's record value and its digest, which chains it to the previous one's.

    rules_version: in force before the event's command; it names the writer's schema.
    """
    prefix, write = codec().event_encoders[rules_version][type(event)]
    body = write(event, prefix)
    digest = blake2b(previous + body, digest_size=DIGEST_SIZE).digest()
    return body + digest, digest


def version_of(value: bytes) -> int | None:
    """Give the rules version that brought the schema a message was written with; null where it is none of ours."""
    return codec().versions.get(value[:PREFIX_SIZE])


def first_digest(shard: int) -> bytes:
    """Give what a shard's first event takes as previous digest."""
    return blake2b(f"reprise/{shard}".encode(), digest_size=DIGEST_SIZE).digest()


def seq_of(value: bytes) -> int:
    """Give the `seq` an event's record value carries, whatever later version wrote it: it is the first field of all."""
    if value[:2] != MARKER or len(value) <= PREFIX_SIZE:
        raise NotDecodable("it is no event")
    return read_first(value, PREFIX_SIZE)


def digest_of(value: bytes) -> bytes:
    """Give the digest an event's record value carries."""
    return value[-DIGEST_SIZE:]


def expected_digest(value: bytes, previous: bytes) -> bytes:
    """Give the digest an event's record value must carry after the previous one."""
    return blake2b(previous + value[:-DIGEST_SIZE], digest_size=DIGEST_SIZE).digest()


def decode_event(value: bytes | None) -> Event:
    """Read an event's record value, or raise NotDecodable."""
    event: Event = _decode(value, codec().event_decoders)
    return event


def _decode(value: bytes | None, decoders: dict[bytes, Reader]) -> Any:
    if value is None or value[:2] != MARKER or len(value) < PREFIX_SIZE:
        raise NotDecodable("no Avro single-object encoding: the value does not begin with C3 01 and a fingerprint")
    read = decoders.get(value[:PREFIX_SIZE])
    if read is None:
        raise NotDecodable(f"no message of this topic has a schema with fingerprint {value[2:PREFIX_SIZE].hex()}")
    try:
        return read(value)
    except (ValueError, IndexError, EOFError, OverflowError, MemoryError, TypeError) as error:
        raise NotDecodable(f"it is not what its schema says: {str(error) or type(error).__name__}") from error


def _command_encoders(command_type: type) -> tuple[CommandEncoder, ...]:
    fields = command_type.__struct_fields__  # type: ignore[attr-defined]  # Every message is a Struct.
    encoders = []
    for _, schema in sorted(released_schemas(command_type.__name__).items()):
        written = {field["name"]: field["type"] for field in schema["fields"]}
        missing_in_items = tuple(
            (name, missing) for name, field_type in written.items() if (missing := _missing_in_items(field_type))
        )
        encoders.append(
            CommandEncoder(
                prefix=prefix_of(schema),
                write=compile_writer(schema),
                missing_fields=tuple(name for name in fields if name not in written),
                missing_in_items=missing_in_items,
            )
        )
    return tuple(encoders)


def _missing_in_items(field_type: Any) -> tuple[str, ...]:
    """Name the fields that this schema of an array of records lacks."""
    if not isinstance(field_type, dict) or field_type["type"] != "array" or not isinstance(field_type["items"], dict):
        return ()
    items = field_type["items"]
    written = {field["name"] for field in items["fields"]}
    fields = _RECORDS[items["name"]].__struct_fields__  # type: ignore[attr-defined]  # Every record is a Struct.
    return tuple(name for name in fields if name not in written)


def _reader(schema: dict[str, Any], message_type: type) -> Reader:
    """Give what reads messages of one writer's schema, the newest or an older one."""
    read = compile_reader(schema, message_type, _RECORDS, without=DIGEST_FIELD)
    return lambda value: read(value, PREFIX_SIZE)
