"""One exchange for several files of tests, so that hundreds of tests cost one start; and the order of the files."""

from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from typing import Any, Final, TypeVar

import pytest

from tests.api.exchange import Exchange

Beside = TypeVar("Beside")

SEEDS: Final = "tests/api/seeds/"
# The files of a group share an exchange, and find others' users there.
# A worker is given all of a group at once.
GROUPS: Final = {
    "the screen": tuple(
        f"tests/web/test_{name}.py" for name in ("account", "market", "pages", "replay", "tabs", "trading")
    ),
    "the API": tuple(
        f"tests/api/test_{name}.py"
        for name in (
            *("auth", "canonical", "openapi", "preview", "reads_behind", "receipts", "refusals"),
            *(
                "second_api",
                "stream",
                "stream_order_refusals",
                "stream_orders",
                "trading",
                "trading_socket",
                "typescript_client",
            ),
        )
    ),
    "the seeds": (SEEDS,),
    "who gets in": tuple(
        f"tests/security/test_{name}.py"
        for name in (
            *(
                *("approvals", "deletion_races", "email_cases", "emails", "if_match", "key_permissions"),
                *("limits", "lockout", "no_server_errors", "signed_requests", "used_keys"),
            ),
            *("no_server_errors", "signed_requests", "used_keys"),
        )
    ),
    "bounds": tuple(
        f"tests/security/test_{name}.py"
        for name in (
            *("departures", "handshakes", "headers", "http_bounds"),
            *("password_bounds", "pipelines", "socket_bounds", "upgrades", "websocket_frames"),
        )
    ),
}
# What waits for servers comes first, and what only computes last: it fills what one worker has left over.
SERVERS_FIRST: Final = tuple(
    f"tests/{name}/" for name in ("system", "web", "api", "security", "faults", "kafka", "stack")
)
SYMBOLS: Final = {"BTC_USDC": ("49999.9", "50000.0"), "ETH_USDC": ("1999.99", "2000.00")}


def group_of(nodeid: str) -> str | None:
    """Give the name of the group a test's file is of; null for one with servers of its own."""
    return next((name for name, files in GROUPS.items() if nodeid.startswith(files)), None)


def order_of(nodeid: str) -> tuple[int, int]:
    """Give the place of a test's file in a run: the groups, each whole, then other servers, then all else."""
    group = group_of(nodeid)
    groups = list(GROUPS).index(group) if group else len(GROUPS)
    return groups, next((place for place, folder in enumerate(SERVERS_FIRST) if nodeid.startswith(folder)), 100)


def begin(exchange: Exchange) -> None:
    """Select a new feed, BTC at 50,000 and ETH at 2,000 with a spread of one tick; SOL has no price."""
    exchange.new_feed()
    for symbol, (bid, ask) in SYMBOLS.items():
        exchange.confirmed_price(symbol, bid, ask)
    for symbol, (bid, _ask) in SYMBOLS.items():
        exchange.until_fresh(symbol, bid)


class SharedExchange:
    """The exchange of the group that runs, and what runs beside it once it was asked for."""

    def __init__(self) -> None:
        self._running: Exchange | None = None
        self._beside: dict[str, Any] = {}
        self._servers = ExitStack()

    def given(self, start: Callable[[], AbstractContextManager[Exchange]]) -> Exchange:
        """Give the exchange that runs; start it for the first file of tests."""
        if self._running is None:
            self._running = self._servers.enter_context(start())
        return self._running

    def beside(self, name: str, start: Callable[[], AbstractContextManager[Beside]]) -> Beside:
        """Give what runs beside it under a name; start it for the first file of tests that needs it."""
        if name not in self._beside:
            self._beside[name] = self._servers.enter_context(start())
        found: Beside = self._beside[name]
        return found

    def stop(self) -> None:
        """End what runs."""
        self._running, self._beside = None, {}
        self._servers.close()


SHARED: Final = pytest.StashKey[SharedExchange]()


def shared(config: pytest.Config) -> SharedExchange:
    """Give the shared exchange of this process."""
    return config.stash.setdefault(SHARED, SharedExchange())
