"""A new user starts the exchange with one command, trades over HTTP, and finds that the books agree."""

import asyncio
import json
import subprocess
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from reprise_client import read_events
from stack.instance import InstanceFolder
from stack.ports import free_ports
from tests import processes
from tests.processes import eventually
from tests.system import programs

# Generous: it is a limit for a machine that is busy with other tests, not a figure of how long a start takes.
pytestmark = pytest.mark.timeout(600)
UP_TIMEOUT_S = 300
PASSWORD = "correct horse battery staple"


def reprise(*arguments: object) -> subprocess.CompletedProcess[str]:
    return processes.reprise(*arguments, timeout=UP_TIMEOUT_S)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("instance")


@pytest.fixture(scope="module")
def exchange(data: Path) -> Iterator[httpx.Client]:
    (port,) = free_ports(1)
    try:
        up = reprise("up", "--detach", "--feed", "simulated", "--port", str(port), "--data", str(data))
        assert up.returncode == 0, up.stdout + up.stderr
        with httpx.Client(base_url=f"http://127.0.0.1:{port}/api/v1", timeout=10) as client:
            yield client
    finally:  # Also when it did not become ready in time: what was started would go on.
        down = reprise("down", "--data", str(data))
    assert down.returncode == 0, down.stdout + down.stderr


def register(exchange: httpx.Client, name: str) -> dict[str, str]:
    """Give the headers of a new user."""
    who = {"email": f"{name}@example.com", "password": PASSWORD}
    registered = exchange.post("/auth/register", json=who)
    assert registered.status_code == 201, registered.text
    token = exchange.post("/auth/login", json=who).json()["access_token"]
    headers = {"Authorization": f"Bearer {token}"}
    eventually(lambda: exchange.get("/account", headers=headers).status_code, lambda status: status == 200, 30.0)
    return headers


def sent(exchange: httpx.Client, path: str, headers: dict[str, str], **body: str) -> httpx.Response:
    """Send a command until its outcome is known: on a busy machine the first answer may be that it is pending."""
    key = {"Idempotency-Key": f"{path} {body}"}
    return eventually(
        lambda: exchange.post(path, headers=headers | key, json=body or None),
        lambda reply: reply.status_code != 202,
        30.0,
    )


def get(exchange: httpx.Client, path: str, headers: dict[str, str], reply: httpx.Response) -> Any:
    """Read what is at least as new as a command's reply."""
    position = {name: value for name, value in reply.headers.items() if name.lower() == "ledger-position"}
    answer = eventually(
        lambda: exchange.get(path, headers=headers | position),
        lambda answer: "Projection-Lag" not in answer.headers,  # An honest answer on a busy machine; ask again.
        30.0,
    )
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_a_position_opens_moves_with_prices_and_closes_and_the_books_agree(exchange: httpx.Client) -> None:
    ada = register(exchange, "ada")
    order = {"symbol": "BTC_USDC", "side": "long", "type": "market", "margin": "1000", "leverage": "20"}
    opened = sent(exchange, "/orders", ada, **order)
    assert opened.status_code == 201, opened.text
    (position,) = get(exchange, "/positions", ada, opened)["items"]
    assert position["id"] == opened.json()["position_id"]
    assert (position["side"], position["margin"], position["status"]) == ("long", "1000.000000", "open")

    profits: set[str] = set()

    def seen_profits() -> int:
        profits.add(exchange.get("/positions", headers=ada).json()["items"][0]["unrealized_pnl"])
        return len(profits)

    eventually(seen_profits, lambda count: count > 1, timeout_s=30)

    closed = sent(exchange, f"/positions/{position['id']}/close", ada)
    assert closed.status_code == 200, closed.text
    assert get(exchange, "/positions", ada, closed)["items"] == []
    (finished,) = get(exchange, "/positions?status=closed", ada, closed)["items"]
    account = get(exchange, "/account", ada, closed)
    lines = get(exchange, "/ledger", ada, closed)["items"]
    receipt = get(exchange, f"/receipts/{finished['receipt_id']}", ada, closed)
    assert account["used_margin"] == "0.000000"
    assert account["balance"] == account["free_margin"] == account["equity"] == lines[0]["balance_after"]
    assert sum(Decimal(line["amount"]) for line in lines) == Decimal(account["balance"])
    assert Decimal(finished["realized_pnl"]) == Decimal(receipt["profit"]) == Decimal(account["balance"]) - 5_000
    assert Decimal(receipt["margin_returned"]) == 1_000 + Decimal(receipt["profit"]) - Decimal(receipt["fee"])

    again = exchange.post(f"/positions/{position['id']}/close", headers=ada)
    assert (again.status_code, again.json()["code"]) == (409, "POSITION_NOT_OPEN")
    assert exchange.get("/account", headers=ada).json() == account


def test_the_program_of_the_readme_trades_and_prints_its_events_and_balance(exchange: httpx.Client) -> None:
    register(exchange, "readme")
    url = str(exchange.base_url).partition("/api/")[0]
    printed = programs.run_of_the_readme(url, "readme@example.com", PASSWORD).splitlines()
    numbers = [int(line.split()[0]) for line in printed[:3]]
    assert numbers == list(range(numbers[0], numbers[0] + 3))
    assert [line.split()[1] for line in printed[:3]] == ["snapshot", "update", "update"]
    assert "PositionOpened" in printed[1]
    assert "PositionClosed" in printed[2]
    assert 40 < Decimal(printed[3]) < 60


