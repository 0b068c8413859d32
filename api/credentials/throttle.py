"""How many failed logins an account and an address may have."""

from time import time
from typing import Final

from limits.storage import MemoryStorage

WINDOW_S: Final = 300
ACCOUNT_FAILURES_MAX: Final = 10
ADDRESS_FAILURES_MAX: Final = 100
SHORTEST_S: Final = 0.001


class Throttle:
    """Counts failures in windows that begin with the first; one process knows only its own.

    A login counts as failed from its beginning until it succeeds, so that many at once are no more than one by one.
    """

    def __init__(self, window_s: float = WINDOW_S) -> None:
        self._window_s = window_s
        self._storage = MemoryStorage()

    def begin(self, email: str, address: str) -> float:
        """Count a try against both; gives the seconds to wait, and counts nothing, where there were too many."""
        limits = {_account(email): ACCOUNT_FAILURES_MAX, _address(address): ADDRESS_FAILURES_MAX}
        full = [name for name, most in limits.items() if self._storage.get(name) >= most]
        if full:
            return max(SHORTEST_S, *(self._storage.get_expiry(name) - time() for name in full))
        for name in limits:
            self._storage.incr(name, self._window_s)
        return 0.0

    def withdraw(self, email: str, address: str) -> None:
        """Forget this try, which was none."""
        self._storage.decr(_account(email))
        self._storage.decr(_address(address))

    def succeeded(self, email: str, address: str) -> None:
        """Forget the account's failures; of the address only this try, or a good login would buy a hundred guesses."""
        self._storage.clear(_account(email))
        self._storage.decr(_address(address))


def _account(email: str) -> str:
    return f"account {email}"


def _address(address: str) -> str:
    return f"address {address}"
