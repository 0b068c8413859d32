"""A client with an API key signs each request anew, and opens its stream with the key."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, Final
from uuid import uuid4

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from starlette.datastructures import Headers

from api.credentials.signatures import check_signature, check_time, options_of, read_signature, text_to_sign
from reprise_client import ApiKey, Client, NotSignedIn
from tests.client.stream_server import small_exchange

KEY_ID: Final = str(uuid4())
PRIVATE: Final = Ed25519PrivateKey.generate()
ORDER: Final = {"order_id": "o", "command_id": "o", "status": "filled"}


def pem_of(private: Any) -> bytes:
    pem: bytes = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return pem


class Server:
    """Accepts what the key signed, each nonce once, and fails a set number of times."""

    def __init__(self, fails: int = 0) -> None:
        self.fails = fails
        self.nonces: list[str] = []
        self.keys: set[str] = set()
        self.tickets = 0

    def answer(self, request: httpx.Request) -> httpx.Response:
        headers = Headers(dict(request.headers))
        signature = read_signature(headers)
        check_time(signature, time.time_ns() // 1_000_000)
        path, _, query = request.url.raw_path.partition(b"?")
        text = text_to_sign(KEY_ID, signature, request.method, path, query, request.content, options_of(headers))
        check_signature(signature, PRIVATE.public_key().public_bytes_raw(), text)
        assert signature.nonce not in self.nonces
        assert "Authorization" not in request.headers
        self.nonces.append(signature.nonce)
        if self.fails:
            self.fails -= 1
            raise httpx.ReadError("it was killed", request=request)
        if path.endswith(b"/ws-ticket"):
            self.tickets += 1
            return httpx.Response(201, json={"ticket": f"ticket-{self.tickets}", "expires_in": 30})
        if request.method == "GET":
            return httpx.Response(200, json={"items": []})
        self.keys.add(request.headers["Idempotency-Key"])
        return httpx.Response(201, json=ORDER)


def ask(server: Server, asked: Callable[[Client], Awaitable[Any]], url: str = "http://exchange") -> Any:
    async def run() -> Any:
        api_key = ApiKey.from_pem(KEY_ID, pem_of(PRIVATE))
        async with Client(url, api_key=api_key, transport=httpx.MockTransport(server.answer)) as client:
            async with asyncio.timeout(30):
                return await asked(client)

    return asyncio.run(run())


@pytest.mark.parametrize("url", ["http://exchange", "http://exchange/behind/a-proxy"])
def test_the_client_signs_path_query_and_body_exactly_as_sent(url: str) -> None:
    server = Server()

    async def asked(client: Client) -> None:
        assert [one async for one in client.orders(client_order_id="a b/ü&c=d")] == []
        await client.place_order("BTC_USDC", "long", margin="100", leverage=10)

    ask(server, asked, url)
    assert len(server.nonces) == 2


def test_each_attempt_has_a_new_signature_under_the_same_idempotency_key() -> None:
    server = Server(fails=3)
    order = ask(server, lambda client: client.place_order("BTC_USDC", "long", margin=1, leverage=1))
    assert (order.status, len(server.nonces), len(server.keys)) == ("filled", 4, 1)


def test_a_stream_is_opened_with_a_websocket_ticket_and_reopened_with_a_new_one() -> None:
    server = Server()

    async def run() -> None:
        async with small_exchange() as exchange:
            transport = httpx.MockTransport(server.answer)
            api_key = ApiKey(KEY_ID, PRIVATE)
            async with (
                asyncio.timeout(30),
                Client(f"http://127.0.0.1:{exchange.port}", api_key=api_key, transport=transport) as client,
                client.stream("account") as messages,
            ):
                await anext(messages)
                await exchange.drop(4401)
                await exchange.happen()
                assert (await anext(messages)).seq == 1
            said = [one for one in exchange.heard if one["op"] == "auth"]
            assert said == [{"op": "auth", "ticket": f"ticket-{number}"} for number in (1, 2)]

    asyncio.run(run())


def test_the_stream_of_a_revoked_api_key_ends() -> None:
    server = Server()

    def revoked(request: httpx.Request) -> httpx.Response:
        if server.tickets:
            return httpx.Response(401, json={"code": "SIGNATURE_INVALID", "title": "The signature is not valid"})
        return server.answer(request)

    async def run() -> None:
        async with small_exchange() as exchange:
            transport = httpx.MockTransport(revoked)
            api_key = ApiKey(KEY_ID, PRIVATE)
            async with (
                asyncio.timeout(30),
                Client(f"http://127.0.0.1:{exchange.port}", api_key=api_key, transport=transport) as client,
                client.stream("account") as messages,
            ):
                await anext(messages)
                await exchange.drop(4401)
                with pytest.raises(NotSignedIn, match="SIGNATURE_INVALID"):
                    await anext(messages)

    asyncio.run(run())


def test_a_private_key_other_than_ed25519_is_refused_and_no_private_key_is_shown() -> None:
    with pytest.raises(ValueError, match="Ed25519"):
        ApiKey.from_pem(KEY_ID, pem_of(generate_private_key(SECP256R1())))
    shown = f"{ApiKey(KEY_ID, PRIVATE)!r}"
    assert PRIVATE.private_bytes_raw().hex() not in shown
