"""Kills of every process of an instance, frozen servers, and a full disk: in an order that a seed decides."""

import errno
import os
import random
import signal
import threading
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from typing import Final

import psutil

from stack import supervisor
from stack.instance import InstanceFolder
from tests.processes import eventually

MANAGER: Final = "the process manager"
# Programs of `up --standby`; the back-fill runs once, and has ended.
PROGRAMS: Final = (
    *("kafka", "postgres", "projector", "engine-1", "engine-1-standby", "reports"),
    *("market-data", "venue", "replay", "api"),
)
FROZEN: Final = ("kafka", "postgres")
FREEZE_EVERY: Final = 4  # kills
FREEZES_S: Final = (2.0, 4.0, 8.0)
PAUSES_S: Final = (0.5, 5.0)
UP_AGAIN_S: Final = 180.0
KILLS_OF_FULL_DISK: Final = 3
PIECE: Final = bytes(1_000_000)


class Disturbances:
    """What is done to an instance. start_again: `up`, as an operator types it after the manager was killed.

    decided: how many commands of clients are; so many more come between the kills as `load` says.
    """

    def __init__(
        self, folder: InstanceFolder, seed: int, start_again: Callable[[], None], decided: Callable[[], int], load: int
    ) -> None:
        self.kills: Counter[str] = Counter()
        self.freezes: Counter[str] = Counter()
        self._folder = folder
        self._dice = random.Random(seed)
        self._start_again = start_again
        self._decided = decided
        self._load = load
        self._deck: list[str] = []
        self._timers: list[threading.Timer] = []
        self._filler = folder.data.parent / "filler"
        self._pause = threading.Event()

    def disturb(self, kills: int) -> None:
        """Kill so many times; freeze a server now and then, and fill the disk half way."""
        filled_at = kills // 2
        for number in range(kills):
            self._pause.wait(self._dice.uniform(*PAUSES_S))
            if number == filled_at:
                self._fill()
            is_full = filled_at <= number < filled_at + KILLS_OF_FULL_DISK
            if number % FREEZE_EVERY == 1:
                self._freeze(FROZEN[number // FREEZE_EVERY % 2], self._dice.choice(FREEZES_S))
            self._kill(number, may_end_manager=not is_full)
            if number == filled_at + KILLS_OF_FULL_DISK - 1:
                self._free()
            if not is_full and number % 2:
                self._until_traded()

    def calm(self) -> None:
        """Let everything go on."""
        self._free()
        for timer in self._timers:
            timer.join()

    def _kill(self, number: int, *, may_end_manager: bool) -> None:
        name, pid = eventually(
            lambda: self._drawn(may_end_manager=may_end_manager), lambda drawn: drawn[1] > 0, UP_AGAIN_S
        )
        self._deck.remove(name)
        print(f"kill {number + 1}: {name}")
        os.kill(pid, signal.SIGKILL)
        self.kills[name] += 1
        if name == MANAGER:
            eventually(lambda: supervisor.is_running(self._folder), lambda runs: not runs)
            self._start_again()

    def _drawn(self, *, may_end_manager: bool) -> tuple[str, int]:
        """Give the next of the deck that runs, and its pid; 0 where none of it does."""
        if not self._deck:
            self._deck = self._dice.sample((*PROGRAMS, MANAGER), len(PROGRAMS) + 1)
        pids = self._pids()
        for name in self._deck:
            if name in pids and (may_end_manager or name != MANAGER):
                return name, pids[name]
        if not may_end_manager and self._deck == [MANAGER]:
            self._deck += self._dice.sample(PROGRAMS, len(PROGRAMS))
        return "", 0

    def _pids(self) -> dict[str, int]:
        pids = {one.name: one.pid for one in supervisor.processes(self._folder) if one.state == "RUNNING" and one.pid}
        manager = supervisor.pid_of(self._folder)
        return pids if manager is None else pids | {MANAGER: manager}

    def _freeze(self, name: str, lasts: float) -> None:
        """Stop a server and its children, and let them go on after a while."""
        pid = self._pids().get(name)
        if pid is None:
            return
        frozen: list[psutil.Process] = []
        with suppress(psutil.NoSuchProcess):  # Killed meanwhile.
            server = psutil.Process(pid)
            server.suspend()
            frozen.append(server)
            for child in server.children(recursive=True):
                child.suspend()
                frozen.append(child)
        timer = threading.Timer(lasts, go_on, [frozen])
        timer.start()
        self._timers.append(timer)
        self.freezes[name] += 1
        print(f"freeze {name} for {lasts} s")

    def _fill(self) -> None:
        before = {one.name: one.pid for one in supervisor.processes(self._folder)}
        print("fill the disk")
        with self._filler.open("wb", buffering=0) as file:
            while written(file.fileno()):
                pass
        # The broker or the database ends at its next write.
        eventually(
            lambda: {one.name: one.pid for one in supervisor.processes(self._folder)},
            lambda now: any(now.get(name) != before[name] for name in FROZEN),
            UP_AGAIN_S,
        )

    def _free(self) -> None:
        if self._filler.exists():
            print("free the disk")
            self._filler.unlink()

    def _until_traded(self) -> None:
        before = self._decided()
        eventually(self._decided, lambda now: now >= before + self._load, UP_AGAIN_S, pause_s=0.2)


def go_on(frozen: list[psutil.Process]) -> None:
    """Let processes go on; those that were killed meanwhile need it no more."""
    for process in frozen:
        with suppress(psutil.NoSuchProcess):
            process.resume()


def written(file: int) -> int:
    """Write as much of a piece as there is room for; 0 where there is none."""
    try:
        return os.write(file, PIECE)
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        return 0
