"""How often and how much a client may say over a WebSocket."""

from time import monotonic
from typing import Final

RATE: Final = 20.0  # messages a second a client may send
BURST: Final = 100.0
TEXT_MAX: Final = 16 * 1024


class MessageRate:
    """Counts one client's messages."""

    def __init__(self) -> None:
        self._allowance = BURST
        self._counted_at = monotonic()

    def takes(self) -> bool:
        """Count a message; false where there were too many."""
        moment = monotonic()
        self._allowance = min(BURST, self._allowance + RATE * (moment - self._counted_at)) - 1
        self._counted_at = moment
        return self._allowance >= 0
