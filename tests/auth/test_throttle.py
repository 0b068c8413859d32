"""The login throttle: how many failed logins are allowed, and when the next one is, whichever process they come to."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from uuid import uuid4

import pytest

from api.credentials.throttle import ACCOUNT_FAILURES_MAX, ADDRESS_FAILURES_MAX, FULL_S, WINDOW_S, Throttle
from api.store.database import Database
from api.store.failed_logins import FailedLogins

Scene = Callable[["Logins"], Awaitable[None]]


class Logins:
    """Two processes' throttles on one database, and names that no other test has."""

    def __init__(self, database: Database, window_s: float) -> None:
        self.here = Throttle(FailedLogins(database), str.upper, window_s)
        self.there = Throttle(FailedLogins(database), str.upper, window_s)
        mark = uuid4().hex
        self.email, self.address = f"{mark}@example.com", f"address {mark}"

    async def failed(self, times: int, email: str | None = None, at: Throttle | None = None) -> None:
        """Log in so many times without success."""
        for _ in range(times):
            assert await (at or self.here).begin(email or self.email, self.address) == 0


@contextmanager
def opened(url: str) -> Iterator[Database]:
    database = Database(url)
    yield database
    database.close()


def play(url: str, scene: Scene, window_s: float = WINDOW_S) -> None:
    with opened(url) as database:
        asyncio.run(scene(Logins(database, window_s)))  # type: ignore[arg-type]  # It is a coroutine.


def test_an_account_waits_after_ten_failed_logins_from_any_addresses(auth_database: str) -> None:
    async def scene(logins: Logins) -> None:
        await logins.failed(ACCOUNT_FAILURES_MAX)
        assert WINDOW_S - 10 < await logins.here.begin(logins.email, "5.6.7.8") <= WINDOW_S
        assert await logins.here.begin(f"b{logins.email}", logins.address) == 0

    play(auth_database, scene)


def test_failures_at_one_process_count_at_every_other(auth_database: str) -> None:
    async def scene(logins: Logins) -> None:
        await logins.failed(ACCOUNT_FAILURES_MAX - 1)
        await logins.failed(1, at=logins.there)
        assert await logins.here.begin(logins.email, "5.6.7.8") > 0
        assert await logins.there.begin(logins.email, "5.6.7.8") > 0

    play(auth_database, scene)


def test_an_account_may_log_in_again_after_the_throttle_window(auth_database: str) -> None:
    async def scene(logins: Logins) -> None:
        await logins.failed(ACCOUNT_FAILURES_MAX)
        wait = await logins.here.begin(logins.email, logins.address)
        assert 0 < wait <= 0.5
        await asyncio.sleep(wait + 0.05)
        assert await logins.there.begin(logins.email, logins.address) == 0

    play(auth_database, scene, window_s=0.5)


def test_an_address_waits_after_its_maximum_of_failures_for_any_accounts(auth_database: str) -> None:
    async def scene(logins: Logins) -> None:
        for number in range(ADDRESS_FAILURES_MAX):
            await logins.failed(1, f"{number}-{logins.email}", at=logins.there if number % 2 else logins.here)
        assert await logins.here.begin(f"new-{logins.email}", logins.address) > 0
        assert await logins.here.begin(f"new-{logins.email}", "5.6.7.8") == 0

    play(auth_database, scene)


def test_a_successful_login_clears_the_account_s_failures_but_not_the_address_s(auth_database: str) -> None:
    async def scene(logins: Logins) -> None:
        for number in range(ADDRESS_FAILURES_MAX - 1):
            await logins.failed(1, f"{number}-{logins.email}")
        for _ in range(3):
            await logins.failed(1)
            await logins.here.succeeded(logins.email, logins.address)
        await logins.failed(1)
        assert await logins.here.begin(f"new-{logins.email}", logins.address) > 0
        for _ in range(ACCOUNT_FAILURES_MAX - 1):
            assert await logins.here.begin(logins.email, "5.6.7.9") == 0
        assert await logins.here.begin(logins.email, "5.6.7.9") > 0

    play(auth_database, scene)


def test_logins_that_were_under_way_when_an_account_was_full_let_it_in_again_once_they_succeed(
    auth_database: str,
) -> None:
    async def scene(logins: Logins) -> None:
        await logins.failed(ACCOUNT_FAILURES_MAX)
        assert await logins.there.begin(logins.email, logins.address) > 0
        await logins.here.succeeded(logins.email, logins.address)
        await asyncio.sleep(FULL_S + 0.1)
        assert await logins.there.begin(logins.email, logins.address) == 0

    play(auth_database, scene)


@pytest.mark.parametrize("places", [1, 2])
def test_undecided_logins_count_so_concurrent_attempts_do_not_pass_the_throttle(
    auth_database: str, places: int
) -> None:
    async def scene(logins: Logins) -> None:
        throttles = [logins.here, logins.there][:places] * (2 * ACCOUNT_FAILURES_MAX)
        waits = await asyncio.gather(*(each.begin(logins.email, logins.address) for each in throttles))
        assert sum(wait == 0 for wait in waits) == ACCOUNT_FAILURES_MAX

    play(auth_database, scene)


def test_a_withdrawn_login_attempt_is_no_failure(auth_database: str) -> None:
    async def scene(logins: Logins) -> None:
        for _ in range(2 * ACCOUNT_FAILURES_MAX):
            await logins.failed(1)
            await logins.there.withdraw(logins.email, logins.address)
        assert await logins.here.begin(logins.email, logins.address) == 0

    play(auth_database, scene)
