"""`reprise up` starts a whole exchange on real servers, and leaves no process when it is stopped."""

import json
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from runtime.python import reprise_command
from stack import supervisor
from stack.instance import InstanceFolder
from stack.ports import free_ports
from tests import processes
from tests.processes import eventually

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
TIMEOUT_S = 180
SERVICES = {"kafka", "postgres", "engine-1", "market-data", "projector", "venue", "replay", "api"}
ONCE = {"backfill"}


@pytest.fixture
def data(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "instance"
    supervisor.stop(InstanceFolder(tmp_path / "instance"), print)


def test_up_detached_is_ready_and_down_leaves_no_process(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    port, pages = free_ports(2)
    monkeypatch.setenv("API_PAGES_PORT", str(pages))
    said = reprise("up", "--detach", "--data", data, "--port", port, "--feed", "simulated")
    assert said.returncode == 0, said.stderr
    assert f"http://127.0.0.1:{port}" in said.stdout
    assert f"curl -s http://127.0.0.1:{port}/api/v1/" in said.stdout
    assert httpx.get(f"http://127.0.0.1:{port}/api/v1/tickers").status_code == 200

    status = status_of(data)
    check_shape(status)
    assert status["ready"]
    assert status["api_pages"] == {"address": f"http://127.0.0.1:{pages}", "served": True}
    assert httpx.get(f"http://127.0.0.1:{pages}/metrics").status_code == 200
    assert {process["name"] for process in status["processes"]} == SERVICES | ONCE
    for process in status["processes"]:
        assert process["state"] in {"RUNNING", "STARTING", "FINISHED" if process["name"] in ONCE else ""}
    assert {state for shard in status["shards"] for state in shard["prices"].values()} == {"fresh"}

    again = reprise("up", "--detach", "--data", data, "--port", port)
    assert again.returncode == 1
    assert "is running already" in again.stderr

    topics = reprise("topics", "--data", data)
    assert topics.stdout.count("unchanged") == 6, topics.stdout
    events = reprise("tail", "events", "--once", "--from", "beginning", "--data", data)
    assert "FeedSelected" in {json.loads(line)["type"] for line in events.stdout.splitlines()}

    other = free_ports(1)[0]
    beside = tmp_path / "beside"
    assert reprise("up", "--detach", "--data", beside, "--port", other, "--feed", "simulated").returncode == 0
    pids = pids_of(status)
    assert reprise("down", "--data", data).returncode == 0
    assert not any(psutil.pid_exists(pid) for pid in pids)
    assert supervisor.orphans(InstanceFolder(data)) == []
    assert httpx.get(f"http://127.0.0.1:{other}/readyz").status_code == 200
    assert reprise("down", "--data", beside).returncode == 0
    assert supervisor.orphans(InstanceFolder(beside)) == []


def test_processes_of_the_api_share_the_port_and_one_that_is_killed_leaves_the_others_answering(data: Path) -> None:
    (port,) = free_ports(1)
    said = reprise("up", "--detach", "--data", data, "--port", port, "--feed", "simulated", "--api-workers", 2)
    assert said.returncode == 0, said.stderr
    status = status_of(data)
    assert status["ready"]
    assert {process["name"] for process in status["processes"]} == SERVICES | ONCE | {"api-2"}
    (second,) = [process for process in status["processes"] if process["name"] == "api-2"]
    assert second["port"] != port
    psutil.Process(second["pid"]).kill()
    eventually(lambda: status_of(data)["ready"], lambda ready: not ready)
    tickers = f"http://127.0.0.1:{port}/api/v1/tickers"
    eventually(lambda: {httpx.get(tickers).status_code for _ in range(20)} == {200}, bool)
    eventually(lambda: status_of(data)["ready"], bool, TIMEOUT_S)


def test_up_refuses_a_recording_that_cannot_be_played_before_anything_is_started(data: Path, tmp_path: Path) -> None:
    file = tmp_path / "btc_usdt.csv"
    file.write_text("1640995200,1,2,1,2\n1640995260,1,1,2,1\n")
    (port,) = free_ports(1)
    refused = reprise("up", "--detach", "--data", data, "--port", port, "--feed", f"recorded:{file}")
    assert refused.returncode == 1
    assert f"{file}, line 2: not a bar: its high 1 is not the highest" in refused.stderr
    assert not (data / "instance.json").exists()
    other = tmp_path / "ethfi_usdt.csv"
    other.write_text("1640995200,1,2,1,2\n")
    refused = reprise("up", "--detach", "--data", data, "--port", port, "--feed", f"recorded:{other}")
    assert "has no quote of BTC_USDC, ETH_USDC, SOL_USDC; it has ETHFI_USDC" in refused.stderr
    assert not (data / "instance.json").exists()


def test_markets_of_a_file_are_defined_by_up_and_the_feed_of_one_of_them_plays(data: Path, tmp_path: Path) -> None:
    (port,) = free_ports(1)
    file, recording = tmp_path / "markets.toml", tmp_path / "doge_usdt.csv"
    entry = '[[instruments]]\nsymbol = "DOGE_USDC"\ntick_exponent = 5\nlot_exponent = 0\nquantity_max = 5000000\n'
    file.write_text(entry + "fees = 1\n")
    options = ("--detach", "--data", data, "--port", port, "--feed", f"recorded:{recording}", "--instruments", file)
    refused = reprise("up", *options)
    assert refused.returncode == 1
    assert f"{file}, instrument 1: fees: is no parameter of an instrument" in refused.stderr
    file.write_text(entry)
    recording.write_text("".join(f"{1_640_995_200 + 60 * minute},0.1,0.11,0.09,0.1\n" for minute in range(1_000)))
    said = reprise("up", *options)
    assert said.returncode == 0, said.stderr
    assert "Instruments are defined in every shard: instruments-2." in said.stdout
    assert set(status_of(data)["feed"]["symbols"]) == {"DOGE_USDC"}
    tickers = httpx.get(f"http://127.0.0.1:{port}/api/v1/tickers").json()["items"]
    assert "DOGE_USDC" in {ticker["symbol"] for ticker in tickers}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_ending_up_in_the_foreground_ends_every_process_of_the_instance(data: Path, number: signal.Signals) -> None:
    (port,) = free_ports(1)
    command = reprise_command("up", "--data", str(data), "--port", str(port))
    with subprocess.Popen([*command, "--feed", "simulated"], stdout=subprocess.PIPE, text=True) as up:
        assert up.stdout is not None
        deadline = time.monotonic() + TIMEOUT_S
        while "Ctrl-C stops it." not in (line := up.stdout.readline()):
            assert line, "it ended before it was ready"
            assert time.monotonic() < deadline
        pids = pids_of(status_of(data))
        up.send_signal(number)
        up.wait(TIMEOUT_S)
    # A killed one could not wait for the others; the manager ends after the last of them.
    patience = TIMEOUT_S if number == signal.SIGKILL else 0
    eventually(lambda: supervisor.orphans(InstanceFolder(data)), lambda left: not left, patience)
    assert not any(psutil.pid_exists(pid) for pid in pids)


def check_shape(status: dict[str, Any]) -> None:
    assert set(status) == {
        "data",
        "running",
        "manager",
        "ready",
        "why",
        "address",
        "api_pages",
        "started_at",
        "disk",
        "unanswered",
        "ports",
        "kafka",
        "database",
        "processes",
        "feed",
        "shards",
        "projector",
    }
    for process in status["processes"]:
        assert set(process) == {"name", "state", "pid", "restarts", "uptime_s", "port", "why"}
    assert [shard["shard"] for shard in status["shards"]] == [0, 1, 2, 3]
    for shard in status["shards"]:
        assert {"worker", "state", "seq", "next_offset", "end_offset", "lag", "prices"} <= set(shard)
    for shard in status["projector"]:
        assert {"shard", "seq", "next_offset", "end_offset", "lag"} <= set(shard)
    assert set(status["ports"]) == SERVICES


def reprise(*arguments: object) -> subprocess.CompletedProcess[str]:
    return processes.reprise(*arguments, timeout=TIMEOUT_S)


def status_of(data: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(reprise("status", "--json", "--data", data).stdout)
    return found


def pids_of(status: dict[str, Any]) -> list[int]:
    return [process["pid"] for process in status["processes"] if process["pid"] is not None]
