"""How many failed logins an account and an address may have."""

from collections import OrderedDict
from collections.abc import Callable
from typing import Final

WINDOW_S: Final = 300.0
ACCOUNT_FAILURES_MAX: Final = 10
ADDRESS_FAILURES_MAX: Final = 100
NAMES_MAX: Final = 50_000


class Throttle:
    """Counts failures within five minutes, for a bounded number of names; one process knows only its own."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._failures: OrderedDict[str, list[float]] = OrderedDict()

    def wait(self, email: str, address: str) -> float:
        """Give the seconds to wait before the next try; 0 when it is allowed."""
        return max(
            self._wait(f"account {email}", ACCOUNT_FAILURES_MAX), self._wait(f"address {address}", ADDRESS_FAILURES_MAX)
        )

    def failed(self, email: str, address: str) -> None:
        """Count a failure against both."""
        for name in (f"account {email}", f"address {address}"):
            times = self._recent(name)
            times.append(self._clock())
            self._failures[name] = times
            self._failures.move_to_end(name)
        while len(self._failures) > NAMES_MAX:
            self._failures.popitem(last=False)

    def succeeded(self, email: str) -> None:
        """Forget the account's failures; the address keeps its own, or one good login would buy a hundred guesses."""
        self._failures.pop(f"account {email}", None)

    def _wait(self, name: str, failures_max: int) -> float:
        times = self._recent(name)
        if len(times) < failures_max:
            return 0.0
        return times[-failures_max] + WINDOW_S - self._clock()

    def _recent(self, name: str) -> list[float]:
        since = self._clock() - WINDOW_S
        return [time for time in self._failures.get(name, ()) if time > since]
