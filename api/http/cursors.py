"""How a list goes on: opaque cursors that fit only the question they came from."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Annotated, Final

from fastapi import Query

from api.http.problems import malformed

LIMIT: Final = 50
LIMIT_MAX: Final = 500
_DIGITS_MAX: Final = 19

Limit = Annotated[int, Query(ge=1, le=LIMIT_MAX, description="most items to give")]
Cursor = Annotated[str | None, Query(max_length=200, description="`next_cursor` of the page before")]


def write_cursor(question: str, before: int | None) -> str | None:
    """Give the cursor of the next page; null at the end."""
    return None if before is None else urlsafe_b64encode(f"{question}~{before}".encode()).decode().rstrip("=")


def read_cursor(question: str, cursor: str | None) -> int | None:
    """Give where the page begins, or refuse a cursor of another question."""
    if cursor is None:
        return None
    try:
        text = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
    except ValueError as error:
        raise malformed("cursor", "is not a next_cursor") from error
    own_question, _, before = text.rpartition("~")
    if own_question != question or not (before.isascii() and before.isdigit() and len(before) <= _DIGITS_MAX):
        raise malformed("cursor", "belongs to another list or filter")
    return int(before)
