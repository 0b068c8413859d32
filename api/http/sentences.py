"""In which words a field of the wrong shape is said to be wrong: ours for every kind, never a library's.

A bound is said with its number and with what was sent, in the sentence and in its details.
"""

from collections.abc import Callable, Mapping
from enum import Enum
from typing import Any, Final

from schemas.units import NotRepresentable

SHOWN_MAX: Final = 60  # characters of what was sent
OTHER: Final = "is not valid"
Details = dict[str, str | int]


class FieldWrong(ValueError):
    """What a field of ours says of itself: its text is a sentence without its subject."""

    def __init__(self, sentence: str, **details: str | int) -> None:
        super().__init__(sentence)
        self.details: Details = details


# What every fault of a kind is said as; those with numbers are below.
_PLAIN: Final = {
    **dict.fromkeys(("missing", "missing_argument"), "is missing"),
    **dict.fromkeys(("extra_forbidden", "unexpected_keyword_argument"), "is not a field of this request"),
    **dict.fromkeys(("json_invalid", "json_type"), "is not JSON"),
    **dict.fromkeys(("model_type", "model_attributes_type", "dict_type", "mapping_type"), "must be a JSON object"),
    **dict.fromkeys(("list_type", "tuple_type", "set_type", "iterable_type"), "must be a list"),
    **dict.fromkeys(("string_type",), "must be a string"),
    **dict.fromkeys(("string_unicode", "string_not_ascii"), "has a character that is none"),
    **dict.fromkeys(("bool_type", "bool_parsing"), "must be true or false"),
    **dict.fromkeys(("int_type", "int_parsing", "int_from_float"), "must be a whole number"),
    **dict.fromkeys(("int_parsing_size",), "is a number of too many digits"),
    **dict.fromkeys(("float_type", "float_parsing", "decimal_type", "decimal_parsing"), "must be a number"),
    **dict.fromkeys(("finite_number",), "must be a finite number"),
    **dict.fromkeys(("none_required",), "must be null"),
    **dict.fromkeys(("uuid_type", "uuid_parsing", "uuid_version"), "is not a UUID"),
    **dict.fromkeys(
        ("datetime_type", "datetime_parsing", "datetime_object_invalid", "datetime_from_date_parsing"),
        "must be a date and a time, as RFC 3339 writes them",
    ),
    **dict.fromkeys(("date_type", "date_parsing"), "must be a date, as RFC 3339 writes them"),
    **dict.fromkeys(("recursion_loop", "recursion_depth_exceeded"), "is nested too deeply"),
    **dict.fromkeys(("invalid_key",), "has a name that is no string"),
}


def sentence_of(fault: Mapping[str, Any]) -> tuple[str, Details | None]:
    """Say what is wrong with a field, and the numbers of it."""
    kind, context, sent = fault["type"], fault.get("ctx") or {}, fault.get("input")
    if kind == "value_error":
        return _own(context.get("error"))
    if kind in _PLAIN:
        return _PLAIN[kind], None
    bounded = _BOUNDED.get(kind)
    return (OTHER, None) if bounded is None else bounded(context, sent)


def tag_of(fault: Mapping[str, Any]) -> str | None:
    """Name the field of an object that does not say which of several shapes the object has; null for other faults."""
    is_of_tag = fault["type"] in ("union_tag_invalid", "union_tag_not_found")
    return _tag_name(fault.get("ctx") or {}) if is_of_tag and isinstance(fault.get("input"), Mapping) else None


def shown(sent: object) -> str:
    """Write what was sent so that it can be found again, not longer than a line."""
    text = str(sent)
    return text if len(text) <= SHOWN_MAX else f"{text[:SHOWN_MAX]}…"


def _own(error: object) -> tuple[str, Details | None]:
    if isinstance(error, FieldWrong):
        return str(error), error.details or None
    # What a library says of a value is nobody's business.
    return (str(error), None) if isinstance(error, NotRepresentable) else (OTHER, None)


def _number(name: str, words: str, key: str) -> Callable[[Mapping[str, Any], object], tuple[str, Details | None]]:
    """Say a bound of a number."""

    def said(context: Mapping[str, Any], sent: object) -> tuple[str, Details | None]:
        bound = context[key]
        return f"is {shown(sent)}, and must be {words} {bound}", {name: str(bound), "sent": shown(sent)}

    return said


def _length(name: str, words: str, key: str) -> Callable[[Mapping[str, Any], object], tuple[str, Details | None]]:
    """Say a bound of a length; what was sent may be a secret, and only its length is said."""

    def said(context: Mapping[str, Any], sent: object) -> tuple[str, Details | None]:
        bound = int(context[key])
        counted = "items" if isinstance(sent, list | tuple | set | dict) else "characters"
        size = len(sent) if isinstance(sent, list | tuple | set | dict | str | bytes) else None
        if size is None:
            return f"must have {words} {bound} {counted}", {f"{counted}_{name}": bound}
        details: Details = {f"{counted}_{name}": bound, f"{counted}_sent": size}
        has = f"{size} {counted[:-1] if size == 1 else counted}"
        return f"has {has}, and must have {words} {bound}", details

    return said


def _choice(context: Mapping[str, Any], sent: object) -> tuple[str, Details | None]:
    expected = context.get("expected") or context.get("expected_tags") or ""
    allowed = ", ".join(part.strip(" '") for part in str(expected).replace(" or ", ", ").split(","))
    if isinstance(sent, dict | list):
        return f"must be one of {allowed}", {"allowed": allowed}
    text = shown(sent.value if isinstance(sent, Enum) else sent)
    return f"is {text}, and must be one of {allowed}", {"allowed": allowed, "sent": text}


def _tag(context: Mapping[str, Any], sent: object) -> tuple[str, Details | None]:
    if "tag" in context:
        return _choice(context, context["tag"])
    return ("is missing" if isinstance(sent, Mapping) else f"must be a JSON object with `{_tag_name(context)}`"), None


def _tag_name(context: Mapping[str, Any]) -> str:
    return str(context.get("discriminator", "")).strip("'")


def _pattern(context: Mapping[str, Any], _: object) -> tuple[str, Details | None]:
    return f"must match {context['pattern']}", {"pattern": str(context["pattern"])}


_BOUNDED: Final[dict[str, Callable[[Mapping[str, Any], object], tuple[str, Details | None]]]] = {
    "greater_than": _number("above", "above", "gt"),
    "greater_than_equal": _number("minimum", "at least", "ge"),
    "less_than": _number("below", "below", "lt"),
    "less_than_equal": _number("maximum", "at most", "le"),
    "multiple_of": _number("multiple_of", "a multiple of", "multiple_of"),
    **{kind: _length("min", "at least", "min_length") for kind in ("too_short", "string_too_short", "bytes_too_short")},
    **{kind: _length("max", "at most", "max_length") for kind in ("too_long", "string_too_long", "bytes_too_long")},
    "string_pattern_mismatch": _pattern,
    "literal_error": _choice,
    "enum": _choice,
    "union_tag_invalid": _tag,
    "union_tag_not_found": _tag,
}
