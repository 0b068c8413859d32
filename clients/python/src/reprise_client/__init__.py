"""A client of the Reprise exchange: `Client` asks and follows it; `read_events` reads its log from Kafka."""

from typing import TYPE_CHECKING, Any

from reprise_client.client import KEEP, Client
from reprise_client.errors import (
    Changed,
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
    Alert,
    Candle,
    Closing,
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
    from reprise_client.signing import ApiKey

__all__ = [
    "KEEP",
    "Account",
    "AccountSnapshot",
    "AccountUpdate",
    "Alert",
    "ApiKey",
    "Bookmark",
    "Candle",
    "Changed",
    "Client",
    "Closing",
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
    """Import the reader of the log, and what signs, only when wanted: they need the extras `events` and `signing`."""
    if name in _OF_THE_LOG:
        from reprise_client import log  # noqa: PLC0415

        return getattr(log, name)
    if name == "ApiKey":
        from reprise_client.signing import ApiKey  # noqa: PLC0415

        return ApiKey
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
