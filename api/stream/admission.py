"""Which WebSockets are let in: from which pages, and how many in all, of an address and of an account."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from fastapi import WebSocket

from api.app_state import AppState
from api.auth.cross_site import allowed_origins
from runtime.counted_addresses import counted
from runtime.http_connections import Proxies

SOCKETS_MAX: Final = 5_000
SOCKETS_OF_ADDRESS: Final = 500
SOCKETS_OF_ACCOUNT: Final = 16
SCHEMES: Final = {"ws": "http", "wss": "https"}


class Admission:
    """Counts the sockets of every kind in this process; used on the loop only."""

    def __init__(self, state: AppState) -> None:
        self._app = state
        self._proxies = Proxies(state.settings.trusted_proxies)
        self._of_address: Counter[str] = Counter()
        self._of_account: Counter[str] = Counter()
        self.is_closed = False  # set when the process goes down

    def __len__(self) -> int:
        return self._of_address.total()

    def may_connect(self, websocket: WebSocket) -> bool:
        """Say whether the page that opens it may: a browser names it, and nothing else does."""
        origin = websocket.headers.get("origin")
        if origin is None:
            return True
        scheme = SCHEMES.get(websocket.url.scheme, websocket.url.scheme)
        own = f"{scheme}://{websocket.headers.get('host', '')}"
        return origin == own or origin in allowed_origins(self._app.settings)

    @contextmanager
    def place(self, websocket: WebSocket) -> Iterator[bool]:
        """Take a place for a socket; false where its address has as many as it may, or there are in all."""
        host = "" if websocket.client is None else websocket.client.host
        address = counted(host)
        is_full = len(self) >= SOCKETS_MAX or (
            self._of_address[address] >= SOCKETS_OF_ADDRESS and not self._proxies.have(host)
        )
        with _counted(self._of_address, address, has_room=not is_full):
            yield not is_full

    def enter(self, account_id: str) -> bool:
        """Count a socket as an account's; false where that has as many as it may."""
        has_room = self._of_account[account_id] < SOCKETS_OF_ACCOUNT
        self._of_account[account_id] += has_room
        return has_room

    def leave(self, account_id: str) -> None:
        """Count one less."""
        self._of_account[account_id] -= 1
        if not self._of_account[account_id]:
            del self._of_account[account_id]


@contextmanager
def _counted(counts: Counter[str], name: str, *, has_room: bool) -> Iterator[None]:
    counts[name] += has_room
    try:
        yield
    finally:
        counts[name] -= has_room
        if not counts[name]:
            del counts[name]
