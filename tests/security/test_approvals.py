"""Approvals of one transfer at the same moment: each counts, and none comes after a rejection."""

from collections.abc import Iterator

import pytest

from tests.api.exchange import Exchange, User
from tests.api.second_process import at, second_process
from tests.api.test_rules import administrator
from tests.processes import eventually
from tests.security.racing import at_once

ROUNDS = 5
NEEDED = 2


@pytest.fixture(scope="module")
def careful(exchange: Exchange) -> Iterator[Exchange]:
    """A process of the API where two administrators approve what a user asks for."""
    with second_process(exchange, profile="production", money_confirmations=1) as running:
        yield running


@pytest.fixture(scope="module")
def administrators(exchange: Exchange, careful: Exchange) -> Iterator[list[User]]:
    with at(careful, administrator(exchange)) as first, at(careful, administrator(exchange)) as second:
        yield [first, second]


@pytest.fixture
def user(exchange: Exchange, careful: Exchange) -> Iterator[User]:
    with at(careful, exchange.new_user()) as there:
        yield there


def requested(user: User) -> str:
    reply = user.http.post("/withdrawals", json={"amount": "5"})
    assert (reply.status_code, reply.json()["status"]) == (201, "pending"), reply.text
    return f"/admin/transfers/{reply.json()['id']}"


def test_two_approvals_at_the_same_moment_are_both_counted(user: User, administrators: list[User]) -> None:
    first = administrators[0]
    for _ in range(ROUNDS):
        path = requested(user)
        replies = at_once([lambda one=one: one.http.post(f"{path}/approve") for one in administrators])  # type: ignore[misc]  # noqa: B023
        assert [reply.status_code for reply in replies] == [200, 200]
        found = eventually(lambda: first.get(path), lambda seen: seen["status"] != "approved")  # noqa: B023
        assert (found["status"], found["approvals"]) == ("done", NEEDED)


def test_an_approval_and_a_rejection_at_the_same_moment_leave_one_end(user: User, administrators: list[User]) -> None:
    first, second = administrators
    for _ in range(ROUNDS):
        path = requested(user)
        assert first.http.post(f"{path}/approve").status_code == 200
        replies = at_once(
            [lambda: second.http.post(f"{path}/approve"), lambda: first.http.post(f"{path}/reject")]  # noqa: B023
        )
        approved, rejected = (reply.status_code for reply in replies)
        assert sorted((approved, rejected)) == [200, 409]
        found = eventually(lambda: first.get(path), lambda seen: seen["status"] != "approved")  # noqa: B023
        acts = [act["act"] for act in found["acts"]]
        if approved == 200:
            assert (found["status"], acts) == ("done", ["requested", "approved", "approved", "done"])
        else:
            assert (found["status"], acts) == ("rejected", ["requested", "approved", "rejected"])
