"""The requests of a README are run in order, and their replies and ledger changes are checked."""

import json
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from decimal import Decimal
from typing import Any
from uuid import uuid4

import httpx
import jsonschema
from websockets.sync.client import ClientConnection, connect

from tests.api.seeds.entries import Request, seed
from tests.api.seeds.market import Figures, Market

CHECKED = jsonschema.Draft202012Validator
HOUR_S = 3_600
CHANGED_WITHIN_S = 10.0
WAIT_S = 45


def run_readme(market: Market, number: str, origin: Callable[[int], str] | None = None) -> None:
    """Run a README from its first request to its last, as a newcomer; origin: where a port of the README's is."""
    names = {
        "email": f"{uuid4().hex}@example.com",
        "hour_ago": str(int(time.time()) - HOUR_S),
        "hour_ahead": str(int(time.time()) + HOUR_S),
    }
    listening: list[tuple[Request, ClientConnection]] = []
    with ExitStack() as opened:
        for request in seed(number).requests:
            url = market.url if origin is None else origin(request.port)
            for symbol, ask in request.price.items():
                market.at(symbol, ask)
            if request.method == "WS":
                listening.append((request, opened.enter_context(_listened(url, request, names))))
                continue
            before = _figures(market, request, names)
            reply = _request(market, url, request, names)
            names |= {name: str(within(reply, path)) for name, path in request.take.items()}
            if "token" in request.take:
                names["account"] = _account(market, names["token"])
            _until_changed(market, request, names, before)
        for request, socket in listening:
            _check_messages(socket, request, names)


def _request(market: Market, url: str, request: Request, names: Mapping[str, str]) -> Any:
    headers = {name: filled(value, names) for name, value in request.headers.items()}
    with market.client(**headers) as client:
        client.base_url = httpx.URL(url)
        reply = client.request(
            request.method,
            filled(request.path, names),
            json=None if request.body is None else json.loads(filled(json.dumps(request.body), names)),
        )
    assert reply.status_code == request.status, f"{request.text}: {reply.text}"
    check(reply.json(), request.reply, names, request.text)
    return reply.json()


@contextmanager
def _listened(url: str, request: Request, names: Mapping[str, str]) -> Iterator[ClientConnection]:
    address = url.replace("http", "ws", 1) + filled(request.path, names)
    with connect(address, proxy=None, max_queue=None) as socket:
        assert socket.response is not None
        assert socket.response.status_code == request.status, request.text
        check(json.loads(socket.recv(WAIT_S)), request.reply, names, request.text)
        yield socket


def _check_messages(socket: ClientConnection, request: Request, names: Mapping[str, str]) -> None:
    """Of each kind the first messages are those of the entry, in its order."""
    left = list(request.told)
    while left:
        message = json.loads(socket.recv(WAIT_S))
        wanted = next((one for one in left if one[0] == message["type"]), None)
        if wanted is not None:
            check(message["data"], wanted[1], names, f"{request.text} {message['type']}")
            left.remove(wanted)


def check(found: Any, schema: dict[str, Any], names: Mapping[str, str], what: str) -> None:
    whole = json.loads(filled(json.dumps(schema), names))
    CHECKED.check_schema(whole)
    errors = [error.message for error in CHECKED(whole).iter_errors(found)]
    assert errors == [], f"{what}: {found}"


def filled(text: str, names: Mapping[str, str]) -> str:
    return re.sub(r"\{([a-zA-Z_]+)\}", lambda match: names[match.group(1)], text)


def within(reply: Any, path: str) -> Any:
    for part in path.split("."):
        reply = reply[part]
    return reply


def _account(market: Market, token: str) -> str:
    with market.client(Authorization=f"Bearer {token}") as client:
        account: str = client.get("/api/v1/auth/me").json()["account_id"]
    return account


def _until_changed(market: Market, request: Request, names: Mapping[str, str], before: Figures) -> None:
    """Wait for what an entry says of the ledger: a reply of a seed may come before what it announces."""
    expected = wanted(request.ledger)
    deadline = time.monotonic() + CHANGED_WITHIN_S
    while (found := change(before, _figures(market, request, names))) != expected:
        assert time.monotonic() < deadline, f"{request.text}: {found} where {expected} was expected"


def _figures(market: Market, request: Request, names: Mapping[str, str]) -> Figures:
    market.until_projected()
    return market.figures(request.account or names.get("account", ""))


def change(before: Figures, after: Figures) -> dict[str, Any]:
    return {
        "free": after.free - before.free,
        "used": after.used - before.used,
        "balance": after.balance - before.balance,
        "open": after.open - before.open,
        "lines": after.lines[len(before.lines) :],
    }


def wanted(ledger: Mapping[str, Any]) -> dict[str, Any]:
    """What must have changed, as an entry says it."""
    amounts = {name: Decimal(ledger.get(name, "0")) for name in ("free", "used", "balance")}
    return {**amounts, "open": ledger.get("open", 0), "lines": ledger.get("lines", [])}
