"""A client of the Reprise exchange: `Client`, or `SyncClient`, asks and follows it; `read_events` reads its log."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from reprise_client.administration import Administration
from reprise_client.administration_models import (
    Activation,
    Broadcast,
    Exposure,
    Feed,
    FeedPrice,
    InsuranceFund,
    JointRung,
    Ladder,
    Lag,
    ListedAccount,
    MarketExposure,
    Parameters,
    Rules,
    Rung,
    ShardFund,
    ShardLag,
    Transfer,
    TransferAct,
)
from reprise_client.asking import KEEP
from reprise_client.client import Client
from reprise_client.errors import (
    Changed,
    ClientClosed,
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
    AccountEvent,
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
    OrderPreview,
    Position,
    PreviewRefusal,
    Receipt,
    SavedKey,
    Session,
    Statement,
    Ticker,
    User,
    Venue,
    VenueOrder,
    VenuePosition,
    Withdrawal,
)
from reprise_client.prepared import prepare
from reprise_client.replay_models import (
    Replay,
    ReplayCandle,
    ReplayCommand,
    ReplayEvent,
    ReplayLedger,
    ReplayMark,
    ReplayPoint,
    ReplayPosition,
    ReplayPrice,
    ReplayPrices,
    ReplayStep,
    ReplaySteps,
    ReplayVerdict,
)
from reprise_client.stream import Message, Stream
from reprise_client.sync import SyncAdministration, SyncClient, SyncStream, SyncTradingSocket
from reprise_client.trading_socket import TradingSocket

if TYPE_CHECKING:
    from reprise_client.brokers import Bookmark, LogRefused, LogUnreachable
    from reprise_client.decoding import UnknownSchema
    from reprise_client.log import Event, LogBroken, read_events
    from reprise_client.signing import ApiKey

__all__ = [
    "KEEP",
    "Account",
    "AccountEvent",
    "AccountSnapshot",
    "AccountUpdate",
    "Activation",
    "Administration",
    "Alert",
    "ApiKey",
    "Bookmark",
    "Broadcast",
    "Candle",
    "Changed",
    "Client",
    "ClientClosed",
    "Closing",
    "Command",
    "Event",
    "Exposure",
    "Feed",
    "FeedPrice",
    "Fill",
    "Forbidden",
    "Instrument",
    "InsuranceFund",
    "JointRung",
    "Ladder",
    "Lag",
    "LedgerLine",
    "ListedAccount",
    "LogBroken",
    "LogRefused",
    "LogUnreachable",
    "Malformed",
    "MarketExposure",
    "Message",
    "NotFound",
    "NotSignedIn",
    "Order",
    "OrderPreview",
    "OutcomeUnknown",
    "Parameters",
    "Position",
    "PreviewRefusal",
    "Problem",
    "Receipt",
    "Refused",
    "Replay",
    "ReplayCandle",
    "ReplayCommand",
    "ReplayEvent",
    "ReplayLedger",
    "ReplayMark",
    "ReplayPoint",
    "ReplayPosition",
    "ReplayPrice",
    "ReplayPrices",
    "ReplayStep",
    "ReplaySteps",
    "ReplayVerdict",
    "RepriseError",
    "Rules",
    "Rung",
    "SavedKey",
    "Session",
    "ShardFund",
    "ShardLag",
    "Statement",
    "Stream",
    "StreamRefused",
    "SyncAdministration",
    "SyncClient",
    "SyncStream",
    "SyncTradingSocket",
    "Ticker",
    "TooMany",
    "TradingSocket",
    "Transfer",
    "TransferAct",
    "Unavailable",
    "UnknownSchema",
    "Unreachable",
    "User",
    "Venue",
    "VenueOrder",
    "VenuePosition",
    "Withdrawal",
    "avro_schemas",
    "json_schema",
    "read_events",
]

_OF_THE_LOG = {
    "Bookmark": "brokers",
    "Event": "log",
    "LogBroken": "log",
    "LogRefused": "brokers",
    "LogUnreachable": "brokers",
    "UnknownSchema": "decoding",
    "read_events": "log",
}

prepare()


def __getattr__(name: str) -> Any:
    """Import the reader of the log, and what signs, only when wanted: they need the extras `events` and `signing`."""
    if name in _OF_THE_LOG:
        return getattr(import_module(f"reprise_client.{_OF_THE_LOG[name]}"), name)
    if name == "ApiKey":
        from reprise_client.signing import ApiKey  # noqa: PLC0415

        return ApiKey
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
