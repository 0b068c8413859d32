"""A command whose API process is killed is executed once, and no reply about it is wrong."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread
from uuid import uuid4

import httpx
import pytest

from runtime.kafka import end_offsets, read_back
from schemas.codec import decode_command
from schemas.commands import OpenPosition
from schemas.sharding import PRICE_SHARD, shard_of
from schemas.topics import COMMANDS
from tests.api.conftest import running_exchange
from tests.api.exchange import Exchange, User
from tests.processes import ServiceProcess, eventually
from tests.shared_exchange import begin

pytestmark = pytest.mark.slow


class Mortal:
    """An exchange whose engine and projector can be held, and whose API can be killed."""

    def __init__(self, exchange: Exchange) -> None:
        self.exchange = exchange
        self.engine, self.projector, self.api = (exchange.services[name] for name in ("engine", "projector", "api"))

    def new_user(self) -> User:
        """Register somebody whose shard is not the prices': of that one, a new process reads the last events."""
        while True:
            user = self.exchange.new_user()
            if shard_of(user.get("/auth/me")["account_id"], self.exchange.settings.shards) != PRICE_SHARD:
                return user

    def replace_api(self) -> None:
        """Start it again, with nothing in its memory."""
        self.api.kill()
        self.api.restart()
        self.exchange.until_ready(self.api)


@pytest.fixture(scope="module")
def mortal(kafka: str, postgres: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mortal]:
    with running_exchange(kafka, postgres, tmp_path_factory.mktemp("mortal")) as exchange:
        begin(exchange)
        yield Mortal(exchange)


@pytest.mark.parametrize("key", [{"headers": {"Idempotency-Key": "once"}}, {"client_order_id": "once"}], ids=str)
def test_an_order_retried_after_the_api_was_killed_before_its_reply_is_the_first_order(
    mortal: Mortal, key: dict[str, object]
) -> None:
    exchange, settings = mortal.exchange, mortal.exchange.settings
    user = mortal.new_user()
    shard = shard_of(user.get("/auth/me")["account_id"], settings.shards)
    before = end_offsets(settings, COMMANDS)[shard]
    mortal.engine.send(signal.SIGSTOP)
    ends: list[Exception] = []

    def order() -> None:
        try:
            user.order(**key)  # type: ignore[arg-type]  # One of the two.
        except httpx.TransportError as error:
            ends.append(error)

    sending = Thread(target=order)
    sending.start()
    eventually(lambda: orders_since(mortal, shard, before), lambda count: count == 1, 30.0)
    mortal.api.kill()
    sending.join(20)
    assert len(ends) == 1, "the client heard nothing"
    mortal.engine.send(signal.SIGCONT)
    mortal.api.restart()
    exchange.until_ready(mortal.api)
    eventually(lambda: len(user.get("/positions")["items"]), lambda count: count == 1, 60.0)
    again = user.order(**key)  # type: ignore[arg-type]  # As above.
    assert (again.status_code, again.headers["Idempotent-Replayed"]) == (201, "true")
    [position] = user.get("/positions")["items"]
    assert again.json()["position_id"] == position["id"]
    assert len(user.get("/fills")["items"]) == 1


def test_a_command_whose_api_was_killed_before_the_decision_is_pending_and_not_unknown(mortal: Mortal) -> None:
    user = mortal.new_user()
    user.get("/account")
    mortal.engine.kill()
    sent = user.order(headers={"Prefer": "respond-async"})
    where = sent.headers["Location"].removeprefix("/api/v1")
    order = where.replace("/commands/", "/orders/")
    mortal.api.kill()
    mortal.api.restart()
    eventually(lambda: mortal.exchange.readiness()[0], lambda status: status > 0, 60.0)
    assert user.get(where)["status"] == "unknown"
    undecided = user.http.get(order)
    assert (undecided.status_code, undecided.json()["code"]) == (503, "ENGINE_BEHIND")
    mortal.engine.restart()
    mortal.exchange.until_ready(mortal.api)
    done = eventually(lambda: user.get(where), lambda command: command["status"] != "unknown", 60.0)
    assert (done["status"], done["order"]) == ("done", user.get(order))
    assert user.http.get(f"/commands/{uuid4()}").status_code == 404


