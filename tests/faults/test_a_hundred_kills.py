"""An engine killed any number of times writes the log of an engine that was never killed."""

import random
import signal
import subprocess
import time
from pathlib import Path

import pytest

from runtime.python import reprise_command
from runtime.settings import Settings
from schemas.topics import EVENTS
from tests.conftest import SettingsFactory
from tests.exchange_processes import SERVICES, ExchangeProcesses, running_exchange
from tests.faults.invariants import assert_replies_match_the_log, run_audit, wait_until_caught_up
from tests.faults.trading_load import Load
from tests.processes import ServiceProcess, environment_of, eventually, gone_at_the_end
from tests.system.exchange import read_all, shards_are_done, status

# Whom the one kill meets, and whom a hundred do: forty commands a second, as an account may send 600 in ten minutes.
FEW = (6, 0.15)
MANY = (20, 0.5)
# So many learn what became of a command before the next kill: none hits an idle engine.
ANSWERS_A_KILL = 10


@pytest.mark.timeout(1_800)
@pytest.mark.parametrize("kills", [1, pytest.param(100, marks=pytest.mark.slow)])
def test_the_log_after_kills_at_random_moments_is_byte_for_byte_the_log_of_an_undisturbed_run(
    tmp_path: Path, settings: SettingsFactory, kills: int, seed: int
) -> None:
    dice = random.Random(seed)
    copy = settings(engine_worker_id="worker-1")
    folder = tmp_path / "processes"
    folder.mkdir()
    # Snapshots every second: most recoveries begin with one, and some kills hit one in the making.
    with running_exchange(folder, engine_snapshot_interval=1_000) as processes:
        processes.start(*SERVICES)
        processes.wait_until_ready()
        eventually(lambda: processes.exchange.ticker("SOL_USDC")["state"], "fresh".__eq__, 30)
        traders, pause_s = FEW if kills == 1 else MANY
        load = Load(processes.exchange, traders, seed, pause_s)
        processes.restart_what_dies()
        load.start()
        eventually(lambda: load.answered, bool, 30)
        for number in range(kills):
            until_executing(processes, number)
            answered = load.answered
            eventually(lambda: load.answered, lambda now: now >= answered + ANSWERS_A_KILL, 60)  # noqa: B023
            time.sleep(dice.uniform(0, 1))
            processes.by_name["engine"].send(signal.SIGKILL)
        eventually(lambda: load.reduced, lambda reduced: reduced > 1, 60)
        answers = load.end()
        wait_until_caught_up(processes)
        assert processes.by_name["engine"].starts >= kills
        run_audit(processes)
        assert_replies_match_the_log(processes, answers)
        disturbed = [read_all(processes.settings, EVENTS, shard) for shard in range(processes.settings.shards)]
        log("export", folder / "export", processes.settings)
    log("import", folder / "export", copy)
    with gone_at_the_end(ServiceProcess("engine", copy, tmp_path / "engine.log")):
        eventually(lambda: shards_are_done(copy, [copy.engine_port]), bool, 120, pause_s=0.5)
    for shard, events in enumerate(disturbed):
        undisturbed = read_all(copy, EVENTS, shard)
        assert [record.value for record in undisturbed] == [record.value for record in events], f"shard {shard}"


def until_executing(processes: ExchangeProcesses, number: int) -> None:
    """Wait until the engine that was started after so many kills executes what comes in."""
    engine = processes.by_name["engine"]
    eventually(
        lambda: (engine.starts, [shard["state"] for shard in status(processes.settings.engine_port).get("shards", [])]),
        lambda seen: seen[0] > number and seen[1] == ["live"] * processes.settings.shards,
        60,
    )


def log(what: str, folder: Path, ledger: Settings) -> None:
    """Run `reprise log export` or `reprise log import`."""
    result = subprocess.run(
        reprise_command("log", what, str(folder)),
        env=environment_of(ledger) | {"PATH": ""},
        cwd=folder.parent,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr
