"""What every part of the client is built from: one user's calls, numbers digit for digit, lists page by page."""

from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Final, TypeVar
from uuid import uuid4

from reprise_client.calls import Calls
from reprise_client.models import Page

Number = Decimal | int | str  # Never a float: what is sent is exactly what was meant.
PAGE: Final = 500

Listed = TypeVar("Listed")


class Keep:
    """Says that a stop stays as it is, where None takes it off."""


KEEP: Final = Keep()


class Asking:
    """A part of a client."""

    _calls: Calls

    async def _pages(self, path: str, page: type[Page[Listed]], **filters: str | None) -> AsyncIterator[Listed]:
        cursor: str | None = None
        while True:
            part = await self._calls.read(path, page, limit=PAGE, cursor=cursor, **filters)
            for item in part.items:
                yield item
            cursor = part.next_cursor
            if cursor is None:
                return


def digits(number: Number) -> str:
    """Write a number as it is sent."""
    return format(number, "f") if isinstance(number, Decimal) else str(number)


def new_key() -> str:
    """Give the key of a new command."""
    return str(uuid4())
