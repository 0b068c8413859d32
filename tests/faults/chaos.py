"""Faults at random moments: processes killed or paused, snapshots damaged, all drawn from a seed."""

import random
import signal
import time
from typing import Final, Literal, NamedTuple

from tests.exchange_processes import ExchangeProcesses
from tests.faults.snapshot_damage import (
    DAMAGES,
    Damage,
    DamagedSnapshot,
    compact_now,
    damage_newest_snapshots,
    skipped_snapshots,
)
from tests.processes import eventually

Kind = Literal["kill", "pause", "compact"] | Damage
PAUSES_S: Final = (0.3, 1.5, 4.0, 8.0)  # the last is longer than the group's session
OF_ANY_PART: Final[tuple[Kind, ...]] = ("kill", "kill", "pause")
OF_SNAPSHOTS: Final[tuple[Kind, ...]] = (*DAMAGES, "compact", "kill")
RECOVERED_S: Final = 60.0


class Fault(NamedTuple):
    """One fault, its part, and the pause after the fault before. lasts: of a pause, seconds.

    dice: what decides the rest of it. The engine is killed before its snapshots are spoiled, and after compaction.
    """

    after: float
    target: str
    kind: Kind
    lasts: float
    dice: int


def plan(
    seed: int,
    count: int,
    targets: tuple[str, ...],
    *,
    kinds: tuple[Kind, ...] = OF_ANY_PART,
    pauses_s: tuple[float, ...] = PAUSES_S,
) -> list[Fault]:
    """Give so many faults, the same ones for the same seed; all kinds and all parts come up before one comes again."""
    dice = random.Random(seed)
    order: list[Kind] = []
    drawn: list[str] = []
    while min(len(order), len(drawn)) < count:
        order += dice.sample(kinds, len(kinds))
        drawn += dice.sample(targets, len(targets))
    return [
        Fault(
            after=dice.uniform(0.2, 3.0),
            target=target,
            kind=kind,
            lasts=dice.choice(pauses_s),
            dice=dice.getrandbits(32),
        )
        for kind, target in zip(order[:count], drawn[:count], strict=True)
    ]


def inject(processes: ExchangeProcesses, faults: list[Fault]) -> list[DamagedSnapshot]:
    """Inject them one after the other; a process that died is started again by `restart_what_dies`.

    Gives the damaged snapshots; the engine has skipped each of them.
    """
    damaged: list[DamagedSnapshot] = []
    began = time.monotonic()
    for fault in faults:
        time.sleep(fault.after)
        target = processes.by_name[fault.target]
        lasts = f" for {fault.lasts} s" if fault.kind == "pause" else ""
        print(f"{time.monotonic() - began:.1f} s: {fault.kind} {fault.target}{lasts}")
        match fault.kind:
            case "kill":
                target.send(signal.SIGKILL)
            case "pause":
                if target.send(signal.SIGSTOP):
                    time.sleep(fault.lasts)
                    target.send(signal.SIGCONT)
            case "compact":
                compact_now(processes)
                target.send(signal.SIGKILL)
            case damage:
                target.kill()
                now = damage_newest_snapshots(processes, damage, random.Random(fault.dice))
                damaged += now
                target.start()
                names = {(one.shard, one.manifest) for one in now}
                eventually(lambda: skipped_snapshots(processes), names.issubset, RECOVERED_S)
    return damaged
