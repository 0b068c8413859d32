"""What a worker shows over HTTP, and when it refuses to start."""

import json
from pathlib import Path

from conftest import SettingsFactory
from kafka.workers import Client, clock, engine, events_when
from processes import eventually
from reprise.bench._workload import accounts_of, opening_day
from reprise.runtime.settings import Settings

SHARD = 1
# The names and fields other services and operators rely on.
METRICS = (
    "command_seconds_bucket",
    "answer_seconds_bucket",
    "commit_seconds_bucket",
    "recovery_seconds_bucket",
    "recovery_percent",
    "snapshot_total",
    "snapshot_seconds_bucket",
    "snapshot_bytes",
    "commands_total",
    "events_total",
    "lag_records",
    "shard_state",
    "shard_frozen",
    "clock_suspect",
    "process_resident_memory_bytes",
)


def test_a_worker_shows_where_each_shard_is(ledger: Settings, client: Client, output: Path) -> None:
    with engine(ledger, output) as worker:
        worker.until_live(ledger.shards)
        client.append(SHARD, opening_day(SHARD, accounts_of(SHARD, ledger.shards, 1), clock))
        events_when(ledger, SHARD, 8)
        status = worker.status()
        assert (status["worker"], status["role"], status["ready"]) == (None, "owner", True)
        assert status["shards"][SHARD] == {
            "shard": SHARD,
            "state": "live",
            "seq": 8,
            "next_offset": 5,
            "end_offset": 5,
            "lag": 0,
            "watermark": 0,
            "part": None,
            "percent": 100.0,
            "seconds_left": None,
            "snapshot": None,
            "error": None,
            "clock_suspect": False,
            "rules_version": 1,
            "feed": {"name": "simulated", "run": "bench"},
            "prices": {"BTC_USDC": "fresh", "ETH_USDC": "fresh", "SOL_USDC": "fresh"},
        }
        assert worker.page("/healthz")[0] == 200
        assert worker.page("/readyz")[0] == 200
        code, text = worker.page("/metrics")
        assert code == 200
        for name in METRICS:
            assert name in text
        assert 'events_total{shard="1"} 8.0' in text
        assert 'shard_state{shard="1",state="live"} 1.0' in text


def test_a_sender_whose_clock_is_three_seconds_off_raises_an_alarm(
    ledger: Settings, client: Client, output: Path
) -> None:
    with engine(ledger, output) as worker:
        worker.until_live(ledger.shards)
        client.append(SHARD, opening_day(SHARD, accounts_of(SHARD, ledger.shards, 1), lambda: clock() - 3_000_000))
        worker.until(lambda shards: shards[SHARD]["clock_suspect"], "the clock is suspect")
        alarm = f'clock_suspect{{shard="{SHARD}"}} 1.0'
        eventually(lambda: worker.page("/metrics")[1], lambda text: alarm in text)
        assert [line["shard"] for line in worker.logged("clock suspect")] == [SHARD]


def test_faust_s_own_pages_are_off(ledger: Settings, output: Path) -> None:
    with engine(ledger, output) as worker:
        worker.until_live(ledger.shards)
        for path in ("/router/", "/table/", "/stats/", "/graph/"):
            assert worker.page(path)[0] == 404, path


def test_a_worker_that_finds_another_number_of_shards_refuses_to_start(
    ledger: Settings, settings: SettingsFactory, output: Path
) -> None:
    with engine(settings(shards=3), output) as worker:
        assert worker.process.wait(30) != 0
        assert "Set REPRISE_SHARDS=4" in worker.log


def test_a_worker_whose_port_is_taken_ends(ledger: Settings, tmp_path: Path) -> None:
    with engine(ledger, tmp_path / "first.log") as first:
        first.until_live(ledger.shards)
        with engine(ledger, tmp_path / "second.log") as second:
            assert second.process.wait(30) != 0
        assert first.page("/readyz")[0] == 200


def test_logs_are_one_json_line_each_and_say_nothing_of_single_commands(
    ledger: Settings, client: Client, output: Path
) -> None:
    with engine(ledger, output) as worker:
        worker.until_live(ledger.shards)
        before = len(worker.log.splitlines())
        client.append(SHARD, opening_day(SHARD, accounts_of(SHARD, ledger.shards, 50), clock))
        events_when(ledger, SHARD, 57)
        lines = worker.log.splitlines()
    assert len(lines) == before
    for line in lines:
        assert json.loads(line)["service"] == "engine"
