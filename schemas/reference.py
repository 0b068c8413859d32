"""The tables of `docs/events.md`, made from the Avro files, one block of the document each."""

import re
from collections.abc import Iterable, Iterator
from typing import Any, Final, NamedTuple, get_args

from schemas.avro_files import released_schemas
from schemas.codec import PREFIX_SIZE
from schemas.commands import Broadcast, ClientCommand, Command
from schemas.events import Event, EventHeader
from schemas.generator.names import prefix_of
from schemas.ledger_records import AccountsPage, LedgerHead
from schemas.manifest import SnapshotManifest
from schemas.record import field_names
from schemas.rejections import Rejection, TickRefusal
from schemas.venue_messages import VenueCommand, VenueEvent

FIRST_VERSION: Final = 1
_PAGES: Final = (LedgerHead.__name__, AccountsPage.__name__)
# Which messages stand where, in the order in which the language lists them.
_PARTS: Final = {
    "events": tuple(message.__name__ for message in get_args(Event)),
    "commands": tuple(message.__name__ for message in get_args(Command)),
    "snapshots": (SnapshotManifest.__name__, *_PAGES),
    "venue-commands": tuple(message.__name__ for message in get_args(VenueCommand)),
    "venue-events": tuple(message.__name__ for message in get_args(VenueEvent)),
}
_CLIENT: Final = field_names(ClientCommand)
_BROADCAST: Final = field_names(Broadcast)
_HEADER: Final = (*field_names(EventHeader), "digest")


class Field(NamedTuple):
    """A line of a table. since: the rules version that first writes it."""

    name: str
    type: str
    meaning: str
    since: int


class MessageReference(NamedTuple):
    """One message: its meaning, its fields, and the fingerprint of each version of its schema."""

    name: str
    meaning: str
    fields: tuple[Field, ...]
    fingerprints: dict[int, str]


def blocks() -> dict[str, str]:
    """Give each block of the document by its name."""
    parts = {part: [_message(name) for name in names] for part, names in _PARTS.items()}
    events, commands = parts["events"], parts["commands"]
    return {
        "header": _table(_shared(events, _HEADER)),
        "events": _sections(events, without=_HEADER),
        "rejections": ", ".join(f"{rejection.value} {rejection.name}" for rejection in Rejection) + ".",
        "tick-refusals": ", ".join(f"`{refusal.value}`" for refusal in TickRefusal) + ".",
        "client-header": _table(_shared(_with_fields(commands, _CLIENT), _CLIENT)),
        "broadcast-header": _table(_shared(_with_fields(commands, _BROADCAST), _BROADCAST)),
        "commands": _commands(commands),
        "snapshots": _sections(parts["snapshots"]),
        "venue-commands": _sections(parts["venue-commands"]),
        "venue-events": _sections(parts["venue-events"]),
        "records": _records(),
        "words": _enums(),
    }


def messages() -> list[MessageReference]:
    """Give every message there is."""
    return [_message(name) for names in _PARTS.values() for name in names]


def fill_blocks(document: str, texts: dict[str, str]) -> str:
    """Give the document with each block between its marks: `<!-- made: NAME -->` and `<!-- end -->`."""

    def fill(found: re.Match[str]) -> str:
        return f"<!-- made: {found[1]} -->\n{texts[found[1]]}\n<!-- end -->"

    return re.sub(r"<!-- made: ([a-z.-]+) -->\n.*?<!-- end -->", fill, document, flags=re.DOTALL)


def block_names(document: str) -> list[str]:
    """Give the names of the blocks a document has."""
    return re.findall(r"<!-- made: ([a-z.-]+) -->", document)


def _message(name: str) -> MessageReference:
    versions = dict(sorted(released_schemas(name).items()))
    newest = versions[max(versions)]
    since: dict[str, int] = {}
    in_rules = {} if name in _PAGES else versions  # What snapshots are made of has formats of its own.
    for version, schema in in_rules.items():
        for field in schema["fields"]:
            since.setdefault(field["name"], version)
    return MessageReference(
        name=name,
        meaning=newest["doc"],
        fields=tuple(
            Field(field["name"], _type(field["type"]), field["doc"], since.get(field["name"], FIRST_VERSION))
            for field in newest["fields"]
        ),
        fingerprints={
            version if in_rules else FIRST_VERSION: prefix_of(schema)[2:PREFIX_SIZE].hex()
            for version, schema in versions.items()
        },
    )


