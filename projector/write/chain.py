"""Which records of a shard come next: gap-free by `seq`, chained by digest, none twice."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from runtime.errors import FixableError
from schemas.codec import NotDecodable, decode_event, digest_of, expected_digest, first_digest
from schemas.events import Event

REBUILD = (
    "Nothing was written. If the log is the right one, `reprise projector rebuild` empties the tables and the "
    "projector fills them again."
)


class BrokenLogError(FixableError):
    """The events cannot be projected further; the text says in which shard, at which offset and why."""


class Checkpoint(NamedTuple):
    """How far a shard is projected. next_offset: of `exchange.events`; time: log time of the last event (µs)."""

    seq: int
    next_offset: int
    digest: bytes
    time: int


class ChainEntry(NamedTuple):
    """A record of `exchange.events` and the event in it."""

    shard: int
    offset: int
    value: bytes
    event: Event


def first_checkpoint(shard: int) -> Checkpoint:
    """Give the checkpoint before a shard's first event."""
    return Checkpoint(seq=0, next_offset=0, digest=first_digest(shard), time=0)


def read_entry(shard: int, offset: int, value: bytes) -> ChainEntry:
    """Read a record, or refuse the log."""
    try:
        return ChainEntry(shard, offset, value, decode_event(value))
    except NotDecodable as error:
        raise BrokenLogError(
            f"Shard {shard}, offset {offset}: the record holds no event: {error}. {REBUILD}"
        ) from error


def new_entries(checkpoints: dict[int, Checkpoint], entries: Iterable[ChainEntry]) -> Iterator[ChainEntry]:
    """Give the entries that are new, moving the checkpoints on; what is written already is left out.

    Raises BrokenLogError at a gap, and where the digest does not follow from the one before.
    """
    for found in entries:
        shard, offset, value, event = found
        stored = checkpoints[shard]
        if event.seq <= stored.seq:
            if event.seq == stored.seq and digest_of(value) != stored.digest:
                raise BrokenLogError(
                    f"Shard {shard}, offset {offset}: event {event.seq} is not the one that was projected, so this is "
                    f"another log. {REBUILD}"
                )
            continue
        if event.seq != stored.seq + 1:
            raise BrokenLogError(
                f"Shard {shard}, offset {offset}: event {event.seq} where {stored.seq + 1} comes next; events are "
                f"missing. {REBUILD}"
            )
        digest = digest_of(value)
        if digest != expected_digest(value, stored.digest):
            raise BrokenLogError(
                f"Shard {shard}, offset {offset}: the digest of event {event.seq} does not follow from the event "
                f"before; the log was altered, or is another one. {REBUILD}"
            )
        checkpoints[shard] = Checkpoint(event.seq, offset + 1, digest, event.time)
        yield found
