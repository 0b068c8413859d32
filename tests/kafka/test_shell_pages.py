"""The HTTP pages of a worker, and the settings with which it refuses to start."""

import json
import math
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from bench._workload import accounts_of, opening_day, trading_day
from runtime.kafka import end_offsets
from runtime.settings import Settings
from schemas.topics import COMMANDS
from tests.conftest import SettingsFactory
from tests.kafka.snapshotting import configure
from tests.kafka.workers import Client, EngineProcess, clock, engine, events_when, until_group_is_empty
from tests.processes import eventually, gone_at_the_end

SHARD = 1
OTHER = 2
A_MEGABYTE = 1_000_000
# What is under the topic's limit: the end of a transaction; and what is over it: a snapshot's chunk.
TOO_SMALL = "200"
# The worker's own main, with a core that has a defect at one offset of one shard.
DEFECTIVE = """
from engine.core.step import step
from engine.shell.main import run
from runtime.settings import Settings

def defective(state, command, *, offset, time):
    if (state.shard, offset) == (2, 3):
        raise ZeroDivisionError("planted")
    return step(state, command, offset=offset, time=time)

run(Settings(), defective)
"""
A_MINUTE_BEHIND = """
import time
right = time.time_ns
time.time_ns = lambda: right() - 60 * 10**9
from engine.shell.main import main
from runtime.settings import Settings

main(Settings())
"""
AHEAD = "log time is ahead of this machine's clock"
COMMANDS_TO_REPLAY = 30_000
RECOVERING = re.compile(
    rf"shard {SHARD} is recovering, replaying, ([\d.]+) %, at offset (\d+) of (\d+)(?:, about ([\d.]+) s left)?"
)
WHERE = ("recovery_percent", "recovery_offset", "recovery_seconds_left")


# By name, shard, and the state or result they are of.
Samples = dict[tuple[str, int | None, str | None], float]


def samples(worker: EngineProcess) -> Samples:
    """The numbers of /metrics; none where it does not answer."""
    return {
        (
            sample.name,
            int(sample.labels["shard"]) if "shard" in sample.labels else None,
            sample.labels.get("state") or sample.labels.get("result"),
        ): sample.value
        for family in text_string_to_metric_families(worker.page("/metrics")[1])
        for sample in family.samples
    }


def samples_when(worker: EngineProcess, holds: Callable[[Samples], bool]) -> Samples:
    return eventually(lambda: samples(worker), holds)


def test_the_status_page_of_a_worker_shows_the_state_of_each_shard(
    ledger: Settings, client: Client, output: Path
) -> None:
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
        eventually(lambda: samples(worker), lambda numbers: ("lag_records", SHARD, None) in numbers)


def test_the_metrics_count_commands_events_snapshots_and_frozen_shards(settings: SettingsFactory, output: Path) -> None:
    ledger = settings(engine_worker_id=None, engine_snapshot_interval=200)
    until_group_is_empty(ledger)
    client, accounts = Client(ledger), accounts_of(SHARD, ledger.shards, 1)
    with engine(ledger, output, code=DEFECTIVE) as worker:
        worker.until_live(ledger.shards)
        client.append(SHARD, opening_day(SHARD, accounts, clock))
        client.append(OTHER, opening_day(OTHER, accounts_of(OTHER, ledger.shards, 1), clock))
        numbers = samples_when(worker, lambda numbers: ("snapshot_bytes", SHARD, None) in numbers)
        assert ("snapshot_total", None, "failed") not in numbers
        assert numbers["snapshot_seconds_count", None, None] == numbers["snapshot_total", None, "published"]
        assert numbers["snapshot_bytes", SHARD, None] > 0
        numbers = samples_when(worker, lambda numbers: numbers.get(("lag_records", OTHER, None)) == 2)
        assert numbers["lag_records", SHARD, None] == 0
        assert [numbers["shard_state", SHARD, state] for state in ("live", "frozen")] == [1, 0]
        assert [numbers["shard_state", OTHER, state] for state in ("live", "frozen")] == [0, 1]
        assert [numbers["shard_frozen", shard, None] for shard in (SHARD, OTHER)] == [0, 1]
        assert [numbers["events_total", shard, None] for shard in (SHARD, OTHER)] == [8, 6]
        assert [numbers["commands_total", shard, None] for shard in (SHARD, OTHER)] == [5, 3]
        assert numbers["clock_suspect", SHARD, None] == 0
        assert numbers["command_seconds_count", None, None] > 0
        assert 0 < numbers["answer_seconds_count", None, None] == numbers["commit_seconds_count", None, None] <= 8
        assert numbers["recovery_seconds_count", None, None] == ledger.shards
        assert numbers["process_resident_memory_bytes", None, None] > A_MEGABYTE

        configure(ledger, max_message_bytes=TOO_SMALL)
        client.append(SHARD, trading_day(SHARD, accounts, 5, clock))
        samples_when(worker, lambda numbers: numbers.get(("snapshot_total", None, "failed"), 0) > 0)
        assert worker.shards()[SHARD]["state"] == "live", "a snapshot is a convenience"


