"""Faults at chosen moments: inside a transaction, on a full disk, on a slow or broken way to the broker."""

import errno
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from stack.ports import free_ports
from tests.exchange_processes import DATABASE, SERVICES, ExchangeProcesses, running_exchange
from tests.faults.invariants import assert_replies_match_the_log, run_audit, wait_until_caught_up
from tests.faults.slow_link import SlowLink
from tests.faults.trading_load import Load
from tests.processes import eventually

pytestmark = pytest.mark.slow

TRADERS = 4
DISK = 400 << 20

# What decides when an engine dies: the seed, and which of its lives this is, else each would end at the same commit.
DICE = """
import os, random
from pathlib import Path

lives = Path("lives")
life = len(lives.read_text()) if lives.exists() else 0
lives.write_text("x" * (life + 1))
dice = random.Random(os.environ["REPRISE_FAULT_SEED"] + " " + str(life))
"""
# An engine that is killed in one of fifty commits: with all its records in the log and none committed, or committed
# and nobody told.
MORTAL = f"""{DICE}
import signal, sys
from engine.shell.outbox import CommitOutbox

commit = CommitOutbox._commit

class Mortal:
    def __init__(self, producer):
        self.producer = producer
    def __getattr__(self, name):
        return getattr(self.producer, name)
    def commit_transaction(self, timeout):
        chance = dice.random()
        if chance < 0.01:
            self.producer.flush(5)
            os.kill(os.getpid(), signal.SIGKILL)
        self.producer.commit_transaction(timeout)
        if chance > 0.99:
            os.kill(os.getpid(), signal.SIGKILL)

def mortally(self, outputs):
    if not isinstance(self._producer, Mortal):
        self._producer = Mortal(self._producer)
    commit(self, outputs)

CommitOutbox._commit = mortally
sys.argv = ["reprise", "run", "engine"]
from cli.main import main
main()
"""


def trade_through(processes: ExchangeProcesses, seed: int, trouble: Callable[[Load], None]) -> None:
    """Start everything, let people trade through the trouble, and judge what is left."""
    processes.start(*SERVICES)
    processes.wait_until_ready()
    eventually(lambda: processes.exchange.ticker("SOL_USDC")["state"], "fresh".__eq__, 30)
    load = Load(processes.exchange, TRADERS, seed)
    processes.restart_what_dies()
    load.start()
    eventually(lambda: load.answered, lambda answered: answered > TRADERS, 60)
    trouble(load)
    processes.wait_until_ready()
    wait_for_replies(load, 2 * TRADERS)
    eventually(lambda: load.reduced, bool, 60)
    answers = load.end()
    wait_until_caught_up(processes)
    run_audit(processes)
    assert_replies_match_the_log(processes, answers)


@pytest.mark.timeout(400)
def test_an_engine_killed_between_write_and_commit_or_just_after_commit_loses_and_doubles_no_event(
    tmp_path: Path, seed: int
) -> None:
    with running_exchange(tmp_path) as processes:

        def dying(_load: Load) -> None:
            processes.stop("engine")
            processes.replace_code("engine", MORTAL)
            mortal = processes.by_name["engine"]
            mortal.start()
            eventually(lambda: mortal.starts, lambda starts: starts > 8, 200)
            mortal.stop()
            processes.replace_code("engine", None)
            processes.start("engine")

        trade_through(processes, seed, dying)


@pytest.mark.timeout(400)
def test_a_full_disk_under_the_database_stops_the_projection_and_loses_no_event(tmp_path: Path, seed: int) -> None:
    with (
        small_disk(tmp_path / "disk") as disk,
        running_exchange(tmp_path, postgres_data=disk / "postgres") as processes,
    ):

        def full(_load: Load) -> None:
            filler = disk / "filler"
            fill(filler)
            eventually(
                lambda: "No space left" in processes.by_name[DATABASE].log + processes.by_name["projector"].log,
                bool,
                120,
                pause_s=0.5,
            )
            filler.unlink()

        trade_through(processes, seed, full)


@pytest.mark.timeout(400)
def test_a_slow_and_then_broken_connection_to_the_broker_loses_and_doubles_no_event(tmp_path: Path, seed: int) -> None:
    way = free_ports(2)
    link = SlowLink(*way)

    def slow(load: Load) -> None:
        for delay in (0.02, 0.1, 0.4):
            link.delay_s = delay
            wait_for_replies(load, 2)
        link.delay_s = 0
        for _ in range(5):
            link.cut()
            wait_for_replies(load, 1)

    try:
        with running_exchange(tmp_path, broker_ports=(way[0], way[1])) as processes:
            trade_through(processes, seed, slow)
    finally:
        link.close()


def fill(filler: Path) -> None:
    """Write until the disk is full, also while others write."""
    with filler.open("wb", buffering=0) as file:
        for size in (1 << 20, 1 << 12):
            try:
                while file.write(bytes(size)) == size:
                    continue
            except OSError as error:
                if error.errno != errno.ENOSPC:
                    raise


def wait_for_replies(load: Load, count: int) -> None:
    """Wait until people have learned what became of some more commands."""
    before = load.answered
    eventually(lambda: load.answered, lambda answered: answered >= before + count, 90)


@contextmanager
def small_disk(place: Path) -> Iterator[Path]:
    """A disk that is soon full; root alone may mount one."""
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={DISK},mode=755", "tmpfs", str(place)], capture_output=True, check=False
    )
    if mounted.returncode != 0:
        pytest.skip("a small disk can be mounted by root only")
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)
