"""Only administrators see and change the rules, and an impossible version is never sent to a shard."""

from uuid import uuid4

import pytest

from api.users.administration import add_user
from engine.core.rules import newest_rules
from runtime.kafka import read_back
from runtime.settings import Settings
from schemas.codec import decode_command, decode_event
from schemas.commands import ActivateRules
from schemas.events import InstrumentsDefined, RulesActivated
from schemas.topics import COMMANDS, EVENTS
from tests.api.exchange import PASSWORD, Exchange, User
from tests.processes import eventually

ALL = 10**6


def administrator(exchange: Exchange) -> User:
    email = f"{uuid4().hex}@example.com"
    add_user(exchange.settings, email, "admin", PASSWORD)
    return exchange.user(email)


def asked(user: User, body: object) -> tuple[int, dict[str, object]]:
    reply = user.http.post("/admin/rules", json=body)
    return reply.status_code, reply.json()


def activations(settings: Settings) -> list[ActivateRules]:
    """The commands in the log."""
    shards = range(settings.shards)
    found = (decode_command(record.value) for shard in shards for record in read_back(settings, COMMANDS, shard, ALL))
    return [command for command in found if isinstance(command, ActivateRules)]


def test_only_an_administrator_reads_and_changes_the_rules(exchange: Exchange) -> None:
    user = exchange.new_user()
    for reply in (user.http.get("/admin/rules"), user.http.post("/admin/rules", json={"version": 2})):
        assert (reply.status_code, reply.json()["code"]) == (403, "FORBIDDEN")
    reply = exchange.http.post("/api/v1/admin/rules", json={"version": 2})
    assert (reply.status_code, reply.json()["code"]) == (401, "NOT_AUTHENTICATED")
    admin = administrator(exchange)
    shards = list(range(exchange.settings.shards))
    born = {"version": 2, "broadcast": "rules-2", "answered": shards, "waiting": []}
    assert admin.get("/admin/rules") == {"in_force": 2, "newest": 2, "activations": [born]}
    add_user(exchange.settings, admin.email, "user", PASSWORD)
    assert admin.http.get("/admin/rules").status_code == 403, "the role is read on each request"


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"version": 3}, 409, "RULES_VERSION_UNKNOWN"),
        ({"version": 1}, 409, "RULES_VERSION_NOT_NEXT"),
        ({"version": 4}, 409, "RULES_VERSION_NOT_NEXT"),
        ({"version": 0}, 422, "MALFORMED"),
        ({"version": "two"}, 422, "MALFORMED"),
        ({"version": 2.5}, 422, "MALFORMED"),
        ({"version": 10**30}, 422, "MALFORMED"),
        ({}, 422, "MALFORMED"),
        ({"version": 2, "shard": 0}, 422, "MALFORMED"),
    ],
)
def test_a_rules_version_that_is_unknown_or_not_the_next_is_refused_and_not_sent(
    body: object, status: int, code: str, exchange: Exchange
) -> None:
    """An engine of this code would stop at an unknown version, so none is sent."""
    got, problem = asked(administrator(exchange), body)
    assert (got, problem["code"]) == (status, code)
    assert {command.version for command in activations(exchange.settings)} == {2}


def test_rules_05_a_new_ledger_activates_the_newest_rules_before_it_defines_its_instruments(
    exchange: Exchange,
) -> None:
    for shard in range(exchange.settings.shards):
        first, second, *_ = read_back(exchange.settings, EVENTS, shard, ALL)
        activated, defined = decode_event(first.value), decode_event(second.value)
        assert isinstance(activated, RulesActivated)
        assert activated.version == newest_rules()
        assert isinstance(defined, InstrumentsDefined)


def test_how_old_a_price_may_be_is_as_the_rules_say_again_once_an_administrator_sends_null(exchange: Exchange) -> None:
    admin = administrator(exchange)

    def age_max() -> object:
        items = admin.get("/admin/instruments")["items"]
        return next(item["open_age_max_ms"] for item in items if item["symbol"] == "SOL_USDC")

    assert age_max() is None
    for sent in (1_500, None):
        changed = admin.http.patch("/admin/instruments/SOL_USDC", json={"open_age_max_ms": sent})
        assert changed.status_code in (200, 202), changed.text
        assert eventually(age_max, lambda seen: seen == sent) == sent  # noqa: B023  # It is asked in this round.
    for field in ("leverage_max", "spread_max", "quantity_min", "slippage_bps", "notional_max"):
        refused = admin.http.patch("/admin/instruments/SOL_USDC", json={field: None})
        assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, f"/{field}"), refused.text
    assert admin.get("/admin/broadcasts")["items"][0]["name"] == changed.json()["name"], (
        "nothing was sent for a refusal"
    )