def _type(schema: Any) -> str:
    """Write a field's type; what has a name of its own leads to its explanation."""
    if isinstance(schema, list):
        return " or ".join([*(_type(branch) for branch in schema if branch != "null"), "null"])
    if isinstance(schema, str):
        return _named(schema) if "." in schema else schema
    match schema["type"]:
        case "array":
            return f"list of {_type(schema['items'])}"
        case "map":
            return f"map of {_type(schema['values'])}"
        case "bytes":
            return "decimal"
        case "fixed":
            return f"{schema['size']} bytes"
        case "record" | "enum":
            return _named(schema["name"])
        case _:
            return _type(schema["type"])


def _named(name: str) -> str:
    short = name.rpartition(".")[2]
    return f"[{short}](#{short.lower()})"


def _sections(messages: Iterable[MessageReference], *, without: tuple[str, ...] = ()) -> str:
    return "\n\n".join(_section(message, without) for message in messages)


def _section(message: MessageReference, without: tuple[str, ...]) -> str:
    own = [field for field in message.fields if field.name not in without]
    marks = ", ".join(f"`{mark}`" + _since(version) for version, mark in message.fingerprints.items())
    return f"### {message.name}\n\n{message.meaning} {marks}\n" + (f"\n{_table(own)}" if own else "")


def _commands(commands: list[MessageReference]) -> str:
    return "\n\n".join(
        _section(command, shared) + ("" if not shared else f"\nAlso the fields of {what}.\n")
        for command in commands
        for shared, what in [_shared_by(command)]
    ).rstrip()


def _shared_by(command: MessageReference) -> tuple[tuple[str, ...], str]:
    if _with_fields([command], _CLIENT):
        return _CLIENT, "a client's command"
    return (_BROADCAST, "a broadcast") if _with_fields([command], _BROADCAST) else ((), "")


def _with_fields(messages: list[MessageReference], fields: tuple[str, ...]) -> list[MessageReference]:
    return [message for message in messages if set(fields) <= {field.name for field in message.fields}]


def _shared(messages: list[MessageReference], names: tuple[str, ...]) -> list[Field]:
    """Give the fields all these messages have, which say the same in each."""
    first = [field for field in messages[0].fields if field.name in names]
    for message in messages:
        same = [field for field in message.fields if field.name in names]
        differs = f"{message.name} explains what all share otherwise than {messages[0].name}"
        assert [field[:3] for field in same] == [field[:3] for field in first], differs
    return first


def _table(fields: Iterable[Field]) -> str:
    rows = [f"| `{field.name}` | {field.type} | {field.meaning}{_since(field.since)} |" for field in fields]
    return "\n".join(["| field | type | meaning |", "|---|---|---|", *rows])


def _since(version: int) -> str:
    return "" if version == FIRST_VERSION else f" (since rules version {version})"


def _records() -> str:
    """Explain each record that stands inside a message."""
    found: dict[str, str] = {}
    for schema in _named_types("record"):
        fields = [Field(field["name"], _type(field["type"]), field["doc"], FIRST_VERSION) for field in schema["fields"]]
        found.setdefault(schema["name"], f"### {schema['name']}\n\n{schema['doc']}\n\n{_table(fields)}")
    return "\n\n".join(found[name] for name in sorted(found))


def _enums() -> str:
    """List the words of each enum."""
    found = {schema["name"]: ", ".join(f"`{word}`" for word in schema["symbols"]) for schema in _named_types("enum")}
    return "\n\n".join(f"### {name}\n\n{found[name]}" for name in sorted(found))


def _named_types(kind: str) -> Iterator[dict[str, Any]]:
    for message in messages():
        released = released_schemas(message.name)
        for field in released[max(released)]["fields"]:
            yield from _types_in(field["type"], kind)


def _types_in(schema: Any, kind: str) -> Iterator[dict[str, Any]]:
    if isinstance(schema, list):
        for branch in schema:
            yield from _types_in(branch, kind)
    elif isinstance(schema, dict):
        if schema["type"] == kind:
            yield schema
        yield from _types_in(schema.get("items"), kind)
        yield from _types_in(schema.get("values"), kind)
        for field in schema.get("fields", ()):
            yield from _types_in(field["type"], kind)
