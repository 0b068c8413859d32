"""Whoever floods the API with new users keeps nobody from signing in: hashing has bounds, and each kind its lane."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from api.credentials.passwords import (
    REGISTRATIONS,
    REGISTRATIONS_WAITING,
    HashingLane,
    Passwords,
    nobody_leaves,
)
from api.http.problems import PASSWORDS_BUSY, ApiError
from stack.ports import free_ports
from tests.api.exchange import PASSWORD, Exchange
from tests.api.lone_application import LoneApplication
from tests.processes import ServiceProcess, eventually, gone_at_the_end

REGISTERING = ("/api/v1/auth/register", "/auth/register", "/api/v1/auth/signup", "/api/v1/user/signup")


def body() -> dict[str, str]:
    return {"email": f"{uuid4().hex}@example.com", "password": PASSWORD, "name": "Alice"}


@pytest.mark.parametrize("path", REGISTERING)
def test_registrations_are_limited_by_address_at_every_route(path: str, tmp_path: Path) -> None:
    with closing(LoneApplication(tmp_path, rate_limit_registrations="3/hour")) as lone:
        for before in REGISTERING[:3]:
            assert lone.request("POST", before, json=body()).status_code != 429
        refused = lone.request("POST", path, json=body())
    assert refused.status_code == 429
    assert refused.json()["code"] == "RATE_LIMITED"
    assert int(refused.headers["Retry-After"]) > 0
    assert refused.headers["RateLimit-Policy"] == '"registrations";q=3;w=3600'


def test_a_login_is_not_counted_as_a_registration(tmp_path: Path) -> None:
    with closing(LoneApplication(tmp_path, rate_limit_registrations="1/minute")) as lone:
        for _ in range(3):
            assert lone.request("POST", "/api/v1/auth/login", json=body()).status_code != 429


def test_a_lane_refuses_what_is_beyond_its_bound_with_the_time_to_wait() -> None:
    async def flood() -> list[object]:
        lane, end = HashingLane(at_once=1, waiting_max=2), threading.Event()
        works = [asyncio.create_task(lane.run(end.wait, nobody_leaves)) for _ in range(5)]
        await asyncio.sleep(0.05)
        end.set()
        return await asyncio.gather(*works, return_exceptions=True)

    results = asyncio.run(flood())
    assert results.count(True) == 3
    refusals = [error for error in results if isinstance(error, ApiError)]
    assert [error.kind for error in refusals] == [PASSWORDS_BUSY] * 2
    assert all(int(error.headers["Retry-After"]) > 0 for error in refusals)


def test_a_client_that_left_while_it_waited_has_no_password_hashed() -> None:
    async def flood() -> list[object]:
        lane, end = HashingLane(at_once=1, waiting_max=9), threading.Event()
        first = asyncio.create_task(lane.run(end.wait, nobody_leaves))
        await asyncio.sleep(0.05)
        others = [asyncio.create_task(lane.run(lambda: hashed.append(1), has_left)) for _ in range(5)]
        await asyncio.sleep(0.05)
        end.set()
        return await asyncio.gather(first, *others, return_exceptions=True)

    async def has_left() -> bool:
        return True

    hashed: list[int] = []
    results = asyncio.run(flood())
    assert results[0] is True
    assert hashed == []


def test_a_sign_in_waits_for_no_registration() -> None:
    async def flood() -> bool:
        passwords, end = Passwords(time_cost=1, memory_cost=1024), threading.Event()
        waiting = REGISTRATIONS + REGISTRATIONS_WAITING
        works = [asyncio.create_task(passwords._registrations.run(end.wait, nobody_leaves)) for _ in range(waiting)]
        await asyncio.sleep(0.05)
        matches, _ = await passwords.verify(PASSWORD, passwords.hash_now(PASSWORD))
        assert await passwords.hash(PASSWORD)
        assert not any(work.done() for work in works)
        end.set()
        await asyncio.gather(*works)
        return matches

    assert asyncio.run(flood())


@pytest.fixture
def real_hashes(bounded: Exchange) -> Iterator[str]:
    """The address of another API of the same exchange, whose hashes take as long as they do in production."""
    [port] = free_ports(1)
    settings = bounded.settings.model_copy(update={"port": port})
    with gone_at_the_end(ServiceProcess("api", settings, bounded.folder / "api-real.log")):
        address = f"http://127.0.0.1:{port}"
        eventually(lambda: status_of(f"{address}/readyz"), lambda status: status == 200, 60)
        yield address


def status_of(page: str) -> int:
    try:
        return httpx.get(page, trust_env=False).status_code
    except httpx.TransportError:
        return 0


def test_a_login_succeeds_amid_a_flood_of_registrations(real_hashes: str) -> None:
    known = body()
    with httpx.Client(base_url=real_hashes, timeout=60, trust_env=False) as client:
        assert client.post("/api/v1/auth/register", json=known).status_code == 201
        with ThreadPoolExecutor(30) as pool:
            registering = [pool.submit(registered_at(client, REGISTERING[0])) for _ in range(30)]
            login = client.post("/api/v1/auth/login", json={name: known[name] for name in ("email", "password")})
            replies = [each.result() for each in registering]
    assert login.status_code == 200
    refused = [reply for reply in replies if reply.status_code != 201]
    assert refused
    assert {reply.status_code for reply in refused} == {503}
    assert {reply.json()["code"] for reply in refused} == {"PASSWORDS_BUSY"}
    assert all(int(reply.headers["Retry-After"]) > 0 for reply in refused)


def registered_at(client: httpx.Client, path: str) -> Callable[[], httpx.Response]:
    return lambda: client.post(path, json=body())
