"""Whoever floods the API with new users keeps nobody from signing in: hashing has bounds, and each kind its lane."""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from api.credentials.hashing_lane import HashingLane, nobody_leaves
from api.credentials.passwords import REGISTRATIONS, REGISTRATIONS_WAITING, Passwords
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


def test_addresses_take_turns_in_a_lane_and_one_with_fewer_waiting_takes_a_place_of_the_one_with_most() -> None:
    async def flood() -> list[object]:
        lane, end = HashingLane(at_once=1, waiting_max=4), threading.Event()

        def hashed(address: str) -> None:
            end.wait()
            done.append(address)

        def of(address: str) -> asyncio.Task[object]:
            return asyncio.create_task(lane.run(lambda: hashed(address), nobody_leaves, address))

        works = [of("flood") for _ in range(5)]
        await asyncio.sleep(0.05)
        works += [of("first"), of("second"), of("first"), of("flood")]
        await asyncio.sleep(0.05)
        end.set()
        return await asyncio.gather(*works, return_exceptions=True)

    done: list[str] = []
    refused = [isinstance(result, ApiError) for result in asyncio.run(flood())]
    assert refused == [False, False, False, True, True, False, False, True, True]
    assert done == ["flood", "flood", "first", "second", "flood"]


def test_a_turn_of_a_request_that_is_cancelled_goes_to_the_next() -> None:
    async def cancelled(when: str) -> bool:
        lane, end = HashingLane(at_once=1, waiting_max=4), threading.Event()
        works = [asyncio.create_task(lane.run(end.wait, nobody_leaves, str(address))) for address in range(3)]
        await asyncio.sleep(0.05)
        if when == "it waits":
            works[1].cancel()
            await asyncio.sleep(0)
        end.set()
        await works[0]
        works[1].cancel()
        return await asyncio.wait_for(works[2], 5) and await asyncio.wait_for(lane.run(end.wait, nobody_leaves), 5)

    for when in ("it waits", "it is its turn"):
        assert asyncio.run(cancelled(when))


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
    more = {"http_connections": 300, "http_connections_of_address": 100, "rate_limit_logins": "1000000/minute"}
    settings = bounded.settings.model_copy(update={"port": port} | more)
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


@pytest.mark.parametrize(
    ("addresses", "connections", "password"), [(1, 45, PASSWORD), (10, 6, PASSWORD), (10, 6, "a wrong password")]
)
def test_logins_elsewhere_succeed_amid_a_flood_of_logins(
    real_hashes: str, addresses: int, connections: int, password: str
) -> None:
    flooding, known = [body() for _ in range(addresses)], body()
    with httpx.Client(base_url=real_hashes, timeout=60, trust_env=False) as client:
        for user in (*flooding, known):
            assert client.post("/api/v1/auth/register", json=user).status_code == 201
    logins = [{"email": user["email"], "password": password} for user in flooding for _ in range(connections)]
    if password != PASSWORD:
        logins = [{"password": password}] * len(logins)
    sources = [f"127.0.1.{place + 1}" for place in range(addresses) for _ in range(connections)]
    login = {"email": known["email"], "password": PASSWORD}
    with flood_of_logins(real_hashes, sources, logins), from_address(real_hashes, "127.0.2.1") as victim:
        codes = [victim.post("/api/v1/auth/login", json=login).status_code for _ in range(6)]
    assert codes == [200] * 6


def from_address(url: str, address: str) -> httpx.Client:
    return httpx.Client(base_url=url, transport=httpx.HTTPTransport(local_address=address), timeout=60)


@contextmanager
def flood_of_logins(url: str, sources: list[str], logins: list[dict[str, str]]) -> Iterator[None]:
    """Each source logs in again and again over a connection of its own in this block."""

    def log_in_again(source: str, login: dict[str, str]) -> None:
        with from_address(url, source) as client:
            while not over.is_set():
                client.cookies.clear()  # It is no device that is known.
                # Ten wrong passwords of one email would be the last that are compared.
                tried = {"email": f"{uuid4().hex}@example.com"} | login
                if client.post("/api/v1/auth/login", json=tried).status_code != 200:
                    over.wait(0.05)

    over = threading.Event()
    with ThreadPoolExecutor(len(sources)) as pool:
        floods = [pool.submit(log_in_again, *one) for one in zip(sources, logins, strict=True)]
        time.sleep(1)
        try:
            yield
        finally:
            over.set()
    for flood in floods:
        flood.result()
