"""Faults at random moments: parts killed, or stopped in their tracks and woken, as a seed says."""

import random
import signal
import time
from typing import Final, Literal, NamedTuple

from machine import Machine

Kind = Literal["kill", "pause"]
PAUSES_S: Final = (0.3, 1.5, 4.0, 8.0)  # the last is longer than the group's session


class Fault(NamedTuple):
    """What happens to whom, and how long after the fault before. lasts: of a pause, seconds."""

    after: float
    part: str
    kind: Kind
    lasts: float


def plan(seed: int, count: int, parts: tuple[str, ...], *, pauses: bool = True) -> list[Fault]:
    """Give so many faults; the same ones for the same seed."""
    dice = random.Random(seed)
    return [
        Fault(
            after=dice.uniform(0.2, 3.0),
            part=dice.choice(parts),
            kind=dice.choice(("kill", "kill", "pause")) if pauses else "kill",
            lasts=dice.choice(PAUSES_S),
        )
        for _ in range(count)
    ]


def strike(machine: Machine, faults: list[Fault]) -> None:
    """Let them happen, one after the other; whoever died is started again by the machine's watchman."""
    for fault in faults:
        time.sleep(fault.after)
        part = machine.parts[fault.part]
        print(f"{fault.kind} {fault.part} {f'for {fault.lasts} s' if fault.kind == 'pause' else ''}")
        if fault.kind == "kill":
            part.send(signal.SIGKILL)
        elif part.send(signal.SIGSTOP):
            time.sleep(fault.lasts)
            part.send(signal.SIGCONT)
