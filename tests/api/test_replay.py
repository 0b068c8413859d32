"""The API forwards an account's replay to the audit's service: to its owner, to administrators, and to nobody else."""

import hashlib
import io
import json
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import httpx
import msgspec
import pytest
import uvicorn
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pydantic import BaseModel

from api.replay.schemas import Replay, ReplayCommand, ReplayPrices, ReplaySteps
from api.users.administration import add_user
from audit.log.cluster import open_cluster
from audit.log.export_log import export_log
from audit.log.folder import FolderLog
from audit.replay.application import create_service
from audit.replay.replays import Replays
from runtime.replay_grants import HEADER, VALID_S, ReplayKey, replay_key
from schemas.units import parse
from tests.api.exchange import PASSWORD, Exchange
from tests.auth.signing import Key, headers_of, public_half
from tests.processes import eventually
from tests.threads import serving

PATH: Final = "/audit/replay"
SIGNED: Final = "/api/v1/audit/replay"


class Traded:
    """A user who opened a position and closed it, and one that is open; what each order said."""

    def __init__(self, exchange: Exchange) -> None:
        self.user = exchange.new_user()
        opened = self.user.opened(leverage="20")
        self.position_id = opened["position_id"]
        exchange.price("BTC_USDC", "50099.9", "50100.0")
        exchange.until_fresh("BTC_USDC", "50099.9")
        assert self.user.close(self.position_id).status_code == 200
        self.receipt = self.user.get(f"/receipts/{self.user.get(f'/positions/{self.position_id}')['receipt_id']}")
        self.user.opened(symbol="ETH_USDC", side="short")
        self.account_id = self.user.get("/account")["account_id"]


@pytest.fixture(scope="module")
def traded(exchange: Exchange) -> Traded:
    return Traded(exchange)


@pytest.fixture(scope="module")
def served(traded: Traded, replaying: None) -> Traded:
    """The same, while the replay service runs."""
    return traded


def refused(reply: httpx.Response, status: int, code: str) -> httpx.Response:
    assert (reply.status_code, reply.json().get("code")) == (status, code), reply.text
    return reply


def shaped(reply: httpx.Response, shape: type[BaseModel]) -> Any:
    """What a reply says, which has the members that the API publishes, and no other."""
    assert reply.status_code == 200, reply.text
    found = json.loads(reply.content)
    assert json.loads(shape.model_validate_json(reply.content).model_dump_json()) == found
    return found


def test_a_service_that_is_away_is_a_503_with_what_to_do_and_nothing_else_stops(traded: Traded) -> None:
    reply = refused(traded.user.http.get(PATH), 503, "REPLAY_UNAVAILABLE")
    assert "./reprise status" in reply.json()["detail"]
    assert traded.user.get("/account")["account_id"] == traded.account_id


@contextmanager
def in_place_of_the_service(exchange: Exchange, replays: Replays) -> Iterator[None]:
    """A service of this process at the port where the API looks for it."""
    app = create_service(replays, lambda _: True)
    with serving(uvicorn.Config(app, port=exchange.settings.replay_port, log_config=None, lifespan="off")):
        yield


def test_the_third_replay_at_once_is_answered_with_when_to_ask_again(exchange: Exchange, traded: Traded) -> None:
    replays = Replays(lambda: open_cluster(exchange.settings), None)
    with in_place_of_the_service(exchange, replays):
        for _ in range(2):
            assert replays._slots.acquire(blocking=False)
        reply = refused(traded.user.http.get(PATH), 429, "REPLAY_BUSY")
        assert reply.headers["Retry-After"] == "1"
        replays._slots.release()
        assert is_ready(eventually(lambda: traded.user.http.get(PATH), is_ready))


def test_a_user_replays_their_own_account_and_its_figures_are_the_api_s(served: Traded) -> None:
    user = served.user
    overview = shaped(user.http.get(PATH, params={"position": served.position_id}), Replay)
    assert overview["is_ready"]
    assert overview["account_id"] == served.account_id
    assert overview["symbols"] == ["BTC_USDC", "ETH_USDC"]
    assert overview["place"] == served.receipt["command_offset"]
    types = [mark["type"] for mark in overview["marks"]]
    assert types == ["AccountOpened", "PositionOpened", "PositionClosed", "PositionOpened"]
    page = shaped(user.http.get(f"{PATH}/steps", params={"before": overview["place"] + 1}), ReplaySteps)
    closing = page["steps"][-1]
    (event,) = (event for event in closing["events"] if event["type"] == "PositionClosed")
    for mine, theirs in (
        ("price", "close_price"),
        ("profit", "profit"),
        ("fee", "fee"),
        ("returned", "margin_returned"),
    ):
        assert event["figures"][mine] == served.receipt[theirs], mine
    assert event["event_id"] == served.receipt["event_id"]
    before = closing["before"] or page["steps"][-2]["ledger"]
    assert [each["position_id"] for each in before["positions"]] == [served.position_id]
    assert closing["ledger"]["positions"] == []
    lines = [line for line in user.get("/ledger")["items"] if line["event_id"] == event["event_id"]]
    assert closing["ledger"]["balance"] == lines[0]["balance_after"], "the newest line is the first"
    last = shaped(user.http.get(f"{PATH}/steps", params={"before": 1 << 40}), ReplaySteps)["steps"][-1]["ledger"]
    account = user.get("/account")
    for name in ("balance", "used_margin", "equity", "unrealized_pnl"):
        assert parse(last[name], 6) == parse(account[name], 6), name
    opened, closed = (overview["marks"][place]["time"] for place in (1, 2))
    prices = user.http.get(f"{PATH}/prices", params={"symbol": "BTC_USDC", "from": opened, "to": closed})
    assert shaped(prices, ReplayPrices)["candles"][-1]["close"] == "50099.95"
    command = shaped(user.http.get(f"{PATH}/command", params={"offset": overview["place"]}), ReplayCommand)
    assert command["words"] == f"closing position {served.position_id}"