@pytest.mark.slow
def test_the_client_reads_every_resource_of_the_api(exchange: httpx.Client) -> None:
    url = str(exchange.base_url).partition("/api/")[0]
    asyncio.run(programs.ask_everything(url, "joan@example.com", PASSWORD))


@pytest.mark.slow
def test_a_program_whose_replies_are_lost_trades_once_by_its_replies_and_by_the_log(
    exchange: httpx.Client, data: Path
) -> None:
    url = str(exchange.base_url).partition("/api/")[0]
    traded = asyncio.run(programs.trade_through_lost_replies(url, "grace@example.com", PASSWORD, rounds=3))
    position_ids = [order.position_id for order in traded.orders]
    assert len(set(position_ids)) == 3
    assert [position.id for position in traded.closed] == position_ids
    assert [message.kind for message in traded.heard] == ["snapshot"] + 9 * ["update"]
    assert [message.seq for message in traded.heard] == list(range(traded.heard[0].seq, traded.heard[0].seq + 10))
    assert [fill.position_id for fill in traded.fills[::3]] == position_ids[::-1]
    assert [fill.action for fill in traded.fills] == 3 * ["close", "close", "open"]
    assert sum(line.amount for line in traded.lines) == traded.account.balance == traded.account.free_margin
    assert [receipt.position_id for receipt in traded.receipts] == position_ids
    assert traded.refusal == "LEVERAGE_OUT_OF_RANGE"

    instance = InstanceFolder(data).read()
    assert instance is not None
    events = list(read_events(InstanceFolder(data).reader, verify_digests=True, until_end=True))
    own = [event for event in events if event.fields["account_id"] == traded.account.account_id]
    assert [event.fields["account_seq"] for event in own] == list(range(1, len(own) + 1))
    assert [event.type for event in own if event.type.startswith("Position")] == 3 * [
        "PositionOpened",
        "PositionReduced",
        "PositionClosed",
    ]
    assert own[-1].type == "CommandRejected"


def test_status_names_every_process_and_every_shard(exchange: httpx.Client, data: Path) -> None:
    answer = reprise("status", "--json", "--data", str(data))
    assert answer.returncode == 0, answer.stderr
    status = json.loads(answer.stdout)
    names = {process["name"] for process in status["processes"]}
    assert {"kafka", "postgres", "engine-1", "market-data", "projector", "api"} <= names
    assert all(process["state"] == "RUNNING" for process in status["processes"] if process["name"] != "backfill")
    assert [shard["shard"] for shard in status["shards"]] == [0, 1, 2, 3]


def test_the_charts_reach_back_thirty_days_before_the_first_tick(exchange: httpx.Client, data: Path) -> None:
    def backfill() -> dict[str, Any]:
        processes = json.loads(reprise("status", "--json", "--data", str(data)).stdout)["processes"]
        return next(process for process in processes if process["name"] == "backfill")

    finished = eventually(backfill, lambda process: process["state"] == "FINISHED", timeout_s=60)
    assert (finished["pid"], finished["restarts"]) == (None, 0)

    minutes = exchange.get("/candles", params={"symbol": "BTC_USDC", "limit": 500}).json()["items"]
    own = [candle for candle in minutes if candle["ticks"]]
    before = minutes[len(own)]
    assert (before["close"], before["source"], before["ticks"]) == (own[-1]["open"], "simulated", 0)

    now = datetime.now(UTC)
    for symbol in ("BTC_USDC", "ETH_USDC", "SOL_USDC"):
        asked = {
            "symbol": symbol,
            "interval": "1h",
            "limit": "500",
            "from": (now - timedelta(days=20)).isoformat(),
            "to": (now - timedelta(days=10)).isoformat(),
        }
        hours = exchange.get("/candles", params=asked).json()["items"]
        assert len(hours) in {240, 241}
        assert {hour["source"] for hour in hours} == {"simulated"}
        assert all(Decimal(hour["low"]) <= Decimal(hour["open"]) <= Decimal(hour["high"]) for hour in hours)
    tickers = exchange.get("/tickers").json()["items"]
    assert all(ticker["change_24h"] is not None for ticker in tickers)


def test_a_second_start_is_quick_and_keeps_accounts_and_positions(data: Path, exchange: httpx.Client) -> None:
    bob = register(exchange, "bob")
    before = exchange.get("/account", headers=bob).json()
    pids = [
        process["pid"] for process in json.loads(reprise("status", "--json", "--data", str(data)).stdout)["processes"]
    ]
    down = reprise("down", "--data", str(data))
    assert down.returncode == 0, down.stdout + down.stderr
    left = [
        process for process in psutil.process_iter(["cmdline"]) if str(data) in " ".join(process.info["cmdline"] or ())
    ]
    assert not left
    assert not any(psutil.pid_exists(pid) for pid in pids if pid is not None)

    started = time.monotonic()
    up = reprise("up", "--detach", "--feed", "simulated", "--port", str(exchange.base_url.port), "--data", str(data))
    assert up.returncode == 0, up.stdout + up.stderr
    print(f"second start: {time.monotonic() - started:.1f} s")
    assert exchange.get("/account", headers=bob).json() == before
