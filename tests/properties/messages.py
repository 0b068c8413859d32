"""Commands and events with any content their types allow."""

from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import msgspec
from hypothesis import strategies as st

from schemas.commands import Command
from schemas.events import Event

INT64 = st.one_of(
    st.integers(-2, 10**6),
    st.integers(-(2**63), 2**63 - 1),
    st.sampled_from((2**63 - 1, -(2**63), 2**62, 10**9, 10**15)),
)
TEXT = st.one_of(st.sampled_from(("alice", "bob", "BTC_USDC", "simulated", "run-1", "0-1", "")), st.text(max_size=20))


def of_type(wanted: Any) -> st.SearchStrategy[Any]:  # A type is any object.
    """Give values of a field's type."""
    origin, arguments = get_origin(wanted), get_args(wanted)
    if origin in (Union, UnionType):
        return st.one_of([of_type(argument) for argument in arguments])
    if origin is Literal:
        return st.sampled_from(arguments)
    if origin is tuple:
        return st.lists(of_type(arguments[0]), max_size=3).map(tuple)
    if isinstance(wanted, type) and issubclass(wanted, msgspec.Struct):
        return of_struct(wanted)
    wanted = getattr(wanted, "__supertype__", wanted)  # A unit is an integer.
    return {
        int: INT64,
        str: TEXT,
        bool: st.booleans(),
        bytes: st.binary(min_size=16, max_size=16),
        NoneType: st.none(),
    }[wanted]


def of_struct(struct: Any) -> st.SearchStrategy[Any]:
    """Give messages of a type."""
    return st.builds(struct, **{name: of_type(hint) for name, hint in get_type_hints(struct).items()})


commands: st.SearchStrategy[Command] = st.one_of([of_struct(kind) for kind in get_args(Command)])
events: st.SearchStrategy[Event] = st.one_of([of_struct(kind) for kind in get_args(Event)])