def test_another_account_is_replayed_by_administrators_and_auditors_only(exchange: Exchange, served: Traded) -> None:
    other = exchange.new_user()
    eventually(lambda: other.http.get(PATH), lambda reply: reply.status_code == 200)
    for path in ("", "/steps", "/bundle"):
        asked = {"account": served.account_id}
        refused(other.http.get(PATH + path, params=asked), 403, "FORBIDDEN")
        refused(other.http.get(PATH + path, params={"account": "nobody"}), 403, "FORBIDDEN")
        refused(httpx.get(f"{exchange.url}/api/v1{PATH}{path}", params=asked), 401, "NOT_AUTHENTICATED")
    for role in ("admin", "auditor"):
        email = f"{uuid4().hex}@example.com"
        add_user(exchange.settings, email, role, PASSWORD)
        reader = exchange.user(email)
        found = eventually(lambda: reader.http.get(PATH, params={"account": served.account_id}), is_ready)  # noqa: B023
        assert shaped(found, Replay)["account_id"] == served.account_id
        refused(reader.http.get(PATH, params={"account": "nobody"}), 404, "NOT_FOUND")


def test_an_auditor_who_reads_their_account_opens_none_in_the_ledger(exchange: Exchange) -> None:
    email = f"{uuid4().hex}@example.com"
    add_user(exchange.settings, email, "auditor", PASSWORD)
    reader = exchange.user(email)
    for _ in range(2):
        refused(reader.http.get("/account"), 409, "ACCOUNT_UNKNOWN")


def is_ready(reply: httpx.Response) -> bool:
    return reply.status_code == 200 and bool(reply.json()["is_ready"])


def test_an_api_key_replays_its_own_account_with_the_scope_read(exchange: Exchange, served: Traded) -> None:
    for scope, status in (("read", 200), ("trade", 403)):
        private = Ed25519PrivateKey.generate()
        made = served.user.http.post("/api-keys", json={"public_key": public_half(private), "scopes": [scope]})
        assert made.status_code == 201, made.text
        key = Key(made.json()["id"], private)

        def asked(query: str = "", key: Key = key) -> httpx.Response:
            signed = headers_of(key, "GET", PATH, query)
            return httpx.get(f"{exchange.url}/api/v1{PATH}{f'?{query}' if query else ''}", headers=signed)

        assert asked().status_code == status
        refused(asked("account=nobody"), 403, "SCOPE_MISSING")


def test_the_service_answers_only_what_the_api_signed_for_this_question_and_not_for_long(
    exchange: Exchange, served: Traded
) -> None:
    url, key = f"http://127.0.0.1:{exchange.settings.replay_port}", replay_key(exchange.settings)
    target = f"{SIGNED}?account={served.account_id}"

    def asked(grant: str) -> int:
        return httpx.get(url + target, headers={HEADER: grant}).status_code

    assert asked(key.grant(target)) == 200
    other = key.grant(f"{SIGNED}?account=another")
    late, early = (key.grant(target, time.time() + moved) for moved in (-VALID_S - 5, VALID_S + 5))
    for grant in ("", "1", other, late, early, ReplayKey("x" * 32).grant(target), key.grant(target)[:-1]):
        assert asked(grant) == 403, grant
    for page in ("/healthz", "/readyz", "/status", "/metrics"):
        assert httpx.get(url + page).status_code == 200, page


def test_an_exported_folder_gives_the_bytes_that_the_api_gave(
    exchange: Exchange, served: Traded, tmp_path: Path
) -> None:
    live = served.user.http.get(f"{PATH}/steps", params={"limit": 20})
    export_log(open_cluster(exchange.settings), tmp_path / "log", shard=None, to={})
    folder = FolderLog(tmp_path / "log")
    replays = Replays(lambda: folder, None)
    steps = replays.steps(served.account_id, after=None, before=None, limit=20, period_ms=0, keep=None)
    assert live.content == msgspec.json.encode(steps)
    assert len(steps.steps) >= 4


def test_a_bundle_comes_as_a_zip_whose_files_have_their_hashes(served: Traded) -> None:
    reply = served.user.http.get(f"{PATH}/bundle")
    assert reply.headers["Content-Type"] == "application/zip"
    assert f"reprise-{served.account_id}.zip" in reply.headers["Content-Disposition"]
    with zipfile.ZipFile(io.BytesIO(reply.content)) as bundle:
        for line in bundle.read("SHA256SUMS").decode().splitlines():
            digest, name = line.split()
            assert hashlib.sha256(bundle.read(name)).hexdigest() == digest
        events = [json.loads(line) for line in bundle.read("events.jsonl").splitlines()]
    assert {event["account_id"] for event in events} == {served.account_id}
    assert [event["type"] for event in events][:2] == ["AccountOpened", "PositionOpened"]


@pytest.mark.parametrize(
    ("path", "params"),
    [
        ("", {"at": "2026-01-01T00:00:00Z", "offset": 1}),
        ("/steps", {"after": 1, "before": 2}),
        ("/steps", {"limit": 201}),
        ("/prices", {"symbol": "BTC_USDC", "from": "2026-01-02T00:00:00Z", "to": "2026-01-01T00:00:00Z"}),
        ("/command", {}),
    ],
)
def test_a_question_that_makes_no_sense_is_malformed(served: Traded, path: str, params: dict[str, Any]) -> None:
    refused(served.user.http.get(PATH + path, params=params), 422, "MALFORMED")
