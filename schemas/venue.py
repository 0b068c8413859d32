"""What is said about orders at an outside venue: records of `venue.commands` and `venue.events`, and their bytes.

Amounts are decimal digits as text, as the venue has them; times are microseconds UTC. An event says all there is to its
order, so that who reads one needs no other.
"""

from collections.abc import Callable
from functools import cache
from typing import Any, Final, Literal, get_args

import msgspec

from schemas.avro_codegen import Writer, compile_reader, compile_writer
from schemas.codec import MARKER, PREFIX_SIZE, NotDecodable, prefix_of, released_schemas
from schemas.messages import Record

VenueSide = Literal["buy", "sell"]
VenueStatus = Literal[
    "pending",
    "unknown",
    "accepted",
    "partially_filled",
    "filled",
    "cancelled",
    "expired",
    "rejected",
    "venue_reset",
    "abandoned",
]


class VenueOrder(Record, frozen=True, kw_only=True):
    """An order as it was asked for."""

    order_id: str
    symbol: str
    side: VenueSide
    type: str
    quantity: str
    price: str | None
    stop_price: str | None
    time_in_force: str | None


class VenueTrade(Record, frozen=True, kw_only=True):
    """One execution of an order, as the venue numbers it within the symbol."""

    trade_id: int
    time: int
    price: str
    quantity: str
    commission: str
    commission_asset: str


class _Message(msgspec.Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True, forbid_unknown_fields=True):
    """A record of one of the two topics, keyed by account."""


class PlaceVenueOrder(_Message, frozen=True, kw_only=True):
    """Place an order at the venue. Not sent by the deadline, it is rejected."""

    command_id: str
    account_id: str
    deadline: int
    order: VenueOrder


class CancelVenueOrder(_Message, frozen=True, kw_only=True):
    """Cancel what is left of an order."""

    command_id: str
    account_id: str
    deadline: int
    order_id: str


class _EventHeader(_Message, frozen=True, kw_only=True):
    """seq: gap-free per partition. command_offset: of the command that is taken up with this event, else null."""

    seq: int
    command_offset: int | None
    account_id: str | None
    time: int


class VenueCommandRejected(_EventHeader, frozen=True, kw_only=True):
    """A command was refused that is about no order we know, or about one that exists already."""

    command_id: str | None
    code: str
    message: str


class _OrderEvent(_EventHeader, frozen=True, kw_only=True):
    """Something happened to an order."""

    order: VenueOrder


class VenueOrderReceived(_OrderEvent, frozen=True, kw_only=True):
    """The worker has the order and answers for it from here on."""

    deadline: int


class VenueOrderSubmitted(_OrderEvent, frozen=True, kw_only=True):
    """The order is about to be sent, signed for this time and window."""

    attempt: int
    sent_at: int
    receive_window: int


class VenueOrderUnknown(_OrderEvent, frozen=True, kw_only=True):
    """It was sent, and nobody knows yet whether the venue has it."""

    reason: str


class VenueOrderAccepted(_OrderEvent, frozen=True, kw_only=True):
    """The venue has the order."""

    venue_order_id: int


class VenueOrderPartiallyFilled(_OrderEvent, frozen=True, kw_only=True):
    """Some was executed: these trades are new, executed_… is all so far."""

    venue_order_id: int
    executed_quantity: str
    executed_quote: str
    trades: tuple[VenueTrade, ...]


class VenueOrderFilled(_OrderEvent, frozen=True, kw_only=True):
    """The rest was executed: these trades are new, executed_… is all."""

    venue_order_id: int
    executed_quantity: str
    executed_quote: str
    trades: tuple[VenueTrade, ...]


class VenueOrderCancelled(_OrderEvent, frozen=True, kw_only=True):
    """What was left was cancelled."""

    venue_order_id: int
    executed_quantity: str
    executed_quote: str


class VenueOrderExpired(_OrderEvent, frozen=True, kw_only=True):
    """The venue gave up what was left."""

    venue_order_id: int
    executed_quantity: str
    executed_quote: str
    reason: str


class VenueOrderRejected(_OrderEvent, frozen=True, kw_only=True):
    """Nothing was or will be executed."""

    code: str
    message: str


class VenueOrderLost(_OrderEvent, frozen=True, kw_only=True):
    """The venue was reset, and the order went with it."""


