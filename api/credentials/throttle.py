"""How many failed logins an account and an address may have.

Of an account three counts go beside each other: tries from where it was never signed in to, those from an address that
signed in before, and those of each device that did. So who guesses elsewhere keeps the owner out of neither.
"""

from collections.abc import Callable, Mapping, Sequence
from time import monotonic
from typing import Final, NamedTuple, Protocol

from cachetools import TTLCache

WINDOW_S: Final = 300
ACCOUNT_FAILURES_MAX: Final = 10
ADDRESS_FAILURES_MAX: Final = 100
SHORTEST_S: Final = 0.001
FULL_MAX: Final = 10_000
FULL_S: Final = 1.0  # while it may have changed: some of what was counted may succeed
UNKNOWN: Final = ""
KNOWN_ADDRESS: Final = "from a known address"
_DEVICE: Final = "by device "


class FullCounts(NamedTuple):
    """Names of which there are as many failures as there may be. wait_s: until a next login."""

    names: Sequence[str]
    wait_s: float


class FailureCounts(Protocol):
    """What all processes of the API count together."""

    async def begin(self, limits: Mapping[str, int], window_s: float) -> FullCounts | None:
        """Count a login of each name, within its limit, in a window that begins with the first; else count none."""

    async def withdraw(self, names: Sequence[str]) -> None:
        """Count a login of each name less: it was none."""

    async def succeeded(self, cleared: str, withdrawn: Sequence[str]) -> None:
        """Forget all failures of a name, and count a login of others less."""


class Throttle:
    """Counts failures in windows that begin with the first, in PostgreSQL for all processes; used on the loop only.

    A login counts as failed from its beginning until it succeeds, so that many at once are no more than one by one.
    What was full less than a second ago is refused without a question. name_hash: gives under what a name is stored.
    """

    def __init__(self, counts: FailureCounts, name_hash: Callable[[str], str], window_s: float = WINDOW_S) -> None:
        self._counts = counts
        self._name_hash = name_hash
        self._window_s = window_s
        self._full_until: TTLCache[str, float] = TTLCache(FULL_MAX, FULL_S)

    async def begin(self, account: str, address: str, known: str = UNKNOWN) -> float:
        """Count a try against both; gives the seconds to wait, and counts nothing, where there were too many.

        account: the user's id, or the key of an email that is nobody's. known: by what the one who tries is known;
        UNKNOWN, KNOWN_ADDRESS or a `known_device`.
        """
        limits = {self._account(account, known): ACCOUNT_FAILURES_MAX}
        limits |= dict.fromkeys(self._at(address, known), ADDRESS_FAILURES_MAX)
        wait_s = max(self._full_until.get(name, 0.0) - monotonic() for name in limits)
        if wait_s > 0:
            return max(SHORTEST_S, wait_s)
        full = await self._counts.begin(limits, self._window_s)
        if full is None:
            return 0.0
        self._full_until.update(dict.fromkeys(full.names, monotonic() + full.wait_s))
        return max(SHORTEST_S, full.wait_s)

    async def withdraw(self, account: str, address: str, known: str = UNKNOWN) -> None:
        """Forget this try, which was none."""
        await self._counts.withdraw([self._account(account, known), *self._at(address, known)])

    async def succeeded(self, account: str, address: str, known: str = UNKNOWN) -> None:
        """Forget the account's failures, of this count; of the address only this try.

        Otherwise a good login would buy others guesses.
        """
        await self._counts.succeeded(self._account(account, known), self._at(address, known))

    def _account(self, account: str, known: str) -> str:
        return self._name_hash(f"account {account} {known}")

    def _at(self, address: str, known: str) -> list[str]:
        return [] if is_device(known) else [self._name_hash(f"address {address}")]


def known_device(device_id: str) -> str:
    """Name the count of a device; what others guess at its address is not counted against it."""
    return f"{_DEVICE}{device_id}"


def is_device(known: str) -> bool:
    """Say whether the one who tries is known by their device."""
    return known.startswith(_DEVICE)
