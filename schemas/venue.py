"""What becomes of orders at an outside venue, and how messages about them become bytes and back."""

from functools import cache
from typing import Final, Literal, get_args

from schemas import venue_messages_codec
from schemas.codec import form_of, read_by
from schemas.forms import Form
from schemas.record import Record
from schemas.venue_messages import (
    VenueCommand,
    VenueEvent,
    VenueMessage,
    VenueOrderAbandoned,
    VenueOrderAccepted,
    VenueOrderCancelled,
    VenueOrderExpired,
    VenueOrderFilled,
    VenueOrderLost,
    VenueOrderPartiallyFilled,
    VenueOrderReceived,
    VenueOrderRejected,
    VenueOrderSubmitted,
    VenueOrderUnknown,
)

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

# What an event makes of its order; while it is being sent, it is pending. Requests to cancel change nothing yet.
STATUS_AFTER: Final[dict[type[Record], VenueStatus]] = {
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


# Rules have no part in these messages; they came with the first, and each has one schema.
_FORMS: Final[dict[type[Record], Form]] = {form.message: form for form in venue_messages_codec.FORMS}


def encode_venue(message: VenueMessage) -> bytes:
    """Give a message's record value."""
    return _FORMS[type(message)].encoded(message)


def decode_venue_command(value: bytes | None) -> VenueCommand:
    """Read a record of `venue.commands`, or raise NotDecodable."""
    command: VenueCommand = read_by(form_of(value, _commands()), value)
    return command


def decode_venue_event(value: bytes | None) -> VenueEvent:
    """Read a record of `venue.events`, or raise NotDecodable."""
    event: VenueEvent = read_by(form_of(value, _events()), value)
    return event


@cache
def _commands() -> dict[bytes, Form]:
    return _by_prefix(get_args(VenueCommand))


@cache
def _events() -> dict[bytes, Form]:
    return _by_prefix(get_args(VenueEvent))


def _by_prefix(messages: tuple[type[Record], ...]) -> dict[bytes, Form]:
    return {_FORMS[message].prefix: _FORMS[message] for message in messages}
