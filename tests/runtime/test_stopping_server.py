"""A server that stops amid a request leaves it unanswered: whether the request was carried out is not known then."""

import asyncio
from typing import Final

from starlette.types import Message, Receive, Scope, Send

from runtime.http_connections import Connections
from runtime.http_server import Server, listen, server_config

REQUEST: Final = b"POST /orders HTTP/1.1\r\nHost: here\r\nContent-Length: 0\r\n\r\n"
STOP_S: Final = 0.3
PATIENCE_S: Final = 10.0


def answer_amid_a_stop(works_s: float) -> bytes:
    """Give what a client reads whose request a server works on for so long when it is stopped."""
    came = asyncio.Event()

    async def app(_scope: Scope, _receive: Receive, send: Send) -> None:
        came.set()
        await asyncio.sleep(works_s)
        start: Message = {"type": "http.response.start", "status": 201, "headers": [(b"content-length", b"0")]}
        await send(start)
        await send({"type": "http.response.body", "body": b""})

    async def asked() -> bytes:
        server = Server(server_config(app, Connections(10, 10), timeout_graceful_shutdown=STOP_S))
        with listen("127.0.0.1", 0) as place:
            serving = asyncio.create_task(server.serve([place]))
            reader, writer = await asyncio.open_connection(*place.getsockname())
            writer.write(REQUEST)
            await came.wait()
            server.should_exit = True
            async with asyncio.timeout(PATIENCE_S):
                answer = await reader.read()
                await serving
            writer.close()
        return answer

    return asyncio.run(asked())


def test_a_request_that_a_stop_cuts_off_gets_no_answer_that_calls_it_failed() -> None:
    assert answer_amid_a_stop(works_s=60.0) == b""


def test_a_request_that_is_done_within_the_time_of_a_stop_is_answered() -> None:
    assert answer_amid_a_stop(works_s=STOP_S / 3).startswith(b"HTTP/1.1 201 ")
