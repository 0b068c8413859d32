"""What an API key may do, over the canonical routes and the seeds': one table; what is not in it takes a login.

Who the user is, their sessions, keys and withdrawals, and what administrators see and do are not in it.
"""

import re
from collections.abc import Collection
from typing import Final

from api.http.problems import SCOPE_MISSING, ApiError

READ: Final = (
    *("GET /api/v1/account", "GET /api/v1/fills", "GET /api/v1/ledger", "GET /api/v1/statements"),
    *("GET /api/v1/orders", "GET /api/v1/orders/{}", "POST /api/v1/orders/preview"),
    *("GET /api/v1/positions", "GET /api/v1/positions/{}"),
    *("GET /api/v1/commands/{}", "GET /api/v1/receipts/{}", "GET /api/v1/receipts/{}/closings"),
    *("GET /api/v1/alerts", "GET /api/v1/alerts/{}"),
    *("GET /api/v1/audit/events", "GET /api/v1/audit/replay", "GET /api/v1/audit/replay/{}"),
    *("GET /api/v1/venue", "GET /api/v1/venue/orders", "GET /api/v1/venue/orders/{}"),
)
TRADE: Final = (
    *("POST /api/v1/orders", "PATCH /api/v1/positions/{}"),
    *("POST /api/v1/positions/{}/close", "POST /api/v1/positions/close-all"),
    *("POST /api/v1/alerts", "DELETE /api/v1/alerts/{}", "POST /api/v1/demo/deposit"),
)
SEEDS_READ: Final = (
    *("GET /balance", "GET /balance/{}", "GET /api/v1/balance", "GET /api/v1/balance/{}"),
    *("GET /api/v1/user/orders", "GET /api/v1/user/trades"),
    *("GET /api/trading/orders", "GET /api/trading/orders/{}", "GET /api/trading/positions"),
    *("GET /trade/orders", "GET /trade/orders/{}", "GET /api/v1/state"),
)
SEEDS_TRADE: Final = (
    *("POST /trades", "POST /api/v1/trade/create"),
    *("POST /api/trading/orders", "DELETE /api/trading/orders/{}"),
    *("POST /trade/create", "POST /trade/open", "POST /trade/close/{}"),
    *("POST /api/v1/positions/open", "POST /api/v1/positions/close"),
)
# The answer to these commands is the account's balance.
SEEDS_TRADE_AND_READ: Final = ("POST /trades/{}/close", "POST /api/v1/trade/close", "POST /balance/deposit")
SOCKET: Final = "POST /api/v1/ws-ticket"
# What is asked through them differs in what it needs: `check_command_scopes` is called once it is known.
BY_COMMAND: Final = ("POST /api/v1/engine", SOCKET)


def check_scope(method: str, path: str, scopes: Collection[str]) -> None:
    """Refuse what a key with these scopes may not ask for: SCOPE_MISSING."""
    asked = _asked(method, path)
    needed = next((names for names, routes in _PERMITTED.items() if routes.fullmatch(asked)), None)
    if needed is None:
        raise login_needed()
    check_command_scopes(needed, scopes)


def check_command_scopes(needed: Collection[str], scopes: Collection[str] | None) -> None:
    """Refuse a key that lacks a scope that a command needs: SCOPE_MISSING. A session has null scopes and lacks none."""
    missing = [scope for scope in needed if scopes is not None and scope not in scopes]
    if missing:
        raise ApiError(SCOPE_MISSING, f"The API key has no scope `{missing[0]}`")


def is_of_account(method: str, path: str) -> bool:
    """Say whether a canonical route is about an account and its trading, and not about who its user is."""
    return _OF_ACCOUNT.fullmatch(_asked(method, path)) is not None


def login_needed() -> ApiError:
    """Give the refusal of what no key may do."""
    return ApiError(SCOPE_MISSING, "An API key may not do this; sign in")


def _asked(method: str, path: str) -> str:
    return f"{'GET' if method == 'HEAD' else method} {path}"


def _pattern(routes: Collection[str]) -> re.Pattern[str]:
    return re.compile("|".join(re.escape(route).replace(r"\{\}", "[^/]+") for route in routes))


_PERMITTED: Final[dict[tuple[str, ...], re.Pattern[str]]] = {
    ("trade",): _pattern((*TRADE, *SEEDS_TRADE)),
    ("read",): _pattern((*READ, *SEEDS_READ)),
    ("trade", "read"): _pattern(SEEDS_TRADE_AND_READ),
    (): _pattern(BY_COMMAND),
}
_OF_ACCOUNT: Final = _pattern((*READ, *TRADE, SOCKET))
