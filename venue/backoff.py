"""How long is waited between two tries."""

import random
from collections.abc import Iterator
from typing import Final

PAUSE_FIRST_S: Final = 0.2
PAUSE_MAX_S: Final = 5.0


def backoff_pauses() -> Iterator[float]:
    """Give pauses without end, doubling up to five seconds; chance keeps many from coming at once."""
    pause = PAUSE_FIRST_S
    while True:
        yield pause * random.uniform(0.75, 1.25)  # noqa: S311  # No secret.
        pause = min(2 * pause, PAUSE_MAX_S)
