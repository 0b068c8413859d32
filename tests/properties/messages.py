"""Commands and events with any content their Avro files allow."""

from functools import cache
from typing import Any, get_args

from hypothesis import strategies as st

from schemas.avro_files import Language, Schema
from schemas.commands import Command
from schemas.events import Event
from schemas.messages import AliveMark, Instrument, Leg, RefusedTick, Tick
from schemas.record import Record, field_names, made

INT64 = st.one_of(
    st.integers(-2, 10**6),
    st.integers(-(2**63), 2**63 - 1),
    st.sampled_from((2**63 - 1, -(2**63), 2**62, 10**9, 10**15)),
)
TEXT = st.one_of(st.sampled_from(("alice", "bob", "BTC_USDC", "simulated", "run-1", "0-1", "")), st.text(max_size=20))
PLAIN: dict[str, st.SearchStrategy[Any]] = {"long": INT64, "string": TEXT, "boolean": st.booleans()}
MESSAGES: tuple[type[Record], ...] = (*get_args(Command), *get_args(Event))
RECORDS = {record.__name__: record for record in (AliveMark, Instrument, Leg, RefusedTick, Tick)}


@cache
def language() -> Language:
    return Language(tuple(message.__name__ for message in MESSAGES))


def of_schema(schema: Schema) -> st.SearchStrategy[Any]:
    """Give values of an Avro type."""
    kind, name = language().resolved(schema)
    match kind:
        case "enum":
            return st.sampled_from(language().enums[name])
        case "fixed":
            size = language().fixed[name]
            return st.binary(min_size=size, max_size=size)
        case "array":
            return st.lists(of_schema(schema["items"]), max_size=3).map(tuple)
        case "record":
            return of_record(RECORDS[name])
        case _:
            return PLAIN[kind] if kind in PLAIN else of_schema(kind)


def of_record(kind: type[Record]) -> st.SearchStrategy[Any]:
    """Give records of a class."""
    names = field_names(kind)
    fields = [field for field in language().newest(kind.__name__).fields if field.name in names]
    values = {
        field.name: st.none() | of_schema(field.type) if field.nullable else of_schema(field.type) for field in fields
    }
    return st.fixed_dictionaries(values).map(lambda given: made(kind, given))


commands: st.SearchStrategy[Command] = st.one_of([of_record(kind) for kind in get_args(Command)])
events: st.SearchStrategy[Event] = st.one_of([of_record(kind) for kind in get_args(Event)])
