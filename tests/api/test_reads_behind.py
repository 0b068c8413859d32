"""What is read right after a command while the tables are behind the log: the projector is stopped for real."""

from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

import pytest

from schemas.rejections import Rejection
from schemas.sharding import shard_of
from tests.api.exchange import Exchange, User
from tests.api.outages import answered_without_database
from tests.processes import eventually


@pytest.fixture
def user(exchange: Exchange) -> User:
    """A user whose account is in the tables."""
    made = exchange.new_user()
    eventually(lambda: made.http.get("/ledger").json()["items"], lambda lines: len(lines) == 1)
    return made


@contextmanager
def behind(exchange: Exchange) -> Iterator[None]:
    """Nothing is projected in this block, and what was sent before is."""
    with exchange.held("projector"):
        yield


def forgetful(user: User) -> None:
    """Keep neither the header nor the cookie."""
    user.http.cookies.clear()


@pytest.mark.parametrize("keeps_cookies", [True, False], ids=["with-position", "without-position"])
def test_a_receipt_is_read_from_its_event_while_the_tables_are_behind(
    exchange: Exchange, user: User, keeps_cookies: bool
) -> None:
    position_id = user.opened()["position_id"]
    with behind(exchange):
        closed = user.close(position_id).json()
        if not keeps_cookies:
            forgetful(user)
        reply = user.http.get(f"/receipts/{closed['receipt_id']}")
        assert reply.status_code == 200, reply.text
        assert reply.elapsed.total_seconds() < 0.9, "nothing was waited for"
        early = reply.json()
    assert (early["position_id"], early["realized_pnl"]) == (position_id, "-0.002000")
    eventually(lambda: user.get(f"/positions/{position_id}"), lambda seen: seen["status"] == "closed")
    assert user.get(f"/receipts/{closed['receipt_id']}") == early


def test_a_receipt_is_its_owner_s_alone_while_the_tables_are_behind(exchange: Exchange, user: User) -> None:
    other = exchange.new_user()
    position_id = user.opened()["position_id"]
    with behind(exchange):
        receipt_id = user.close(position_id).json()["receipt_id"]
        assert other.http.get(f"/receipts/{receipt_id}").status_code == 404
        shard, _, seq = receipt_id.partition("-")
        assert user.http.get(f"/receipts/{shard}-{int(seq) + 10**9}").status_code == 404


def test_a_position_is_read_from_its_events_while_the_tables_are_behind(exchange: Exchange, user: User) -> None:
    with behind(exchange):
        position_id = user.opened(stop_loss="49000")["position_id"]
        forgetful(user)
        opened = user.http.get(f"/positions/{position_id}")
        assert opened.status_code == 200, opened.text
        assert "Projection-Lag" not in opened.headers
        assert (opened.json()["stop_loss"], opened.json()["unrealized_pnl"]) == ("49000.0", "-0.002000")
        user.http.patch(f"/positions/{position_id}", json={"stop_loss": "48000"})
        assert user.get(f"/positions/{position_id}")["stop_loss"] == "48000.0"
        part = user.http.post(f"/positions/{position_id}/close", json={"quantity": "0.005"}).json()
        assert (part["quantity"], part["realized_pnl"], part["unrealized_pnl"]) == ("0.01500", "-0.000500", "-0.001500")
        assert user.get(f"/positions/{position_id}") == part
        closed = user.close(position_id).json()
        assert user.get(f"/positions/{position_id}") == closed
        assert (closed["status"], closed["realized_pnl"]) == ("closed", "-0.002000")
    eventually(lambda: user.http.get("/positions?status=closed").json()["items"], lambda items: items == [closed])
    assert user.http.get("/positions/0-999999").status_code == 404


def test_a_command_s_position_is_as_it_left_it_while_the_tables_are_behind(exchange: Exchange, user: User) -> None:
    order = user.opened()
    with behind(exchange):
        key = {"Idempotency-Key": "close"}
        closed = user.close(order["position_id"], key)
        assert closed.status_code == 200
        again = user.close(order["position_id"], key)
        assert (again.status_code, again.json()) == (200, closed.json())
        sent = user.get(f"/receipts/{closed.json()['receipt_id']}")["command_id"]
        seen = user.get(f"/commands/{sent}")
        assert (seen["status"], seen["position"]) == ("done", closed.json())
        assert user.get(f"/commands/{order['command_id']}")["order"] == order
        assert user.get(f"/orders/{order['order_id']}") == order


