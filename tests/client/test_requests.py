"""What the client's requests carry: keys, exact numbers, versions, ledger positions and tokens."""

import asyncio
from decimal import Decimal
from typing import Any

import httpx
import pytest

from reprise_client import KEEP, Changed, Client, NotFound, OutcomeUnknown, Unavailable
from tests.client.test_calls import TIME, Exchange, an_order, ask


def test_every_attempt_of_an_order_has_the_same_body_and_key_and_other_orders_have_other_keys() -> None:
    exchange = Exchange("reply lost", "503", "cut off")

    async def two(client: Client) -> None:
        await an_order(client)
        await an_order(client)

    ask(exchange, two)
    keys = [headers["Idempotency-Key"] for headers in exchange.headers if "Idempotency-Key" in headers]
    assert len(keys) == 5
    assert len(set(keys[:4])) == 1
    assert keys[4] != keys[0]
    assert exchange.bodies == [exchange.bodies[0]] * 5


def test_a_client_order_id_is_the_idempotency_key_where_no_key_is_given() -> None:
    exchange = Exchange()
    ask(exchange, lambda client: client.place_order("BTC_USDC", "long", margin=1, leverage=2, client_order_id="mine"))
    assert list(exchange.executed) == ["mine"]


def test_numbers_are_sent_digit_for_digit() -> None:
    exchange = Exchange()

    async def asked(client: Client) -> None:
        await client.place_order(
            "BTC_USDC", "short", quantity=Decimal("1E-5"), leverage=Decimal("2.50"), stop_loss=51_000
        )
        await client.amend("2-1", stop_loss=None, take_profit=KEEP)

    with pytest.raises(Exception, match=r"symbol|id"):  # The answer to the second is no position.
        ask(exchange, asked)
    assert exchange.bodies[0] == {
        "symbol": "BTC_USDC",
        "side": "short",
        "type": "market",
        "quantity": "0.00001",
        "leverage": "2.50",
        "stop_loss": "51000",
    }
    assert exchange.bodies[1] == {"stop_loss": None}


def closings(status: str) -> dict[str, Any]:
    numbers = (1, 2)
    return {"items": [{"position_id": f"2-{one}", "command_id": f"c{one}", "status": status} for one in numbers]}


def test_close_all_is_retried_under_its_key_until_every_close_is_decided() -> None:
    keys: list[str] = []

    class Closing(Exchange):
        def _command(self, request: httpx.Request, fault: str) -> httpx.Response:
            assert request.url.path == "/api/v1/positions/close-all"
            keys.append(request.headers["Idempotency-Key"])
            if fault == "reply lost":
                raise httpx.ReadTimeout("no answer", request=request)
            status, said = (202, "pending") if fault else (200, "done")
            return httpx.Response(status, json=closings(said))

    closed = ask(Closing("reply lost", "202", "202"), lambda client: client.close_all())
    assert [(closing.position_id, closing.status) for closing in closed] == [("2-1", "done"), ("2-2", "done")]
    assert len(keys) == 4
    assert len(set(keys)) == 1
    with pytest.raises(OutcomeUnknown, match="'mine'"):
        ask(Closing(*["202"] * 1_000), lambda client: client.close_all(key="mine"), patience_s=0.3)


def test_an_amendment_sends_its_position_s_version_and_raises_when_the_version_is_outdated() -> None:
    position = {"id": "2-1", "symbol": "BTC_USDC", "side": "long", "status": "open", "quantity": "0.02"}
    position |= {"entry_price": "50000", "margin": "100", "leverage": "10", "opened_at": TIME}

    class Versions(Exchange):
        def _read(self, path: str) -> httpx.Response:
            assert path == "/positions/2-1"
            return httpx.Response(200, json=position, headers={"ETag": '"one"'})

        def _command(self, request: httpx.Request, fault: str) -> httpx.Response:
            del fault
            match request.headers.get("If-Match"):
                case '"one"':
                    return httpx.Response(200, json=position, headers={"ETag": '"two"'})
                case None:
                    return httpx.Response(200, json=position, headers={"ETag": '"three"'})
                case _:
                    return httpx.Response(412, json={"code": "PRECONDITION_FAILED"}, headers={"ETag": '"two"'})

    async def asked(client: Client) -> None:
        seen = await client.position("2-1")
        assert seen.etag == '"one"'
        amended = await client.amend("2-1", stop_loss=49_000, if_match=seen.etag)
        assert amended.etag == '"two"'
        with pytest.raises(Changed, match="PRECONDITION_FAILED"):
            await client.amend("2-1", stop_loss=None, if_match='"another"')
        assert (await client.amend("2-1", stop_loss=None)).etag == '"three"'

    ask(Versions(), asked)


def test_a_login_without_an_answer_is_retried() -> None:
    class Restarting(Exchange):
        def answer(self, request: httpx.Request) -> httpx.Response:
            if self.faults:
                self.faults.pop()
                raise httpx.ReadError("it was killed", request=request)
            return super().answer(request)

    assert ask(Restarting("killed", "killed"), an_order).status == "filled"


def test_a_read_sends_the_ledger_position_of_the_last_command() -> None:
    exchange = Exchange()

    async def asked(client: Client) -> None:
        await an_order(client)
        await client.position("2-1")

    with pytest.raises(NotFound):
        ask(exchange, asked)
    assert exchange.headers[-1]["Ledger-Position"] == "2:17"


@pytest.mark.parametrize("replies_behind", [2, 1_000])
def test_a_read_older_than_the_last_command_is_repeated(replies_behind: int) -> None:
    class Behind(Exchange):
        def _read(self, path: str) -> httpx.Response:
            nonlocal replies_behind
            del path
            replies_behind -= 1
            lag = {"Projection-Lag": "3"} if replies_behind >= 0 else {}
            return httpx.Response(200, json={"id": "u", "email": "e", "account_id": str(replies_behind)}, headers=lag)

    if replies_behind == 2:
        assert ask(Behind(), lambda client: client.me()).account_id == "-1"
    else:
        with pytest.raises(Unavailable, match="PROJECTION_BEHIND"):
            ask(Behind(), lambda client: client.me(), patience_s=0.3)


def test_an_expired_token_is_renewed_once_for_all_concurrent_calls() -> None:
    exchange = Exchange()
    exchange.expired = "token-1"

    async def asked(client: Client) -> None:
        await asyncio.gather(an_order(client), an_order(client), an_order(client))

    ask(exchange, asked)
    assert (exchange.logins, len(exchange.executed)) == (2, 3)
    assert exchange.headers[-1]["Authorization"] == "Bearer token-2"