def test_a_recovering_worker_shows_its_progress_on_both_pages(ledger: Settings, client: Client, output: Path) -> None:
    accounts = accounts_of(SHARD, ledger.shards, 20)
    client.append(SHARD, opening_day(SHARD, accounts, clock))
    client.append(SHARD, trading_day(SHARD, accounts, COMMANDS_TO_REPLAY, clock))
    end = end_offsets(ledger, COMMANDS)[SHARD]
    assert end > COMMANDS_TO_REPLAY
    said: list[tuple[str, ...]] = []
    shown: list[list[float]] = []
    with engine(ledger, output) as worker:
        while worker.page("/readyz")[0] != 200:
            assert worker.process.poll() is None, worker.log
            said += RECOVERING.findall(worker.page("/readyz")[1])
            numbers = samples(worker)
            if numbers.get(("shard_state", SHARD, "recovering")) == 1:
                shown.append([numbers[name, SHARD, None] for name in WHERE])
        live = eventually(lambda: samples(worker), bool)
        assert [live[name, SHARD, None] for name in WHERE] == [100, end, 0]
    # What was asked while it replayed: more and more of it, always short of the end.
    assert len(set(said)) > 1
    assert {goal for _, _, goal, _ in said} == {str(end)}
    assert sorted(said, key=lambda each: int(each[1])) == said
    assert all(0 < float(percent) < 100 for percent, _, _, left in said if left)
    assert any(float(left) > 0 for _, _, _, left in said if left)
    assert len({offset for _, offset, _ in shown}) > 1
    assert sorted(shown, key=lambda each: each[1]) == shown
    for percent, offset, left in shown:
        assert 0 <= offset <= end
        assert percent == pytest.approx(100 * offset / end, abs=0.1)
        assert left >= 0 or math.isnan(left)
    assert any(left > 0 for _, _, left in shown)


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


def test_a_record_appended_far_ahead_of_the_worker_s_clock_is_named_on_its_pages_and_in_its_log(
    ledger: Settings, client: Client, output: Path
) -> None:
    """The worker's clock is a minute behind the broker's; of what it sees, the broker's has jumped."""
    with gone_at_the_end(EngineProcess(ledger, output, A_MINUTE_BEHIND)) as worker:
        worker.until_live(ledger.shards)
        client.append(SHARD, opening_day(SHARD, accounts_of(SHARD, ledger.shards, 1), clock))
        code, text = eventually(lambda: worker.page("/readyz"), lambda seen: "ahead of this machine" in seen[1])
        assert code == 503
        assert f"shard {SHARD}: log time is" in text
        assert "POST /api/v1/admin/clock" in text
        _, metrics = worker.page("/metrics")
        (seconds,) = re.findall(rf'clock_ahead_seconds{{shard="{SHARD}"}} ([0-9.]+)', metrics)
        assert 50 < float(seconds) < 70
        (line,) = [line for line in worker.logged(AHEAD) if line["shard"] == SHARD]
        assert "POST /api/v1/admin/clock" in line["remedy"]


def test_faust_s_own_pages_are_off(ledger: Settings, output: Path) -> None:
    with engine(ledger, output) as worker:
        worker.until_live(ledger.shards)
        for path in ("/router/", "/table/", "/stats/", "/graph/"):
            assert worker.page(path)[0] == 404, path


def test_a_worker_refuses_to_start_where_the_topics_have_another_number_of_shards(
    ledger: Settings, settings: SettingsFactory, output: Path
) -> None:
    with engine(settings(shards=3), output) as worker:
        assert worker.process.wait(30) != 0
        assert "Set REPRISE_SHARDS=4" in worker.log


def test_logs_are_one_json_line_each_and_do_not_log_single_commands(
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
