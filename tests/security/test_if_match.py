"""Of amendments with `If-Match` that saw the same version of a position, one is made, whoever takes them."""

import httpx
import pytest

from tests.api.exchange import Exchange, User
from tests.api.second_process import at
from tests.processes import eventually
from tests.security.racing import Sent, at_once

ASYNC = {"Prefer": "respond-async"}
ROUNDS = 6


def amendment(user: User, path: str, stop_loss: int, headers: dict[str, str]) -> Sent:
    return lambda: user.http.patch(path, json={"stop_loss": str(stop_loss)}, headers=headers)


def code_of(reply: httpx.Response) -> tuple[int, str | None]:
    return reply.status_code, reply.json().get("code")


def amendments_of(user: User) -> int:
    """How many were made of all of a user's positions."""
    return sum(event["type"] == "StopsAmended" for event in user.get("/audit/events", limit=500)["items"])


@pytest.mark.parametrize("preference", [{}, ASYNC], ids=["sync", "async"])
def test_of_amendments_of_one_version_at_the_same_moment_one_is_made(
    exchange: Exchange, second: Exchange, preference: dict[str, str]
) -> None:
    user = exchange.new_user()
    with at(second, user) as there:
        for number in range(ROUNDS):
            path = f"/positions/{user.opened(margin='10')['position_id']}"
            headers = {"If-Match": user.http.get(path).headers["ETag"]} | preference
            sent = [amendment((user, there)[one % 2], path, 48_000 + one, headers) for one in range(4)]
            codes = sorted(code_of(reply)[0] for reply in at_once(sent))
            assert codes == [202 if preference else 200, 412, 412, 412]
            eventually(lambda: amendments_of(user), lambda made: made > number)  # noqa: B023  # Asked here.
            assert amendments_of(user) == number + 1


@pytest.mark.parametrize("preference", [{}, ASYNC], ids=["sync", "async"])
def test_an_amendment_whose_forerunner_is_undecided_is_refused(
    exchange: Exchange, second: Exchange, preference: dict[str, str]
) -> None:
    user = exchange.new_user()
    path = f"/positions/{user.opened()['position_id']}"
    seen = {"If-Match": user.http.get(path).headers["ETag"]}
    with at(second, user) as there:
        with exchange.held("engine"):
            first = amendment(user, path, 48_000, seen | preference)()
            later = [amendment(one, path, 49_000, seen | preference)() for one in (user, there)]
        assert first.status_code == 202, first.text
        # An engine that is behind for long is sent nothing more.
        refused = {(412, "PRECONDITION_FAILED"), (503, "ENGINE_BEHIND")}
        assert {code_of(one) for one in later} <= refused, [one.text for one in later]
        eventually(lambda: user.get(path)["stop_loss"], lambda found: found == "48000.0")
        # The other process may still take the engine for one that is behind.
        late = eventually(amendment(there, path, 49_000, seen), lambda reply: reply.status_code < 500)
        assert code_of(late) == (412, "PRECONDITION_FAILED")
        current = {"If-Match": user.http.get(path).headers["ETag"]}
        assert amendment(there, path, 49_000, current)().status_code == 200
    assert eventually(lambda: amendments_of(user), lambda made: made > 1) == 2


def test_an_amendment_after_a_refused_one_and_after_one_that_changed_nothing_is_made(exchange: Exchange) -> None:
    user = exchange.new_user()
    path = f"/positions/{user.opened()['position_id']}"
    seen = {"If-Match": user.http.get(path).headers["ETag"]}
    assert code_of(amendment(user, path, 60_000, seen | {"Idempotency-Key": "wrong"})())[1] == "STOP_LOSS_WRONG_SIDE"
    made = amendment(user, path, 48_000, seen | {"Idempotency-Key": "first"})()
    assert made.status_code == 200, made.text
    current = {"If-Match": made.headers["ETag"]}
    for _ in range(2):
        assert amendment(user, path, 48_000, current)().status_code == 200
    again = amendment(user, path, 48_000, seen | {"Idempotency-Key": "first"})()
    assert (again.status_code, again.headers["Idempotent-Replayed"]) == (200, "true")
    assert amendment(user, path, 47_000, current)().status_code == 200
