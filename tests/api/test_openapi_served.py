"""How an OpenAPI document is served: nobody else waits while it is made, and it is made once."""

import asyncio
import threading
from typing import Any

import httpx
from fastapi import FastAPI

from api.http.documents import serve


def test_a_document_that_is_being_made_holds_up_no_other_request() -> None:
    """The first request for it costs a second of a processor; orders go on meanwhile."""
    released = threading.Event()
    makers: list[int] = []

    def make() -> dict[str, Any]:
        makers.append(threading.get_ident())
        assert released.wait(30), "the other request was never answered"
        return {"openapi": "3.1.0", "info": {"title": "é"}}

    app = FastAPI(openapi_url=None)
    serve(app, "/openapi.json", make)

    @app.get("/order")
    async def order() -> str:
        return "answered"

    async def ask() -> list[httpx.Response]:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://exchange") as client:
            asked = [asyncio.create_task(client.get("/openapi.json")) for _ in range(3)]
            assert (await client.get("/order")).json() == "answered"
            assert not any(task.done() for task in asked)
            released.set()
            return await asyncio.wait_for(asyncio.gather(*asked), 30)

    documents = asyncio.run(ask())
    assert [document.text for document in documents] == ['{"openapi":"3.1.0","info":{"title":"é"}}'] * 3
    assert {document.headers["content-type"] for document in documents} == {"application/json"}
    assert makers == [makers[0]]