def test_a_command_the_tables_do_not_have_yet_is_pending_and_not_unknown(mortal: Mortal) -> None:
    user = mortal.new_user()
    user.get("/account")
    with held(mortal.projector):
        command_id = user.opened(margin="10")["command_id"]
        user.opened(margin="10")  # A new process remembers each shard's last event.
        mortal.replace_api()
        assert user.get(f"/commands/{command_id}")["status"] == "unknown"
        unknown = user.http.get(f"/orders/{command_id}")
        assert (unknown.status_code, unknown.json()["code"]) == (503, "PROJECTION_BEHIND")
        assert "Retry-After" in unknown.headers
    found = eventually(lambda: user.get(f"/commands/{command_id}"), lambda seen: seen["status"] != "unknown", 20.0)
    assert found["status"] == "done"
    assert user.get(f"/orders/{command_id}") == found["order"]


def test_a_close_of_a_part_of_a_position_the_tables_do_not_have_yet_is_not_reported_as_refused(mortal: Mortal) -> None:
    user = mortal.new_user()
    user.get("/account")
    with held(mortal.projector):
        position_id = user.opened()["position_id"]
        mortal.replace_api()
        unknown = part_closed(user, position_id, "0.00500")
        assert (unknown.status_code, unknown.json()["code"]) == (503, "PROJECTION_BEHIND")
        assert "Retry-After" in unknown.headers
    done = eventually(lambda: part_closed(user, position_id, "0.00500"), lambda reply: reply.status_code != 503, 20.0)
    assert (done.status_code, done.json()["quantity"]) == (200, "0.01500")


def test_the_reply_to_a_closed_part_includes_earlier_parts_however_far_the_tables_are_behind(
    mortal: Mortal,
) -> None:
    exchange, user = mortal.exchange, mortal.new_user()
    position_id = user.opened()["position_id"]
    # The list is of the tables alone: they have the opening, and nothing after it.
    eventually(lambda: [each["quantity"] for each in user.get("/positions")["items"]], lambda seen: seen == ["0.02000"])
    with held(mortal.projector):
        said = [part_closed(user, position_id, "0.00500").json() for _ in range(2)]
        # One that was closed through another process is not in the memory of this one.
        mortal.replace_api()
        third = part_closed(user, position_id, "0.00500", key="third")
        assert third.status_code == 202, third.text
    assert [(each["quantity"], each["realized_pnl"]) for each in said] == [
        ("0.01500", "-0.000500"),
        ("0.01000", "-0.001000"),
    ]
    assert [each["unrealized_pnl"] for each in said] == ["-0.001500", "-0.001000"]
    again = eventually(
        lambda: part_closed(user, position_id, "0.00500", key="third"), lambda reply: reply.status_code == 200, 20.0
    ).json()
    assert (again["quantity"], again["realized_pnl"]) == ("0.00500", "-0.001500")
    assert exchange.readiness()[0] == 200


@contextmanager
def held(projector: ServiceProcess) -> Iterator[None]:
    """Nothing is projected in this block."""
    projector.send(signal.SIGSTOP)
    try:
        yield
    finally:
        projector.send(signal.SIGCONT)


def part_closed(user: User, position_id: str, quantity: str, key: str | None = None) -> httpx.Response:
    headers = {} if key is None else {"Idempotency-Key": key}
    return user.http.post(f"/positions/{position_id}/close", json={"quantity": quantity}, headers=headers)


def orders_since(mortal: Mortal, shard: int, offset: int) -> int:
    """Orders in a shard's log from an offset on."""
    settings = mortal.exchange.settings
    records = [record for record in read_back(settings, COMMANDS, shard, 1_000) if record.offset >= offset]
    return sum(isinstance(decode_command(record.value), OpenPosition) for record in records)
