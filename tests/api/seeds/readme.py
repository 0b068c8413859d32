"""How the requests of a README are run, in order, and what each must answer and change."""

import json
import re
import time
from collections.abc import Mapping
from decimal import Decimal
from typing import Any
from uuid import uuid4

import jsonschema

from api.seeds.entries import Request, seed
from api.seeds.market import Figures, Market

CHECKED = jsonschema.Draft202012Validator
HOUR_S = 3_600


def run_readme(market: Market, number: str) -> None:
    """Run a README from its first request to its last, as a newcomer."""
    names = {
        "email": f"{uuid4().hex}@example.com",
        "hour_ago": str(int(time.time()) - HOUR_S),
        "hour_ahead": str(int(time.time()) + HOUR_S),
    }
    for request in seed(number).requests:
        for symbol, ask in request.price.items():
            market.at(symbol, ask)
        before = _figures(market, request, names)
        reply = _asked(market, request, names)
        names |= {name: str(_within(reply, path)) for name, path in request.take.items()}
        if "token" in request.take:
            names["account"] = _account(market, names["token"])
        after = _figures(market, request, names)
        assert _change(before, after) == _wanted(request), request.text


def _asked(market: Market, request: Request, names: Mapping[str, str]) -> Any:
    headers = {name: _filled(value, names) for name, value in request.headers.items()}
    with market.client(**headers) as client:
        reply = client.request(
            request.method,
            _filled(request.path, names),
            json=None if request.body is None else json.loads(_filled(json.dumps(request.body), names)),
        )
    assert reply.status_code == request.status, f"{request.text}: {reply.text}"
    schema = json.loads(_filled(json.dumps(request.reply), names))
    CHECKED.check_schema(schema)
    errors = [error.message for error in CHECKED(schema).iter_errors(reply.json())]
    assert errors == [], f"{request.text}: {reply.text}"
    return reply.json()


def _filled(text: str, names: Mapping[str, str]) -> str:
    return re.sub(r"\{([a-zA-Z_]+)\}", lambda match: names[match.group(1)], text)


def _within(reply: Any, path: str) -> Any:
    for part in path.split("."):
        reply = reply[part]
    return reply


def _account(market: Market, token: str) -> str:
    with market.client(Authorization=f"Bearer {token}") as client:
        account: str = client.get("/api/v1/auth/me").json()["account_id"]
    return account


def _figures(market: Market, request: Request, names: Mapping[str, str]) -> Figures:
    market.until_projected()
    return market.figures(request.account or names.get("account", ""))


def _change(before: Figures, after: Figures) -> dict[str, Any]:
    return {
        "free": after.free - before.free,
        "used": after.used - before.used,
        "balance": after.balance - before.balance,
        "open": after.open - before.open,
        "lines": after.lines[len(before.lines) :],
    }


def _wanted(request: Request) -> dict[str, Any]:
    change = {name: Decimal(request.ledger.get(name, "0")) for name in ("free", "used", "balance")}
    return {**change, "open": request.ledger.get("open", 0), "lines": request.ledger.get("lines", [])}
