"""Faults at random moments: parts killed, stopped in their tracks and woken, snapshots spoiled, as a seed says."""

import random
import signal
import time
from typing import Final, Literal, NamedTuple

from tests.faults.spoiling import WAYS, Spoiled, Way, compact_at_once, passed_over, spoil_newest
from tests.machine import Machine
from tests.processes import eventually

Kind = Literal["kill", "pause", "compact"] | Way
PAUSES_S: Final = (0.3, 1.5, 4.0, 8.0)  # the last is longer than the group's session
OF_ANY_PART: Final[tuple[Kind, ...]] = ("kill", "kill", "pause")
OF_SNAPSHOTS: Final[tuple[Kind, ...]] = (*WAYS, "compact", "kill")
RECOVERED_S: Final = 60.0


class Fault(NamedTuple):
    """What happens to whom, and how long after the fault before. lasts: of a pause, seconds.

    dice: what decides the rest of it. The engine is killed before its snapshots are spoiled, and after compaction.
    """

    after: float
    part: str
    kind: Kind
    lasts: float
    dice: int


def plan(
    seed: int,
    count: int,
    parts: tuple[str, ...],
    *,
    kinds: tuple[Kind, ...] = OF_ANY_PART,
    pauses_s: tuple[float, ...] = PAUSES_S,
) -> list[Fault]:
    """Give so many faults, the same ones for the same seed; all kinds and all parts come up before one comes again."""
    dice = random.Random(seed)
    order: list[Kind] = []
    victims: list[str] = []
    while min(len(order), len(victims)) < count:
        order += dice.sample(kinds, len(kinds))
        victims += dice.sample(parts, len(parts))
    return [
        Fault(
            after=dice.uniform(0.2, 3.0),
            part=part,
            kind=kind,
            lasts=dice.choice(pauses_s),
            dice=dice.getrandbits(32),
        )
        for kind, part in zip(order[:count], victims[:count], strict=True)
    ]


def strike(machine: Machine, faults: list[Fault]) -> list[Spoiled]:
    """Apply the faults one after the other; the machine's watchman restarts processes that died.

    Gives the snapshots that were spoiled; the engine has passed over each of them.
    """
    spoiled: list[Spoiled] = []
    began = time.monotonic()
    for fault in faults:
        time.sleep(fault.after)
        part = machine.parts[fault.part]
        lasts = f" for {fault.lasts} s" if fault.kind == "pause" else ""
        print(f"{time.monotonic() - began:.1f} s: {fault.kind} {fault.part}{lasts}")
        match fault.kind:
            case "kill":
                part.send(signal.SIGKILL)
            case "pause":
                if part.send(signal.SIGSTOP):
                    time.sleep(fault.lasts)
                    part.send(signal.SIGCONT)
            case "compact":
                compact_at_once(machine)
                part.send(signal.SIGKILL)
            case way:
                part.kill()
                now = spoil_newest(machine, way, random.Random(fault.dice))
                spoiled += now
                part.start()
                names = {(one.shard, one.manifest) for one in now}
                eventually(lambda: passed_over(machine), names.issubset, RECOVERED_S)
    return spoiled
