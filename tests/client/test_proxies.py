"""A proxy of the environment is for the world outside: an exchange on this machine is met directly."""

import asyncio
from typing import Any

import pytest

from reprise_client import Client
from reprise_client.addresses import is_local
from tests.client.stream_server import small_exchange

NOBODY = "http://127.0.0.1:9"  # the discard port: nobody listens


@pytest.fixture(autouse=True)
def proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ALL_PROXY", "HTTP_PROXY", "HTTPS_PROXY", "all_proxy", "http_proxy", "https_proxy"):
        monkeypatch.setenv(name, NOBODY)
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    ("url", "local"),
    [
        ("http://127.0.0.1:8000", True),
        ("http://localhost:8000", True),
        ("http://[::1]:8000", True),
        ("http://127.9.9.9", True),
        ("http://exchange.localhost", True),
        ("https://exchange.example.com", False),
        ("http://10.0.0.7:8000", False),
        ("http://localhost.example.com", False),
    ],
)
def test_an_address_is_of_this_machine_only_where_it_is_loopback(url: str, local: bool) -> None:
    assert is_local(url) is local


@pytest.mark.parametrize("proxy", [NOBODY, "socks5://127.0.0.1:9"])
def test_requests_and_the_stream_of_a_local_exchange_pass_the_proxy_by(
    monkeypatch: pytest.MonkeyPatch, proxy: str
) -> None:
    for name in ("ALL_PROXY", "all_proxy", "HTTP_PROXY", "http_proxy"):
        monkeypatch.setenv(name, proxy)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        body = b'{"items":[]}'
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s" % (len(body), body))
        await writer.drain()
        writer.close()

    async def run() -> Any:
        async with await asyncio.start_server(answer, "127.0.0.1", 0) as server, small_exchange() as exchange:
            port = server.sockets[0].getsockname()[1]
            async with Client(f"http://127.0.0.1:{port}") as client:
                assert await client.tickers() == ()
            async with (
                Client(f"http://127.0.0.1:{exchange.port}") as client,
                client.stream("account") as messages,
                asyncio.timeout(20),
            ):
                return (await anext(messages)).kind

    assert asyncio.run(run()) == "snapshot"


def test_an_exchange_elsewhere_is_met_through_the_proxy() -> None:
    asked: list[bytes] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readline())
        writer.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        await writer.drain()
        writer.close()

    async def run() -> None:
        async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            with pytest.MonkeyPatch.context() as patch:
                for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
                    patch.setenv(name, f"http://127.0.0.1:{port}")
                async with Client("http://exchange.example.com", patience_s=0) as client:
                    with pytest.raises(Exception, match="404"):
                        await client.tickers()

    asyncio.run(run())
    assert asked == [b"GET http://exchange.example.com/api/v1/tickers HTTP/1.1\r\n"]
