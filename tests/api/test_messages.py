"""Every sentence about a wrong request is ours: no library's shows through, and bounds come with their numbers."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
from fastapi.routing import iter_route_contexts
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError
from pydantic_core import PydanticKnownError
from pydantic_core.core_schema import ErrorType

from api.http.errors import of_faults
from api.http.numbers import read_json
from api.http.sentences import OTHER, FieldWrong, sentence_of
from api.stream.requests import NotUnderstood, request_of
from api.users.schemas import LoginRequest
from tests.api.lone_application import LoneApplication

# What pydantic, PyJWT, email-validator, SQLAlchemy and librdkafka begin their sentences with.
OF_LIBRARIES = re.compile(
    r"Input should|Value should|String should|should (be|have|match)|Field required|after validation|validation error"
    r"|Extra inputs|unable to|Expecting|valid email|pydantic|sqlalchemy|psycopg|rdkafka|Local:|Traceback|Error\(",
)
KINDS = get_args(ErrorType)
CONTEXT: dict[str, Any] = {
    **dict.fromkeys(("gt", "ge", "lt", "le", "multiple_of"), 5),
    **dict.fromkeys(("min_length", "max_length", "actual_length"), 8),
    **dict.fromkeys(
        ("tz_expected", "tz_actual", "expected_version", "max_digits", "decimal_places", "whole_digits"), 5
    ),
    **dict.fromkeys(("error", "field_type", "pattern", "expected", "encoding", "encoding_error", "class"), "library"),
    **dict.fromkeys(
        ("discriminator", "tag", "expected_tags", "expected_schemes", "class_name", "method_name", "attribute"),
        "library",
    ),
}
# Whatever may stand where a field is expected.
VALUES: list[Any] = [
    *(None, True, False, 0, -1, 10**30, 1.5, float("nan"), "", "x", "x" * 5_000, "\0", "1e99", "nan", "2026-13-40"),
    *([], [1], ["x"] * 50, {}, {"a": 1}, {"a": {"a": [None]}}, "00000000-0000-0000-0000-000000000000"),
]


@pytest.fixture(scope="module")
def bodies(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, TypeAdapter[Any]]]:
    """What each route reads a body or a parameter as; nothing of the application is started."""
    application = LoneApplication(tmp_path_factory.mktemp("data"))
    found: dict[str, TypeAdapter[Any]] = {"login": TypeAdapter(LoginRequest)}
    for context in iter_route_contexts(application.app.routes):
        route = getattr(context, "original_route", context)
        dependant = getattr(context, "dependant", None) or getattr(route, "dependant", None)
        for fields in ("body_params", "query_params", "path_params", "header_params"):
            for field in getattr(dependant, fields, ()):
                info = field.field_info
                found[f"{context.path_format} {field.name}"] = TypeAdapter(info.annotation)
    yield found
    application.close()


@pytest.mark.parametrize("kind", KINDS)
def test_a_fault_of_every_kind_pydantic_knows_is_said_in_our_own_words(kind: ErrorType) -> None:
    known = PydanticKnownError(kind, CONTEXT if _needs_context(kind) else None)
    fault = {"type": kind, "loc": ("body", "x"), "msg": known.message(), "ctx": CONTEXT, "input": "sent"}
    sentence, _ = sentence_of(fault)
    assert sentence != known.message()
    assert not OF_LIBRARIES.search(sentence)


def _needs_context(kind: ErrorType) -> bool:
    try:
        PydanticKnownError(kind, None)
    except TypeError:
        return True
    return False


def test_a_value_error_is_said_only_where_it_is_ours() -> None:
    ours = sentence_of({"type": "value_error", "ctx": {"error": FieldWrong("is odd", maximum=2)}})
    assert ours == ("is odd", {"maximum": 2})
    foreign = sentence_of({"type": "value_error", "ctx": {"error": ValueError("invalid literal for int()")}})
    assert foreign == (OTHER, None)


def test_every_field_of_every_route_says_in_our_words_what_is_wrong_with_any_value(
    bodies: dict[str, TypeAdapter[Any]],
) -> None:
    assert len(bodies) > 60
    unnamed = []
    for name, adapter in bodies.items():
        for value in [*VALUES, *_filled(adapter)]:
            for sentence in _sentences(adapter, value):
                assert not OF_LIBRARIES.search(sentence), (name, sentence)
                if sentence == OTHER:
                    unnamed.append((name, str(value)[:40]))
    assert unnamed == []


def _filled(adapter: TypeAdapter[Any]) -> Iterator[dict[str, Any]]:
    """Objects with each field of the shape in turn as any value, and one that is no field."""
    names = adapter.json_schema().get("properties", {})
    for name in [*names, "no-such-field"]:
        yield from ({name: value} for value in VALUES)


def _sentences(adapter: TypeAdapter[Any], value: Any) -> list[str]:
    try:
        adapter.validate_python(value)
    except ValidationError as error:
        return [fault.message for fault in of_faults(_of_body(error)).faults or ()]
    return []


def _of_body(error: ValidationError) -> list[Any]:
    return [fault | {"loc": ("body", *fault["loc"])} for fault in error.errors()]


@settings(max_examples=200, deadline=None)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text() | st.floats(),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["op", "id", "x"]), inner),
        max_leaves=6,
    )
)
def test_a_message_over_the_websocket_that_is_no_request_is_refused_in_our_words(message: Any) -> None:
    text = json.dumps(message)
    with pytest.raises(NotUnderstood) as refused:
        request_of(text)
    assert not OF_LIBRARIES.search(str(refused.value))


@pytest.mark.parametrize(
    ("model", "body", "sentence", "details"),
    [
        ("register", {"password": "x"}, "has 1 character, and must have at least 8", {"characters_min": 8}),
        ("register", {"password": "x" * 300}, "has 300 characters, and must have at most 256", {"characters_max": 256}),
        ("register", {"email": "x@"}, "is not an email address", None),
        ("order", {"slippage_bps": 2**63}, f"{2**63} is beyond {2**63 - 1}, the most the ledger can hold", None),
        ("order", {"side": "up"}, "is up, and must be one of long, short", {"allowed": "long, short"}),
        ("limits", {"positions_max": 0}, "is 0, and must be at least 1", {"minimum": "1", "sent": "0"}),
        ("limits", {"positions_max": 10**6}, "is 1000000, and must be at most 10000", {"maximum": "10000"}),
    ],
)
def test_a_bound_is_said_with_its_number_and_what_was_sent(
    bodies: dict[str, TypeAdapter[Any]], model: str, body: dict[str, Any], sentence: str, details: dict[str, Any] | None
) -> None:
    path = {"register": "auth/register", "order": "orders", "limits": "admin/account-limits"}[model]
    adapter = bodies[f"/api/v1/{path} body"]
    with pytest.raises(ValidationError) as refused:
        adapter.validate_python(read_json(json.dumps(body).encode()))
    [name] = body
    [fault] = [fault for fault in of_faults(_of_body(refused.value)).faults or () if fault.pointer.endswith(name)]
    assert fault.message == sentence
    if details is None:
        assert fault.details is None
    else:
        assert fault.details is not None
        assert details.items() <= fault.details.items()


def test_no_reply_is_made_of_a_library_s_exception() -> None:
    """A sentence that ends in `{error}` would show whatever the library says."""
    api = Path(__file__).parents[2] / "api"
    shown = {
        f"{path.relative_to(api)}:{number}"
        for path in api.rglob("*.py")
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if re.search(r"ApiError\(.*\{(error|exc)\b", line)
    }
    assert shown == set()