class VenueOrderAbandoned(_OrderEvent, frozen=True, kw_only=True):
    """Nobody could ask the venue any more, and what became of the order there is not known."""

    code: str
    message: str


class VenueCancelReceived(_OrderEvent, frozen=True, kw_only=True):
    """The worker has the request to cancel."""


class VenueCancelRejected(_OrderEvent, frozen=True, kw_only=True):
    """The venue did not cancel."""

    code: str
    message: str


class VenueReset(_EventHeader, frozen=True, kw_only=True):
    """The venue forgot the account: of what was executed before, only these orders' trades still count."""

    surviving_order_ids: tuple[str, ...]


VenueCommand = PlaceVenueOrder | CancelVenueOrder
VenueOrderEvent = (
    VenueOrderReceived
    | VenueOrderSubmitted
    | VenueOrderUnknown
    | VenueOrderAccepted
    | VenueOrderPartiallyFilled
    | VenueOrderFilled
    | VenueOrderCancelled
    | VenueOrderExpired
    | VenueOrderRejected
    | VenueOrderLost
    | VenueOrderAbandoned
    | VenueCancelReceived
    | VenueCancelRejected
)
VenueEvent = VenueCommandRejected | VenueReset | VenueOrderEvent
VenueMessage = VenueCommand | VenueEvent

# What an event makes of its order; while it is being sent, it is pending. Requests to cancel change nothing yet.
STATUS_AFTER: Final[dict[type, VenueStatus]] = {
    VenueOrderReceived: "pending",
    VenueOrderSubmitted: "pending",
    VenueOrderUnknown: "unknown",
    VenueOrderAccepted: "accepted",
    VenueOrderPartiallyFilled: "partially_filled",
    VenueOrderFilled: "filled",
    VenueOrderCancelled: "cancelled",
    VenueOrderExpired: "expired",
    VenueOrderRejected: "rejected",
    VenueOrderLost: "venue_reset",
    VenueOrderAbandoned: "abandoned",
}

# Nothing more happens to an order that has none of these.
OPEN_STATUSES: Final[frozenset[VenueStatus]] = frozenset({"pending", "unknown", "accepted", "partially_filled"})

_RECORDS: Final[dict[str, type]] = {record.__name__: record for record in (VenueOrder, VenueTrade)}
_VERSION: Final = 1  # rules have no part in these messages; they came with the first


def encode_venue(message: VenueMessage) -> bytes:
    """Give a message's record value."""
    prefix, write = _writers()[type(message)]
    return write(message, prefix)


def decode_venue_command(value: bytes | None) -> VenueCommand:
    """Read a record of `venue.commands`, or raise NotDecodable."""
    command: VenueCommand = _decode(value, _readers(VenueCommand))
    return command


def decode_venue_event(value: bytes | None) -> VenueEvent:
    """Read a record of `venue.events`, or raise NotDecodable."""
    event: VenueEvent = _decode(value, _readers(VenueEvent))
    return event


@cache
def _writers() -> dict[type, tuple[bytes, Writer]]:
    made = {}
    for message_type in get_args(VenueMessage):
        schema = released_schemas(message_type.__name__)[_VERSION]
        made[message_type] = (prefix_of(schema), compile_writer(schema))
    return made


@cache
def _readers(union: Any) -> dict[bytes, Callable[[bytes, int], Any]]:
    made = {}
    for message_type in get_args(union):
        schema = released_schemas(message_type.__name__)[_VERSION]
        made[prefix_of(schema)] = compile_reader(schema, message_type, _RECORDS)
    return made


def _decode(value: bytes | None, readers: dict[bytes, Callable[[bytes, int], Any]]) -> Any:
    if value is None or value[:2] != MARKER or len(value) < PREFIX_SIZE:
        raise NotDecodable("no Avro single-object encoding: the value does not begin with C3 01 and a fingerprint")
    read = readers.get(value[:PREFIX_SIZE])
    if read is None:
        raise NotDecodable(f"no message of this topic has a schema with fingerprint {value[2:PREFIX_SIZE].hex()}")
    try:
        return read(value, PREFIX_SIZE)
    except (ValueError, IndexError, OverflowError, MemoryError, TypeError) as error:
        raise NotDecodable(f"it is not what its schema says: {str(error) or type(error).__name__}") from error
