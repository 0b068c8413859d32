"""How many connections an HTTP server has, in all and of each address, and which of them give way to another."""

from asyncio import Transport
from collections.abc import Callable, Iterable
from ipaddress import ip_network
from typing import Final, NamedTuple

from runtime.counted_addresses import counted, parsed

REFUSED_MAX: Final = 64  # connections without a place that hear why; beyond them one is ended at once


class _Taken(NamedTuple):
    counted_by: str
    give_way: Callable[[], None]


class Proxies:
    """Addresses and networks, by commas, of proxies, which bring many clients each."""

    def __init__(self, trusted: str) -> None:
        self._networks = [ip_network(part.strip()) for part in trusted.split(",") if part.strip()]

    def have(self, address: str) -> bool:
        """Say whether an address is one's."""
        found = parsed(address)
        return found is not None and any(found in network for network in self._networks)


class Connections:
    """Used on the loop of one server.

    Who waits on their client longest gives way where one comes beyond a bound, of the same address where it is that
    address's. Of IPv6 a network of 64 bits counts as one address. trusted: the addresses of proxies, of which one may
    have as many as there are.
    """

    def __init__(self, in_all: int, of_address: int, trusted: str = "") -> None:
        self._in_all = in_all
        self._of_address = of_address
        self._proxies = Proxies(trusted)
        self._taken: dict[Transport, _Taken] = {}
        self._by_address: dict[str, dict[Transport, None]] = {}
        self._waiting: dict[Transport, None] = {}  # the longest first
        self._refused: set[Transport] = set()

    def __len__(self) -> int:
        return len(self._taken)

    def enter(self, transport: Transport, address: str, give_way: Callable[[], None]) -> bool:
        """Take a connection; false where there is no room, and nobody gives way."""
        is_proxy = self._proxies.have(address)
        counted_by = address if is_proxy else counted(address)
        others = self._by_address.get(counted_by, {})
        if len(others) >= self._of_address and not is_proxy and not self._make_room(others):
            return False
        if len(self._taken) >= self._in_all and not self._make_room(self._waiting):
            return False
        self._taken[transport] = _Taken(counted_by, give_way)
        self._by_address.setdefault(counted_by, {})[transport] = None
        return True

    def refuse(self, transport: Transport) -> bool:
        """Keep a connection without a place until it was told so; false where too many are kept already."""
        if len(self._refused) >= REFUSED_MAX:
            return False
        self._refused.add(transport)
        return True

    def leave(self, transport: Transport) -> None:
        """Free the place of a connection, if it has one."""
        self._refused.discard(transport)
        self._waiting.pop(transport, None)
        taken = self._taken.pop(transport, None)
        if taken is not None:
            others = self._by_address[taken.counted_by]
            del others[transport]
            if not others:
                del self._by_address[taken.counted_by]

    def waits(self, transport: Transport) -> None:
        """Note that a connection waits on its client from now on."""
        self._waiting.pop(transport, None)
        if transport in self._taken:
            self._waiting[transport] = None

    def works(self, transport: Transport) -> None:
        """Note that a connection is worked for, and gives way to nobody."""
        self._waiting.pop(transport, None)

    def _make_room(self, candidates: Iterable[Transport]) -> bool:
        transport = next((each for each in candidates if each in self._waiting), None)
        if transport is None:
            return False
        give_way = self._taken[transport].give_way
        self.leave(transport)
        give_way()
        return True
