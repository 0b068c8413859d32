"""How often and how much a client may say over a WebSocket.

An order that its account's rate limit takes is bounded by that alone, over all sockets and REST, and not counted here.
"""

from time import monotonic
from typing import Final

RATE: Final = 20.0  # messages a second a client may send
BURST: Final = 100.0
REFUSED_RATE: Final = 200.0  # orders a second that may be refused before any limit of the account takes them
REFUSED_BURST: Final = 2_000.0
TEXT_MAX: Final = 16 * 1024


class MessageRate:
    """Counts one client's messages."""

    def __init__(self, rate: float = RATE, burst: float = BURST) -> None:
        self._rate = rate
        self._burst = burst
        self._allowance = burst
        self._counted_at = monotonic()

    def takes(self) -> bool:
        """Count a message; false where there were too many."""
        moment = monotonic()
        self._allowance = min(self._burst, self._allowance + self._rate * (moment - self._counted_at)) - 1
        self._counted_at = moment
        return self._allowance >= 0