def test_the_account_is_brought_forward_by_events_while_the_tables_are_behind(exchange: Exchange, user: User) -> None:
    with behind(exchange):
        first = user.opened(margin="100", leverage="10")
        user.opened(margin="50", leverage="10", side="short")
        forgetful(user)
        reply = user.http.get("/account")
        assert "Projection-Lag" not in reply.headers
        account = reply.json()
        assert (account["used_margin"], account["free_margin"]) == ("150.000000", "4850.000000")
        # A long of 0.02 and a short of 0.01, each worth a spread of 0.1 less.
        assert account["unrealized_pnl"] == "-0.003000"
        user.close(first["position_id"])
        assert user.http.post("/demo/deposit", json={"amount": "10"}).status_code == 200
        early = user.get("/account")
        assert (early["balance"], early["used_margin"]) == ("5009.998000", "50.000000")
    eventually(lambda: user.http.get("/ledger").json()["items"], lambda lines: len(lines) == 3)
    assert user.get("/account") == early


def test_a_new_account_is_read_before_it_is_in_any_table(exchange: Exchange) -> None:
    with behind(exchange):
        user = exchange.new_user()
        account = user.http.get("/account")
        assert (account.status_code, account.json()["balance"]) == (200, "5000.000000")
        order = user.opened()
        assert user.get("/account")["free_margin"] == "4900.000000"
        closed = user.close(order["position_id"])
        assert (closed.status_code, closed.json()["status"]) == (200, "closed")
        asked = user.http.post("/withdrawals", json={"amount": "1"})
        assert asked.status_code == 201, asked.text


def test_every_list_says_that_it_lacks_the_caller_s_last_command(exchange: Exchange, user: User) -> None:
    with behind(exchange):
        user.opened()
        forgetful(user)
        for path in ("/positions", "/orders", "/fills", "/ledger", "/statements", "/statements?format=csv"):
            reply = user.http.get(path)
            assert (reply.status_code, int(reply.headers["Projection-Lag"]) > 0) == (200, True), path
        assert int(user.http.get("/audit/events").headers["Projection-Lag"]) > 0


def test_an_order_is_found_by_its_client_order_id_while_the_tables_are_behind(exchange: Exchange, user: User) -> None:
    with behind(exchange):
        order = user.opened(client_order_id="mine", headers={"Idempotency-Key": "one"})
        assert user.get("/orders", client_order_id="mine")["items"] == [order]
        again = user.order(client_order_id="mine", headers={"Idempotency-Key": "other"})
        assert (again.status_code, again.json()) == (201, order)
        assert again.headers["Idempotent-Replayed"] == "true"
        changed = user.order(client_order_id="mine", margin="99", headers={"Idempotency-Key": "third"})
        assert (changed.status_code, changed.json()["code"]) == (422, "COMMAND_ID_REUSED")
        refused = user.order(client_order_id="poor", margin="9999")
        assert refused.json()["code"] == Rejection.INSUFFICIENT_MARGIN.name
        [poor] = user.get("/orders", client_order_id="poor")["items"]
        assert (poor["status"], poor["code"]) == ("rejected", "INSUFFICIENT_MARGIN")


def test_a_refusal_names_the_free_margin_of_now_while_the_tables_are_behind(exchange: Exchange, user: User) -> None:
    with behind(exchange):
        user.opened(margin="4000", leverage="1")
        refused = user.order(margin="2000", leverage="1").json()
        assert refused["code"] == "INSUFFICIENT_MARGIN"
        assert Decimal(refused["details"]["free_margin"]) == Decimal(1000)


def test_a_second_close_is_refused_as_of_a_position_of_yours_while_the_tables_are_behind(
    exchange: Exchange, user: User
) -> None:
    with behind(exchange):
        position_id = user.opened()["position_id"]
        assert user.close(position_id).status_code == 200
        again = user.close(position_id)
        assert (again.status_code, again.json()["code"]) == (409, "POSITION_NOT_OPEN")
        other = exchange.new_user().close(position_id)
        assert (other.status_code, other.json()["code"]) == (404, "POSITION_NOT_OPEN")


