"""Where two logs first differ: commands by offset, time and content; events by their order and content."""

from collections.abc import Callable, Iterator
from itertools import zip_longest
from typing import Final

import msgspec

from audit.log.differences import Difference, as_text, first_field
from audit.log.log_reader import Batches, LogReader, LogUnreadable
from runtime.errors import FixableError
from runtime.kafka import LogRecord
from schemas.codec import NotDecodable, decode_command, decode_event, version_of
from schemas.record import Record

Reader = Callable[[bytes], Record]
ENDS_IN_FIRST: Final = "the first log ends here and the second goes on"
ENDS_IN_SECOND: Final = "the second log ends here and the first goes on"


class LogComparison(msgspec.Struct):
    """What two logs have in common. agrees: all of it. goes_on: one is live, and longer than its copy by now."""

    agrees: bool
    goes_on: bool
    one: str
    other: str
    commands: int
    events: int
    differences: list[Difference]


def compare(
    one: LogReader, other: LogReader, shard: int | None = None, *, live: LogReader | None = None
) -> LogComparison:
    """Compare the shards both hold, and name each topic's first difference; the first log is what is expected.

    Of a copy whose files are not as they were written, the file is named in place of its records.

    live: the one of the two that may be longer, for it goes on.
    """
    if one.shards != other.shards:
        raise FixableError(f"{one.name} is a ledger of {one.shards} shards, {other.name} of {other.shards}.")
    shared = [number for number in one.held if number in other.held and shard in {None, number}]
    if not shared:
        raise FixableError(f"{one.name} and {other.name} hold no shard in common that was asked for.")
    result = LogComparison(
        agrees=True, goes_on=False, one=one.name, other=other.name, commands=0, events=0, differences=[]
    )
    for number in shared:
        damages = _damages(one, number) + _damages(other, number)
        result.differences += damages
        if damages:
            continue  # What such a file says is not what either log said.
        for judge, batches, others, read in (
            ("commands", one.commands(number, 0), other.commands(number, 0), decode_command),
            ("events", one.events(number, 0), other.events(number, 0), decode_event),
        ):
            try:
                count, difference = _first(judge, number, batches, others, read)
            except LogUnreadable as error:
                count, difference = 0, Difference(judge=judge, shard=number, what=str(error), offset=error.offset)
            setattr(result, judge, getattr(result, judge) + count)
            if difference is None:
                continue
            shorter = {ENDS_IN_FIRST: one, ENDS_IN_SECOND: other}.get(difference.what)
            if live is not None and shorter is not None and shorter is not live:
                result.goes_on = True
            else:
                result.differences.append(difference)
    result.agrees = not result.differences
    return result


def _damages(log: LogReader, shard: int) -> list[Difference]:
    """Name the files of a copy that are not as they were written, and what is wrong with each."""
    try:
        damages = log.damages(shard)
    except LogUnreadable as error:
        return [Difference(judge="files", shard=shard, what=str(error), offset=error.offset)]
    return [msgspec.structs.replace(damage, what=f"{log.name}: {damage.what}") for damage in damages]


def _first(judge: str, shard: int, batches: Batches, others: Batches, read: Reader) -> tuple[int, Difference | None]:
    """Give how many records are the same, and the first that is not."""
    by_place = judge == "commands"  # An event's offset and time are its transaction's, not its own.
    count = 0
    for one, other in zip_longest(_records(batches), _records(others)):
        if one is None or other is None:
            present: LogRecord = one or other
            what = ENDS_IN_FIRST if one is None else ENDS_IN_SECOND
            found = "a record" if one is None else "nothing"
            expected = "nothing" if one is None else "a record"
            difference = Difference(
                judge=judge, shard=shard, what=what, offset=present.offset, expected=expected, found=found
            )
            return count, difference
        if one.value != other.value:
            return count, _of_values(judge, shard, one, other, read)
        if one.key != other.key or (by_place and one != other):
            field = next(
                name for name in ("offset", "timestamp_ms", "key") if getattr(one, name) != getattr(other, name)
            )
            expected, found = as_text(getattr(one, field)), as_text(getattr(other, field))
            what = f"the same of the {judge} stands under another {field}"
            return count, Difference(
                judge=judge, shard=shard, what=what, offset=one.offset, field=field, expected=expected, found=found
            )
        count += 1
    return count, None


def _of_values(judge: str, shard: int, one: LogRecord, other: LogRecord, read: Reader) -> Difference:
    """Name the first field in which two values differ."""
    field, expected, found, name = "value", one.value.hex(), other.value.hex(), None
    seq = None
    try:
        first, second = read(one.value), read(other.value)
    except NotDecodable:
        pass
    else:
        name, seq = type(first).__name__, getattr(first, "seq", None)
        if type(first) is not type(second):
            field, expected, found = "type", name, type(second).__name__
        else:
            named, is_, was = first_field(first, second)
            if named is not None:
                field, expected, found = named, is_, was
            elif (writer := version_of(one.value)) != (other_writer := version_of(other.value)):
                field = "schema"
                expected, found = f"of rules version {writer}", f"of rules version {other_writer}"
    return Difference(
        judge=judge,
        shard=shard,
        what=f"two {judge} differ",
        offset=one.offset,
        seq=seq,
        type=name,
        field=field,
        expected=expected,
        found=found,
    )


def _records(batches: Batches) -> Iterator[LogRecord]:
    return (record for batch in batches for record in batch)
