"""How many failed logins an account and an address may have.

Of an account three counts go beside each other: tries from where it was never signed in to, those from an address that
signed in before, and those of each device that did. So who guesses elsewhere keeps the owner out of neither.
"""

from time import time
from typing import Final

from limits.storage import MemoryStorage

WINDOW_S: Final = 300
ACCOUNT_FAILURES_MAX: Final = 10
ADDRESS_FAILURES_MAX: Final = 100
SHORTEST_S: Final = 0.001
UNKNOWN: Final = ""
KNOWN_ADDRESS: Final = "from a known address"
_DEVICE: Final = "by device "


class Throttle:
    """Counts failures in windows that begin with the first; one process knows only its own.

    A login counts as failed from its beginning until it succeeds, so that many at once are no more than one by one.
    """

    def __init__(self, window_s: float = WINDOW_S) -> None:
        self._window_s = window_s
        self._storage = MemoryStorage()

    def begin(self, account: str, address: str, known: str = UNKNOWN) -> float:
        """Count a try against both; gives the seconds to wait, and counts nothing, where there were too many.

        account: the user's id, or the key of an email that is nobody's. known: by what the one who tries is known;
        UNKNOWN, KNOWN_ADDRESS or a `known_device`.
        """
        limits = {_account(account, known): ACCOUNT_FAILURES_MAX}
        if not is_device(known):
            limits[_address(address)] = ADDRESS_FAILURES_MAX
        full = [name for name, most in limits.items() if self._storage.get(name) >= most]
        if full:
            return max(SHORTEST_S, *(self._storage.get_expiry(name) - time() for name in full))
        for name in limits:
            self._storage.incr(name, self._window_s)
        return 0.0

    def withdraw(self, account: str, address: str, known: str = UNKNOWN) -> None:
        """Forget this try, which was none."""
        self._storage.decr(_account(account, known))
        self._forget_at(address, known)

    def succeeded(self, account: str, address: str, known: str = UNKNOWN) -> None:
        """Forget the account's failures, of this count; of the address only this try.

        Otherwise a good login would buy others guesses.
        """
        self._storage.clear(_account(account, known))
        self._forget_at(address, known)

    def _forget_at(self, address: str, known: str) -> None:
        if not is_device(known):
            self._storage.decr(_address(address))


def known_device(device_id: str) -> str:
    """Name the count of a device; what others guess at its address is not counted against it."""
    return f"{_DEVICE}{device_id}"


def is_device(known: str) -> bool:
    """Say whether the one who tries is known by their device."""
    return known.startswith(_DEVICE)


def _account(account: str, known: str) -> str:
    return f"account {account} {known}"


def _address(address: str) -> str:
    return f"address {address}"