def test_closing_all_is_answered_from_its_events_while_the_tables_are_behind(exchange: Exchange, user: User) -> None:
    before = user.opened(margin="10")["position_id"]
    eventually(lambda: user.http.get("/positions").json()["items"], lambda items: len(items) == 1)
    with behind(exchange):
        after = user.opened(margin="20", symbol="ETH_USDC")["position_id"]
        key = {"Idempotency-Key": "all"}
        reply = user.http.post("/positions/close-all", headers=key)
        assert reply.status_code == 200, reply.text
        items = reply.json()["items"]
        assert [item["position_id"] for item in items] == [before, after]
        assert {(item["status"], item["position"]["status"]) for item in items} == {("done", "closed")}
        assert all(user.get(f"/receipts/{item['position']['receipt_id']}") for item in items)
        again = user.http.post("/positions/close-all", headers=key)
        assert (again.json(), again.headers["Idempotent-Replayed"]) == (reply.json(), "true")
        assert user.get("/account")["used_margin"] == "0.000000"
    closed: list[dict[str, Any]] = eventually(
        lambda: user.http.get("/positions?status=closed").json()["items"], lambda rows: len(rows) == 2
    )
    assert closed == [item["position"] for item in items][::-1]


def test_closing_all_that_is_not_decided_yet_is_accepted_with_its_location_whatever_the_tables_say(
    exchange: Exchange, user: User
) -> None:
    with behind(exchange), exchange.held("engine"):
        reply = user.http.post("/positions/close-all", headers={"Prefer": "respond-async"})
        assert (reply.status_code, reply.json()["items"]) == (202, [])
        where = reply.headers["Location"].removeprefix("/api/v1")
        assert user.get(where)["status"] == "pending"
    done = eventually(lambda: user.get(where), lambda seen: seen["status"] != "pending")
    assert done["status"] == "done"


def test_a_close_that_was_executed_is_never_answered_as_a_failure_of_the_database(
    exchange: Exchange, user: User
) -> None:
    position_id = user.opened()["position_id"]
    other = user.opened(symbol="ETH_USDC")["position_id"]
    reply = answered_without_database(exchange, user, f"/positions/{position_id}/close")
    assert reply.status_code == 202, reply.text
    assert reply.json()["status"] == "done"
    where = reply.headers["Location"].removeprefix("/api/v1")
    seen = eventually(lambda: user.http.get(where), lambda reply: reply.status_code == 200).json()
    assert (seen["status"], seen["position"]["status"], seen["position"]["id"]) == ("done", "closed", position_id)
    everything = answered_without_database(exchange, user, "/positions/close-all")
    assert everything.status_code == 202, everything.text
    assert [item["position_id"] for item in everything.json()["items"]] == [other]
    where = everything.headers["Location"].removeprefix("/api/v1")
    eventually(lambda: user.http.get(where), lambda reply: reply.status_code == 200)
    eventually(lambda: user.http.get(f"/positions/{other}").json(), lambda seen: seen.get("status") == "closed")


@pytest.mark.parametrize("keeps_cookies", [True, False], ids=["with-position", "without-position"])
def test_a_preview_of_an_account_as_it_was_before_the_last_order_is_refused(
    exchange: Exchange, user: User, keeps_cookies: bool
) -> None:
    order = {"symbol": "BTC_USDC", "side": "long", "margin": "4950", "leverage": "10"}
    old = f"{shard_of(user.get('/auth/me')['account_id'], exchange.settings.shards)}:1"
    with behind(exchange):
        user.opened(margin="100")
        if not keeps_cookies:
            forgetful(user)
        reply = user.http.post("/orders/preview", json=order)
        assert (reply.status_code, reply.json()["code"]) == (503, "PROJECTION_BEHIND")
        assert reply.headers["Retry-After"] == "1"
        # Who sends a cookie of before has still seen what this process told them.
        user.http.cookies.clear()
        listed = user.http.get("/positions", headers={"Ledger-Position": old})
        assert "Projection-Lag" in listed.headers
        new = exchange.new_user().http.post("/orders/preview", json=order)
        assert (new.status_code, new.json()["code"]) == (503, "PROJECTION_BEHIND")
    told = eventually(lambda: user.http.post("/orders/preview", json=order), lambda reply: reply.status_code == 200)
    assert [refusal["code"] for refusal in told.json()["refusals"]] == ["INSUFFICIENT_MARGIN"]
