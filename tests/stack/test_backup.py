"""A backup that is taken while orders go on is restored to another path, and the exchange goes on from it."""

import json
import subprocess
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from api.store.tables import SCHEMA as AUTH
from projector.tables.columns import SCHEMA as LEDGER
from stack import supervisor
from stack.instance import InstanceFolder
from stack.ports import free_ports
from tests import processes
from tests.auth.signing import Key, headers_of, public_half
from tests.processes import eventually

pytestmark = [pytest.mark.slow, pytest.mark.timeout(2_400)]
TIMEOUT_S = 900
ADA = {"email": "ada@example.com", "password": "correct horse battery staple"}
ORDER = {"symbol": "BTC_USDC", "side": "long", "type": "market", "margin": "10", "leverage": "2"}


def reprise(*arguments: object) -> subprocess.CompletedProcess[str]:
    done = processes.reprise(*arguments, timeout=TIMEOUT_S)
    assert done.returncode == 0, done.stdout + done.stderr
    return done


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Path, Path]]:
    """Two data folders, whatever runs in which is stopped."""
    monkeypatch.setenv("PRICE_INTERVAL_MS", "500")
    first, other = tmp_path / "first", tmp_path / "elsewhere" / "second"
    yield first, other
    for place in (first, other, other.with_name("second.unfinished")):
        supervisor.stop(InstanceFolder(place), print)


def started(data: Path, *options: str) -> httpx.Client:
    (port,) = free_ports(1)
    reprise("up", "--detach", "--port", port, "--data", data, *options)
    return httpx.Client(base_url=f"http://127.0.0.1:{port}/api/v1", timeout=30)


def signed_in(exchange: httpx.Client) -> dict[str, str]:
    return {"Authorization": f"Bearer {exchange.post('/auth/login', json=ADA).json()['access_token']}"}


def kept(exchange: httpx.Client, ada: dict[str, str]) -> dict[str, Any]:
    """Read what must be there again."""
    now = datetime.now(UTC)
    asked = {
        "symbol": "BTC_USDC",
        "interval": "1d",
        "from": (now - timedelta(days=20)).isoformat(),
        "to": (now - timedelta(days=10)).isoformat(),
    }
    candles = exchange.get("/candles", params=asked).json()["items"]
    alerts = exchange.get("/alerts", headers=ada).json()["items"]
    return {"candles": candles, "alerts": alerts, "keys": exchange.get("/api-keys", headers=ada).json()["items"]}


# What is written once and never changed: of the backup's moment, every row is there again.
APPENDED = ("fills", "ledger_entries", "receipts", "account_events", "commands")
# What only a person changes; nobody did while the backup was made.
STORED = {
    *(f"{AUTH}.{name}" for name in ("users", "api_keys", "venue_keys", "transfers", "transfer_acts")),
    *(f"{LEDGER}.{name}" for name in ("alerts", "candle_history")),
}


def state_of(data: Path, name: str) -> str:
    processes = json.loads(reprise("status", "--json", "--data", data).stdout)["processes"]
    return next(str(process["state"]) for process in processes if process["name"] == name)


def rows_of(data: Path) -> dict[str, set[bytes]]:
    """Read the rows of each of these tables as PostgreSQL writes them out."""
    record = InstanceFolder(data).read()
    assert record is not None
    found: dict[str, set[bytes]] = {}
    with psycopg.connect(record.database_url.replace("+psycopg", "")) as connection, connection.cursor() as cursor:
        for table in (*STORED, f"{AUTH}.journal", *(f"{LEDGER}.{name}" for name in APPENDED)):
            with cursor.copy(f"COPY {table} TO STDOUT") as copied:
                found[table] = set(b"".join(bytes(part) for part in copied).splitlines())
    return found


def covers(rows: dict[str, set[bytes]], before: dict[str, set[bytes]]) -> bool:
    """Whether the projection has come past the backup's moment."""
    return all(before[f"{LEDGER}.{name}"] <= rows[f"{LEDGER}.{name}"] for name in APPENDED)


def trade_until(exchange: httpx.Client, ada: dict[str, str], is_over: threading.Event) -> None:
    while not is_over.is_set():
        exchange.post("/orders", headers=ada, json=ORDER)
        is_over.wait(0.2)


def test_a_backup_taken_while_orders_go_on_is_restored_to_another_path(
    places: tuple[Path, Path], tmp_path: Path
) -> None:
    data, elsewhere = places
    with started(data, "--feed", "simulated") as exchange:
        exchange.post("/auth/register", json=ADA).raise_for_status()
        ada = signed_in(exchange)
        first = exchange.post("/orders", headers=ada, json=ORDER)
        assert first.status_code == 201, first.text
        alert = {"symbol": "BTC_USDC", "direction": "above", "price": "900000.0", "note": "sell"}
        assert exchange.post("/alerts", headers=ada, json=alert).status_code == 201
        private = Ed25519PrivateKey.generate()
        made = exchange.post(
            "/api-keys", headers=ada, json={"public_key": public_half(private), "scopes": ["read"], "name": "robot"}
        )
        key = Key(made.json()["id"], private)
        before = eventually(lambda: kept(exchange, ada), lambda seen: len(seen["candles"]) >= 10, TIMEOUT_S)
        eventually(lambda: state_of(data, "backfill"), lambda state: state == "FINISHED", TIMEOUT_S)

        rows_before = rows_of(data)
        is_over = threading.Event()
        trader = threading.Thread(target=trade_until, args=(exchange, ada, is_over))
        trader.start()
        try:
            said = reprise("backup", tmp_path / "exchange.backup", "--data", data).stdout
        finally:
            is_over.set()
            trader.join()
        assert "1 users. Only you may read it." in said
        assert exchange.post("/orders", headers=ada, json=ORDER).status_code == 201
        account = exchange.get("/account", headers=ada).json()["account_id"]
    reprise("down", "--data", data)
    own_secrets = (data / "secrets.env").read_bytes()

    reprise("restore", tmp_path / "exchange.backup", "--data", elsewhere)
    assert list(elsewhere.parent.iterdir()) == [elsewhere]
    assert (elsewhere / "secrets.env").read_bytes() == own_secrets
    assert (elsewhere / "secrets.env").stat().st_mode & 0o777 == 0o600
    with started(elsewhere) as exchange:  # Its feed is the one that its positions were priced by.
        assert exchange.get("/account", headers=ada).status_code == 401, "sessions are not restored"
        ada = signed_in(exchange)
        opened = eventually(
            lambda: exchange.get("/positions", headers=ada).json()["items"], lambda items: len(items) > 0, TIMEOUT_S
        )
        assert first.json()["position_id"] in {position["id"] for position in opened} or len(opened) >= 20
        assert exchange.get("/account", headers=ada).json()["account_id"] == account
        assert kept(exchange, ada) == before
        restored = eventually(lambda: rows_of(elsewhere), lambda rows: covers(rows, rows_before), TIMEOUT_S)
        for table, rows in rows_before.items():
            assert rows <= restored[table], (table, rows - restored[table])
            assert rows == restored[table] or table not in STORED, (table, restored[table] - rows)
        signed = headers_of(key, "GET", "/account")
        assert exchange.get("/account", headers=signed).json()["account_id"] == account
        assert exchange.post("/orders", headers=ada, json=ORDER).status_code == 201
        verdict = json.loads(reprise("audit", "verify", "--json", "--data", elsewhere).stdout)
        assert (verdict["agrees"], verdict["database"]) == (True, "compared")
    reprise("down", "--data", elsewhere)
