"""A client of the Reprise exchange: `Client` asks and follows it; `read_events` reads its log from Kafka."""

from typing import TYPE_CHECKING, Any

from reprise_client.client import KEEP, Client
from reprise_client.errors import (
    Forbidden,
    Malformed,
    NotFound,
    NotSignedIn,
    OutcomeUnknown,
    Problem,
    Refused,
    RepriseError,
    StreamRefused,
    TooMany,
    Unavailable,
    Unreachable,
)
from reprise_client.messages import avro_schemas, json_schema
from reprise_client.models import (
    Account,
    AccountSnapshot,
    AccountUpdate,
    Candle,
    Command,
    Fill,
    Instrument,
    LedgerLine,
    Order,
    Position,
    Receipt,
    Ticker,
    User,
)
from reprise_client.stream import Message, Stream

if TYPE_CHECKING:
    from reprise_client.log import Bookmark, Event, LogBroken, read_events

__all__ = [
    "KEEP",
    "Account",
    "AccountSnapshot",
    "AccountUpdate",
    "Bookmark",
    "Candle",
    "Client",
    "Command",
    "Event",
    "Fill",
    "Forbidden",
    "Instrument",
    "LedgerLine",
    "LogBroken",
    "Malformed",
    "Message",
    "NotFound",
    "NotSignedIn",
    "Order",
    "OutcomeUnknown",
    "Position",
    "Problem",
    "Receipt",
    "Refused",
    "RepriseError",
    "Stream",
    "StreamRefused",
    "Ticker",
    "TooMany",
    "Unavailable",
    "Unreachable",
    "User",
    "avro_schemas",
    "json_schema",
    "read_events",
]

_OF_THE_LOG = ("Bookmark", "Event", "LogBroken", "read_events")


def __getattr__(name: str) -> Any:
    """Import the reader of the log only when it is wanted: it needs the extra `events`."""
    if name in _OF_THE_LOG:
        from reprise_client import log  # noqa: PLC0415

        return getattr(log, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
