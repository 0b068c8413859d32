"""What the audit found: differences, each with the place and both values."""

import msgspec

from schemas.codec import DIGEST_SIZE, NotDecodable, decode_event, digest_of, version_of
from schemas.events import Event
from schemas.record import Record, field_names


class Difference(msgspec.Struct, kw_only=True, frozen=True, omit_defaults=True):
    """Two things that should be the same and are not, or a law that does not hold.

    judge: who found it. offset: of the command, or of the record where only that is known. expected: what replay,
    hash or law say; found: what stands in the log, the snapshot or the table.
    """

    judge: str
    shard: int | None = None
    what: str
    offset: int | None = None
    seq: int | None = None
    type: str | None = None
    field: str | None = None
    expected: str | None = None
    found: str | None = None

    def sentence(self) -> str:
        """Say it in one line."""
        places = [
            f"{name} {value}"
            for name, value in (
                ("shard", self.shard),
                ("offset", self.offset),
                ("event", self.seq),
                ("type", self.type),
                ("field", self.field),
            )
            if value is not None
        ]
        values = f": expected {self.expected}, found {self.found}" if self.expected is not None else ""
        return f"[{self.judge}] {self.what} ({', '.join(places)}){values}" if places else f"[{self.judge}] {self.what}"


def event_difference(judge: str, shard: int, expected: Event, encoded: bytes, found: bytes) -> Difference:
    """Name the first field in which a logged event differs from the one it should be."""
    name = type(expected).__name__

    def differs(what: str, field: str, is_: str, was: str) -> Difference:
        return Difference(
            judge=judge,
            shard=shard,
            what=what,
            offset=expected.command_offset,
            seq=expected.seq,
            type=name,
            field=field,
            expected=is_,
            found=was,
        )

    try:
        logged = decode_event(found)
    except NotDecodable as error:
        return differs(f"the logged value is no event: {error}", "value", encoded.hex(), found.hex())
    if logged.seq != expected.seq:
        what = f"event {logged.seq} stands where {expected.seq} comes next"
        return differs(what, "seq", str(expected.seq), str(logged.seq))
    if type(logged) is not type(expected):
        return differs("the logged event is of another type", "type", name, type(logged).__name__)
    is_, was = (f"of rules version {version_of(value)}" for value in (encoded, found))
    if is_ != was:
        return differs("the logged event is written with the schema of another rules version", "schema", is_, was)
    field, is_, was = first_field(expected, logged)
    if field is None:
        field, is_, was = "digest", encoded[-DIGEST_SIZE:].hex(), digest_of(found).hex()
        if is_ == was:  # The same message in other bytes, as a number written in more bytes than it needs.
            field, is_, was = "value", encoded.hex(), found.hex()
    return differs("the logged event is not the one its command gives", field, is_, was)


def first_field(expected: Record, found: Record) -> tuple[str | None, str, str]:
    """Give the first field in which two records of a type differ, and both values as text; null when none does."""
    for name in field_names(type(expected)):
        one, other = getattr(expected, name), getattr(found, name)
        if one != other:
            return name, as_text(one), as_text(other)
    return None, "", ""


def as_text(value: object) -> str:
    """Write a field's value; bytes as hexadecimal digits."""
    return value.hex() if isinstance(value, bytes) else str(value)
