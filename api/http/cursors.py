"""How a list goes on: opaque cursors that fit only the question they came from."""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Annotated, Final

from fastapi import Query

from api.http.problems import malformed

LIMIT: Final = 50
LIMIT_MAX: Final = 500
_DIGITS_MAX: Final = 19
_NAMED: Final = re.compile(rf"(\d{{1,{_DIGITS_MAX}}})\.([!-~]{{1,64}})", re.ASCII)
_OF_ANOTHER: Final = "belongs to another list or filter"

Limit = Annotated[int, Query(ge=1, le=LIMIT_MAX, description="most items to give")]
Cursor = Annotated[str | None, Query(max_length=200, description="`next_cursor` of the page before")]


def write_cursor(question: str, before: int | None) -> str | None:
    """Give the cursor of the next page; null at the end."""
    return None if before is None else _written(question, str(before))


def write_named_cursor(question: str, before: int, name: str) -> str:
    """Give the cursor of the next page of a list that is ordered by a number and then a name, as an account id is."""
    return _written(question, f"{before}.{name}")


def read_cursor(question: str, cursor: str | None) -> int | None:
    """Give where the page begins, or refuse a cursor of another question."""
    if cursor is None:
        return None
    before = _read(question, cursor)
    if not (before.isascii() and before.isdigit() and len(before) <= _DIGITS_MAX):
        raise malformed("cursor", _OF_ANOTHER)
    return int(before)


def read_named_cursor(question: str, cursor: str | None) -> tuple[int, str] | None:
    """Give the number and name that the page begins after, or refuse a cursor of another question."""
    if cursor is None:
        return None
    found = _NAMED.fullmatch(_read(question, cursor))
    if found is None:
        raise malformed("cursor", _OF_ANOTHER)
    return int(found[1]), found[2]


def _written(question: str, place: str) -> str:
    return urlsafe_b64encode(f"{question}~{place}".encode()).decode().rstrip("=")


def _read(question: str, cursor: str) -> str:
    try:
        text = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
    except ValueError as error:
        raise malformed("cursor", "is not a next_cursor") from error
    if not text.startswith(f"{question}~"):
        raise malformed("cursor", _OF_ANOTHER)
    return text.removeprefix(f"{question}~")
