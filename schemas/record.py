"""What every message, and every record inside one, can do: compare, print, and give its fields."""

from typing import Any, ClassVar, Final, TypeVar

RecordT = TypeVar("RecordT", bound="Record")


class Record:
    """A value with named fields.

    FIELDS: its own, in the order of the wire, behind those of the class it extends. OPTIONAL: those of them that may be
    left out where they are null. WHOLE: a class that extends it is made of one object of it and its own fields.
    """

    FIELDS: ClassVar[tuple[str, ...]] = ()
    OPTIONAL: ClassVar[tuple[str, ...]] = ()
    WHOLE: ClassVar[bool] = False
    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        """Compare the types and all fields."""
        return isinstance(other, Record) and type(self) is type(other) and values_of(self) == values_of(other)

    def __hash__(self) -> int:
        """Agree with the comparison."""
        return hash(values_of(self))

    def __repr__(self) -> str:
        """Name the class and each field."""
        fields = ", ".join([f"{name}={value!r}" for name, value in fields_of(self).items()])
        return f"{type(self).__name__}({fields})"

    def __reduce__(self) -> tuple[Any, ...]:
        """Let copy and pickle make it of its fields."""
        return made, (type(self), fields_of(self))


_FIELD_NAMES: Final[dict[type, tuple[str, ...]]] = {}
_OPTIONAL_NAMES: Final[dict[type, tuple[str, ...]]] = {}


def field_names(kind: type) -> tuple[str, ...]:
    """Give the names of all fields of a class, in the order of the wire."""
    names = _FIELD_NAMES.get(kind)
    if names is None:
        names = _FIELD_NAMES[kind] = _over_all_classes("FIELDS", kind)
    return names


def optional_names(kind: type) -> tuple[str, ...]:
    """Give the names of the fields that may be left out where they are null."""
    names = _OPTIONAL_NAMES.get(kind)
    if names is None:
        names = _OPTIONAL_NAMES[kind] = _over_all_classes("OPTIONAL", kind)
    return names


def values_of(record: Record) -> tuple[Any, ...]:
    """Give the values of all fields, in the order of the wire."""
    return tuple([getattr(record, name) for name in field_names(type(record))])


def fields_of(record: Record) -> dict[str, Any]:
    """Give all fields by name, in the order of the wire."""
    return {name: getattr(record, name) for name in field_names(type(record))}


def given_fields(record: Record) -> dict[str, Any]:
    """Give the fields but those that may be left out and are null."""
    kind = type(record)
    optional = optional_names(kind)
    given: dict[str, Any] = {}
    for name in field_names(kind):
        value = getattr(record, name)
        if value is not None or name not in optional:
            given[name] = value
    return given


def made(kind: type[RecordT], fields: dict[str, Any]) -> RecordT:
    """Make a record of its fields by name. Raises TypeError where one is missing, or too many."""
    parent: Any = kind.__mro__[1]
    if not parent.WHOLE:
        return kind(**fields)
    shared = field_names(parent)
    whole = parent(**{name: fields[name] for name in shared})
    make: Any = kind
    record: RecordT = make(whole, **{name: value for name, value in fields.items() if name not in shared})
    return record


def replace(record: RecordT, **changes: Any) -> RecordT:
    """Make a record with other values of some fields."""
    return made(type(record), fields_of(record) | changes)


def _over_all_classes(attribute: str, kind: type) -> tuple[str, ...]:
    """Join what a class and those it extends say, the first of them first."""
    return tuple([name for each in reversed(kind.__mro__) for name in each.__dict__.get(attribute, ())])
