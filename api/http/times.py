"""How log time is written: RFC 3339 UTC with microseconds."""

import re
from datetime import UTC, datetime, timedelta
from time import time_ns
from typing import Annotated, Final

from pydantic import BeforeValidator

from api.http.sentences import FieldWrong

_DATE_TIME: Final = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d.*", re.ASCII)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def text_of(micros: int) -> str:
    """Write microseconds since 1970 as `2026-01-02T03:04:05.000006Z`."""
    moment = _EPOCH + timedelta(microseconds=micros)
    return f"{moment.replace(tzinfo=None).isoformat(timespec='microseconds')}Z"


def now() -> int:
    """The wall clock in microseconds."""
    return time_ns() // 1_000


def _written(value: object) -> object:
    """Refuse what Pydantic would take for seconds since 1970."""
    if isinstance(value, str) and not _DATE_TIME.fullmatch(value):
        raise FieldWrong("must be a date and a time, as RFC 3339 writes them")
    return value


Moment = Annotated[datetime, BeforeValidator(_written)]
