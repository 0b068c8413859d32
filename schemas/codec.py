"""How commands and events become bytes and back: Avro single-object encoding, and the digest that chains events."""

from functools import cache
from hashlib import blake2b
from typing import Any, Final, NamedTuple

from schemas import commands_codec, events_codec
from schemas.commands import Command
from schemas.events import Event, EventHeader
from schemas.events_codec import read_event_header
from schemas.forms import Form
from schemas.record import Record
from schemas.wire import read_long

MARKER: Final = b"\xc3\x01"
PREFIX_SIZE: Final = 10  # the marker and the fingerprint of the writer's schema
DIGEST_SIZE: Final = 16
RULES_VERSION: Final = 2  # the newest there is; the core has rules for each up to it


class NotDecodable(ValueError):
    """Bytes that are not one message of ours; the text says in which way."""


class Codec(NamedTuple):
    """Every released schema of commands and events, by prefix, which has the writer's fingerprint, and by type.

    command_writers: oldest first. event_writers: by rules version, of each type the newest that is not newer than it.
    """

    commands: dict[bytes, Form]
    events: dict[bytes, Form]
    command_writers: dict[type[Record], list[Form]]
    event_writers: dict[int, dict[type[Record], Form]]


@cache
def codec() -> Codec:
    """Give every schema ever released."""
    command_writers: dict[type[Record], list[Form]] = {}
    for form in commands_codec.FORMS:
        command_writers.setdefault(form.message, []).append(form)
    event_writers: dict[int, dict[type[Record], Form]] = {}
    for version in range(1, RULES_VERSION + 1):
        # An event that comes with later rules is never asked for before.
        event_writers[version] = {form.message: form for form in events_codec.FORMS if form.version <= version}
    return Codec(
        commands={form.prefix: form for form in commands_codec.FORMS},
        events={form.prefix: form for form in events_codec.FORMS},
        command_writers=command_writers,
        event_writers=event_writers,
    )


def prefixes_of(*messages: type[Record]) -> frozenset[bytes]:
    """Give what values of these messages begin with, whatever released schema wrote them."""
    forms = (*commands_codec.FORMS, *events_codec.FORMS)
    return frozenset([form.prefix for form in forms if form.message in messages])


def encode_command(command: Command) -> bytes:
    """Give a command's record value, by the oldest schema that has all its fields, for engines of every age."""
    for form in codec().command_writers[type(command)]:
        if form.has_all_of(command):
            return form.encoded(command)
    raise AssertionError("the newest schema has all fields")


def decode_command(value: bytes | None, rules_version: int | None = None) -> Command:
    """Read a command's record value, or raise NotDecodable, whatever the bytes are.

    rules_version: the one in force, given by an executor. A schema that came with a later version is not a command
    yet: code without that version rejected it, and an old log must replay to the same bytes.
    """
    form = form_of(value, codec().commands)
    command: Command = read_by(form, value)
    if rules_version is not None and form.version > rules_version:
        raise NotDecodable(f"its schema comes with rules version {form.version}")
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
    body = codec().event_writers[rules_version][type(event)].encoded(event)
    digest = blake2b(previous + body, digest_size=DIGEST_SIZE).digest()
    return body + digest, digest


def version_of(value: bytes) -> int | None:
    """Give the rules version that brought the schema a message was written with; null where it is none of ours."""
    prefix, all_schemas = value[:PREFIX_SIZE], codec()
    form = all_schemas.commands.get(prefix) or all_schemas.events.get(prefix)
    return None if form is None else form.version


def first_digest(shard: int) -> bytes:
    """Give what a shard's first event takes as previous digest."""
    return blake2b(f"reprise/{shard}".encode(), digest_size=DIGEST_SIZE).digest()


def seq_of(value: bytes) -> int:
    """Give the `seq` an event's record value carries, whatever later version wrote it: it is the first field of all."""
    if value[:2] != MARKER or len(value) <= PREFIX_SIZE:
        raise NotDecodable("it is no event")
    seq, _ = read_long(value, PREFIX_SIZE)
    return seq


def digest_of(value: bytes) -> bytes:
    """Give the digest an event's record value carries."""
    return value[-DIGEST_SIZE:]


def expected_digest(value: bytes, previous: bytes) -> bytes:
    """Give the digest an event's record value must carry after the previous one."""
    return blake2b(previous + value[:-DIGEST_SIZE], digest_size=DIGEST_SIZE).digest()


def header_of(value: bytes) -> EventHeader:
    """Give the header of a committed event's value, and read nothing of what follows it."""
    header, _ = read_event_header(value, PREFIX_SIZE)
    return header


def event_type_of(value: bytes) -> type[Record]:
    """Give the type of a committed event's value, by its prefix alone."""
    return codec().events[value[:PREFIX_SIZE]].message


def decode_event(value: bytes | None) -> Event:
    """Read an event's record value, or raise NotDecodable."""
    event: Event = read_by(form_of(value, codec().events), value)
    return event


def form_of(value: bytes | None, forms: dict[bytes, Form]) -> Form:
    """Find the schema that wrote a record's value among those of its topic, or raise NotDecodable."""
    if value is None or value[:2] != MARKER or len(value) < PREFIX_SIZE:
        raise NotDecodable("no Avro single-object encoding: the value does not begin with C3 01 and a fingerprint")
    form = forms.get(value[:PREFIX_SIZE])
    if form is None:
        raise NotDecodable(f"no message of this topic has a schema with fingerprint {value[2:PREFIX_SIZE].hex()}")
    return form


def read_by(form: Form, value: bytes | None) -> Any:
    """Read a record's value by the schema that wrote it, or raise NotDecodable."""
    assert value is not None, "it has a form"
    try:
        return form.read(value, PREFIX_SIZE)
    except (ValueError, IndexError, EOFError, OverflowError, MemoryError, TypeError) as error:
        raise NotDecodable(f"it is not what its schema says: {str(error) or type(error).__name__}") from error
