"""The client executes a command once through any loss, and never guesses an unknown outcome."""

import asyncio
import json
import random
from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any, Final
from uuid import NAMESPACE_URL, uuid5

import httpx
import pytest

from reprise_client import (
    Client,
    Malformed,
    NotFound,
    NotSignedIn,
    OutcomeUnknown,
    Refused,
    TooMany,
    Unavailable,
    Unreachable,
)

ClientCall = Callable[[Client], Awaitable[Any]]
TIME: Final = "2026-01-09T12:00:00.000001Z"
ORDER: Final = {"type": "market", "symbol": "BTC_USDC", "side": "long", "price": "50000.0", "quantity": "0.02000"}
# What may happen to one request. After those of the first line the command may have been executed.
FAULTS: Final = (
    *("reply lost", "cut off", "502 behind", "500 behind", "202", "202 and unknown"),
    *("no connection", "503", "429", "401 expired", "409 still running"),
)


class Exchange:
    """Executes a command once per key, as the real one does, and does to each request what is next in `faults`."""

    def __init__(self, *faults: str, refuses: str | None = None) -> None:
        self.faults = list(faults)
        self.refuses = refuses
        self.executed: dict[str, dict[str, Any]] = {}
        self.forgets: set[str] = set()
        self.logins = 0
        self.expired: str | None = None  # a token that is not good any more
        self.headers: list[httpx.Headers] = []
        self.bodies: list[Any] = []

    def answer(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path.removeprefix("/api/v1")
        self.headers.append(request.headers)
        if path in {"/auth/login", "/auth/refresh"}:
            self.logins += 1
            return httpx.Response(200, json={"access_token": f"token-{self.logins}", "expires_in": 900})
        if request.method == "GET":
            return self._read(path)
        if self.expired is not None and request.headers["Authorization"] == f"Bearer {self.expired}":
            return httpx.Response(401, json={"code": "TOKEN_EXPIRED"})
        self.bodies.append(json.loads(request.content) if request.content else None)
        return self._command(request, self.faults.pop(0) if self.faults else "")

    def _command(self, request: httpx.Request, fault: str) -> httpx.Response:
        match fault:
            case "no connection":
                raise httpx.ConnectError("nobody listens", request=request)
            case "503":
                return httpx.Response(503, json={"code": "ENGINE_BEHIND"}, headers={"Retry-After": "0"})
            case "429":
                return httpx.Response(429, json={"code": "QUOTA_EXCEEDED"}, headers={"Retry-After": "0"})
            case "401 expired":
                return httpx.Response(401, json={"code": "TOKEN_EXPIRED"})
            case "409 still running":
                return httpx.Response(409, json={"code": "KEY_IN_USE"})
            case _:
                pass
        key = request.headers["Idempotency-Key"]
        done = self._execute(key)
        match fault:
            case "reply lost":
                raise httpx.ReadTimeout("no answer", request=request)
            case "cut off":
                raise httpx.RemoteProtocolError("cut off", request=request)
            case "502 behind":
                return httpx.Response(502, text="<html>Bad Gateway</html>")
            case "500 behind":
                return httpx.Response(500, json={"code": "INTERNAL_ERROR"})
            case "202" | "202 and unknown":
                if fault == "202 and unknown":
                    self.forgets.add(done["command_id"])
                return httpx.Response(202, json={"command_id": done["command_id"], "status": "pending"})
            case _:
                pass
        if self.refuses is not None:
            return httpx.Response(409, json={"code": self.refuses, "detail": "it will not do"})
        return httpx.Response(201, json=done, headers={"Ledger-Position": "2:17"})

    def _execute(self, key: str) -> dict[str, Any]:
        if key not in self.executed:
            command_id = str(uuid5(NAMESPACE_URL, key))
            self.executed[key] = ORDER | {"order_id": command_id, "command_id": command_id, "status": "filled"}
        return self.executed[key]

    def _read(self, path: str) -> httpx.Response:
        if not path.startswith("/commands/"):
            return httpx.Response(404, json={"code": "NOT_FOUND", "title": "Not found"})
        command_id = path.rpartition("/")[2]
        if command_id in self.forgets:
            self.forgets.discard(command_id)
            return httpx.Response(200, json={"command_id": command_id, "status": "unknown"})
        order = next(order for order in self.executed.values() if order["command_id"] == command_id)
        if self.refuses is not None:
            return httpx.Response(200, json={"command_id": command_id, "status": "rejected", "code": self.refuses})
        return httpx.Response(200, json={"command_id": command_id, "status": "done", "order": order})


def ask(exchange: Exchange, asked: ClientCall, *, patience_s: float = 20.0) -> Any:
    """Sign in and ask."""

    async def run() -> Any:
        transport = httpx.MockTransport(exchange.answer)
        async with Client("http://exchange", patience_s=patience_s, transport=transport) as client:
            await client.login("ada@example.com", "correct horse battery")
            return await asked(client)

    return asyncio.run(run())


async def an_order(client: Client) -> Any:
    return await client.place_order("BTC_USDC", "long", margin="100", leverage=10)


@pytest.mark.parametrize("fault", FAULTS)
def test_an_order_is_executed_once_through_any_fault_of_a_request(fault: str) -> None:
    exchange = Exchange(fault)
    order = ask(exchange, an_order)
    (executed,) = exchange.executed.values()
    assert (order.order_id, order.status, order.price) == (executed["order_id"], "filled", Decimal("50000.0"))


@pytest.mark.parametrize("seed", range(4))
def test_an_order_is_executed_once_through_any_run_of_faults(seed: int) -> None:
    exchange = Exchange(*random.Random(seed).choices(FAULTS, k=3))
    order = ask(exchange, an_order)
    assert [order.order_id] == [executed["order_id"] for executed in exchange.executed.values()]


@pytest.mark.parametrize("fault", ["", "reply lost", "202", "503"])
def test_a_refusal_is_raised_with_its_code_and_not_retried(fault: str) -> None:
    exchange = Exchange(*([fault] if fault else []), refuses="INSUFFICIENT_MARGIN")
    with pytest.raises(Refused) as raised:
        ask(exchange, an_order)
    assert (raised.value.status, raised.value.code) == (409, "INSUFFICIENT_MARGIN")
    assert len(exchange.bodies) == (2 if fault in {"reply lost", "503"} else 1)


@pytest.mark.parametrize("fault", ["reply lost", "cut off", "500 behind", "502 behind"])
def test_an_order_without_an_answer_in_time_is_unknown_and_can_be_retried_under_its_key(fault: str) -> None:
    exchange = Exchange(*[fault] * 50)
    with pytest.raises(OutcomeUnknown) as raised:
        ask(exchange, an_order, patience_s=0.3)
    exchange.faults.clear()
    key = raised.value.key
    order = ask(exchange, lambda client: client.place_order("BTC_USDC", "long", margin="100", leverage=10, key=key))
    assert [order.order_id] == [executed["order_id"] for executed in exchange.executed.values()]


def test_a_busy_server_after_a_lost_reply_leaves_the_outcome_unknown_and_not_failed() -> None:
    exchange = Exchange("reply lost", *["503"] * 50)
    with pytest.raises(OutcomeUnknown, match="ENGINE_BEHIND"):
        ask(exchange, an_order, patience_s=0.3)
    assert len(exchange.executed) == 1


@pytest.mark.parametrize(("fault", "error"), [("no connection", Unreachable), ("503", Unavailable), ("429", TooMany)])
def test_an_order_never_accepted_raises_that_the_command_was_not_taken(fault: str, error: type[Exception]) -> None:
    exchange = Exchange(*[fault] * 50)
    with pytest.raises(error):
        ask(exchange, an_order, patience_s=0.3)
    assert exchange.executed == {}


def test_an_exchange_that_does_not_answer_is_named_by_its_address() -> None:
    with pytest.raises(Unreachable, match=r"POST http://\S+/api/v1/orders: .*it was not sent"):
        ask(Exchange(*["no connection"] * 50), an_order, patience_s=0.3)


def test_a_retry_after_beyond_the_patience_is_not_waited_for() -> None:
    class Busy(Exchange):
        def _command(self, request: httpx.Request, fault: str) -> httpx.Response:
            del request, fault
            return httpx.Response(429, json={"code": "TOO_MANY_COMMANDS"}, headers={"Retry-After": "60"})

    busy = Busy()
    with pytest.raises(TooMany) as raised:
        ask(busy, an_order)
    assert (raised.value.retry_after_s, len(busy.bodies)) == (60.0, 1)


@pytest.mark.parametrize(
    ("status", "error"), [(401, NotSignedIn), (404, NotFound), (422, Malformed), (503, Unavailable)]
)
def test_a_problem_is_raised_as_the_exception_of_its_status_with_its_code(status: int, error: type[Exception]) -> None:
    problem = {"type": "/docs/problems#SOME", "title": "T", "status": status, "detail": "D", "code": "SOME"}

    async def run() -> None:
        transport = httpx.MockTransport(lambda _: httpx.Response(status, json=problem))
        async with Client("http://exchange", patience_s=0.05, transport=transport) as client:
            await client.account()

    with pytest.raises(error, match="SOME: D"):
        asyncio.run(run())


@pytest.mark.parametrize(
    ("positions", "kept"),
    [
        (["1:5", "1:9", "1:7"], "1:9"),
        (["1:5", None], "1:5"),
        (["1:9", "0:3"], "0:3"),
        (["1:5", "of another kind"], "of another kind"),
    ],
)
def test_reads_show_at_least_the_furthest_place_of_the_ledger_that_a_reply_named(
    positions: list[str | None], kept: str
) -> None:
    heard: list[str | None] = []

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/auth/login"):
            return httpx.Response(200, json={"access_token": "token", "expires_in": 900})
        heard.append(request.headers.get("Ledger-Position"))
        named = positions.pop(0) if positions else None
        return httpx.Response(
            200, json={"items": [], "next_cursor": None}, headers={} if named is None else {"Ledger-Position": named}
        )

    async def main() -> None:
        async with Client("http://exchange", transport=httpx.MockTransport(answer)) as client:
            await client.login("a@example.com", "long enough")
            while positions:
                await anext(client.positions(), None)
            await anext(client.positions(), None)

    asyncio.run(main())
    assert heard[-1] == kept
