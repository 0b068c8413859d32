"""What can go wrong with a request to the venue, which of it is tried again, and how it is reported."""

from typing import Final

from sqlalchemy.exc import SQLAlchemyError

from venue.binance import NotSent, OutcomeUnknown, VenueRefused
from venue.filters import Refusal

FILTER_FAILURE: Final = "Filter failure: "

DEADLINE_PASSED: Final = Refusal("DEADLINE_PASSED", "The order could not be sent in time; nothing was executed")
NO_KEYS: Final = Refusal("NO_KEYS", "There are no keys of the venue that could be used")
NOT_RECEIVED: Final = Refusal("NOT_RECEIVED", "The order never reached the venue; nothing was executed")
NOT_OPEN: Final = Refusal("ORDER_NOT_OPEN", "The order is not open at the venue")


class KeysMissing(Exception):
    """The account has no keys that open; the venue cannot be queried for it."""


# After these the state of an order is still not known; the query is repeated after a pause.
RETRYABLE: Final = (NotSent, OutcomeUnknown, VenueRefused, KeysMissing, SQLAlchemyError)
# Of these, what does not pass by itself: an order that meets nothing else for a while is abandoned.
PERSISTENT: Final = (VenueRefused, KeysMissing)


def refusal_of_error(error: VenueRefused) -> Refusal:
    """Name the filter where the venue named one, else the venue's own number."""
    if error.message.startswith(FILTER_FAILURE):
        return Refusal(error.message.removeprefix(FILTER_FAILURE), error.message)
    return Refusal(str(error.code), error.message)


def error_text(error: Exception) -> str:
    """Describe an error, without a database's statement or parameters."""
    return type(error).__name__ if isinstance(error, SQLAlchemyError) else str(error)
