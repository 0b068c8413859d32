"""A route's documents name its security schemes, and a request solves each dependency once and no scheme."""

import asyncio
from typing import Annotated

import httpx
from fastapi import APIRouter, Depends, FastAPI, Header
from fastapi.security import HTTPBearer

from api.http.lean_routes import LeanRoute

SOLVED: list[str] = []


class NotedBearer(HTTPBearer):
    """A scheme that notes that it was asked."""

    async def __call__(self, *_: object) -> None:
        SOLVED.append("scheme")


async def state() -> str:
    SOLVED.append("state")
    return "state"


async def caller(given: Annotated[str, Depends(state)]) -> str:
    SOLVED.append(f"caller of {given}")
    return "alice"


async def limited(who: Annotated[str, Depends(caller)]) -> None:
    SOLVED.append(f"limit of {who}")


async def options(size: Annotated[int, Header()]) -> int:
    SOLVED.append("options")
    return size


def get(path: str, headers: dict[str, str] | None = None) -> httpx.Response:
    router = APIRouter(route_class=LeanRoute, dependencies=[Depends(NotedBearer())])

    @router.get("/things")
    async def things(
        who: Annotated[str, Depends(caller)],
        given: Annotated[str, Depends(state)],
        size: Annotated[int, Depends(options)],
        again: Annotated[int, Depends(options)],
    ) -> list[str]:
        return [who, given, str(size), str(again)]

    app = FastAPI()
    app.include_router(router, dependencies=[Depends(limited)])
    SOLVED.clear()

    async def ask() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://api") as client:
            return await client.get(path, headers=headers)

    return asyncio.run(ask())


def test_every_dependency_is_solved_once_and_given_to_all_that_ask() -> None:
    reply = get("/things", headers={"size": "3"})
    assert reply.json() == ["alice", "state", "3", "3"]
    assert SOLVED == ["state", "caller of state", "limit of alice", "options"]


def test_a_wrong_parameter_of_two_dependencies_is_named() -> None:
    reply = get("/things", headers={"size": "many"})
    assert reply.status_code == 422
    assert {error["loc"][1] for error in reply.json()["detail"]} == {"size"}
    assert "options" not in SOLVED


def test_the_documents_name_the_scheme_that_no_request_asks() -> None:
    document = get("/openapi.json").json()
    assert document["paths"]["/things"]["get"]["security"] == [{"NotedBearer": []}]
