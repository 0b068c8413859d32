"""An exchange on which administrators acted, stopped: what its log and its database then say is compared."""

import secrets
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from api.users.administration import add_user
from runtime.settings import Settings
from tests.api.exchange import PASSWORD, Exchange, User, service
from tests.processes import eventually

ADMINISTRATORS = ("boss@example.com", "second@example.com")


class Administered(NamedTuple):
    """The settings of its servers, a folder of the test's own, and the ids of what was done."""

    settings: Settings
    folder: Path
    account_id: str
    user_ids: dict[str, str]
    transfers: dict[str, str]


@contextmanager
def administered_exchange(settings: Settings, folder: Path) -> Iterator[Administered]:
    """A demo in which a user brings in money, and then a production exchange with two administrators."""
    exchange = Exchange(settings, folder)
    production = settings.model_copy(
        update={
            "profile": "production",
            "money_confirmations": 1,
            "jwt_secret": secrets.token_urlsafe(32),
            "encryption_key": secrets.token_hex(16),
        }
    )
    with ExitStack() as stack:
        stack.callback(exchange.close)
        for name in ("engine", "projector"):
            stack.enter_context(service(name, settings, folder))
        with service("api", settings, folder) as demo:
            exchange.until_ready(demo)
            user = exchange.new_user()
            assert user.http.post("/demo/deposit", json={"amount": "100"}).status_code == 200
            account_id = str(user.get("/account")["account_id"])
            demo.stop()
        for email in ADMINISTRATORS:
            add_user(settings, email, "admin", PASSWORD)
        with service("api", production, folder) as api:
            exchange.until_ready(api)
            boss, second = (exchange.user(email) for email in ADMINISTRATORS)
            refused = exchange.http.post("/api/v1/auth/login", json={"email": ADMINISTRATORS[0], "password": "wrong"})
            assert refused.status_code == 401, refused.text
            transfers = _move_money(boss, second, account_id)
            _change_markets(boss)
            user_ids = {each.email: str(each.get("/auth/me")["id"]) for each in (boss, second)}
            eventually(
                lambda: boss.get("/admin/lag")["shards"],
                lambda shards: all(shard["projection_lag"] == 0 for shard in shards),
            )
            api.stop()
    yield Administered(settings, folder, account_id, user_ids, transfers)


def _move_money(boss: User, second: User, account_id: str) -> dict[str, str]:
    """Have a deposit carried out, a withdrawal refused by the log, one rejected and one that waits."""
    asked = {
        "done": ("deposits", "1000"),
        "refused": ("withdrawals", "999999"),
        "rejected": ("deposits", "5"),
        "pending": ("withdrawals", "7"),
    }
    ids = {}
    for status, (kind, amount) in asked.items():
        body = {"amount": amount, "reason": "correction", "note": f"to be {status}"}
        reply = boss.http.post(f"/admin/accounts/{account_id}/{kind}", json=body)
        assert reply.status_code == 201, reply.text
        ids[status] = str(reply.json()["id"])
    _decided(second.http.post(f"/admin/transfers/{ids['done']}/approve"), 200)
    _decided(second.http.post(f"/admin/transfers/{ids['refused']}/approve"), 200)
    _decided(second.http.post(f"/admin/transfers/{ids['rejected']}/reject"), 200)
    for status, transfer_id in ids.items():
        path = f"/admin/transfers/{transfer_id}"
        eventually(partial(boss.get, path), lambda transfer, wanted=status: transfer["status"] == wanted)  # type: ignore[misc]
    return ids


def _change_markets(boss: User) -> None:
    for path, body in (
        ("/admin/instruments/BTC_USDC/status", {"status": "halted"}),
        ("/admin/instruments/BTC_USDC/status", {"status": "open"}),
        ("/admin/account-limits", {"positions_max": 50}),
        ("/admin/clock", None),
    ):
        _decided(boss.http.post(path, json=body), 200, 202)
    _decided(boss.http.patch("/admin/instruments/ETH_USDC", json={"fee_rate": "0.0005"}), 200, 202)
    eventually(
        lambda: boss.get("/admin/broadcasts")["items"],
        lambda items: all(not item["waiting"] for item in items),
    )


def _decided(reply: Any, *codes: int) -> None:
    assert reply.status_code in codes, reply.text
