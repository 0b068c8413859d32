"""What each bench must reach: the one table of it."""

from collections.abc import Mapping
from typing import Final, Literal, NamedTuple

SHARE_MAX: Final = 100.0


class Target(NamedTuple):
    """The least, or the most, that a figure may be."""

    bound: Literal["least", "most"]
    number: float

    def is_met(self, value: float) -> bool:
        """Say whether a figure reaches it."""
        return value >= self.number if self.bound == "least" else value <= self.number

    def share(self, value: float) -> float:
        """Give how much of the target a figure is: 1 or more where it is met, 100 at most."""
        if self.bound == "least":
            return min(SHARE_MAX, value / self.number)
        return self.number / max(value, self.number / SHARE_MAX)


def _least(number: float) -> Target:
    return Target("least", number)


def _most(number: float) -> Target:
    return Target("most", number)


# By bench and figure.
TARGETS: Final[Mapping[str, Mapping[str, Target]]] = {
    "core": {"commands_per_second": _least(200_000), "ratio": _least(3.5)},
    "codec": {"encode_ratio": _least(3), "decode_ratio": _least(3)},
    "engine": {"ratio_to_quix": _least(1.5), "ratio_to_raw": _least(0.5)},
    "latency": {"p50_ms": _most(5), "p99_ms": _most(15)},
    "tick": {"untriggered_ratio": _most(1.2), "liquidated_ms": _most(500)},
    "replay": {"commands_per_second": _least(60_000), "state_only_commands_per_second": _least(150_000)},
    "recovery": {
        "seconds_without_tail": _most(5),
        "tail_commands_per_second": _least(60_000),
        "standby_seconds": _most(1),
    },
    "snapshot": {"longest_pause_ms": _most(5), "bytes_per_position": _most(600)},
    "projector": {"events_per_second": _least(20_000)},
    "order": {
        "cpu_ms": _most(2.5),
        "orders_per_second": _least(600),
        "paced_p50_ms": _most(8),
        "paced_p99_ms": _most(25),
        "ws_orders_per_second": _least(1_500),
        "ws_cpu_ms": _most(1.5),
    },
    "soak": {"p50_ratio": _most(1.2), "memory_ratio": _most(1.1), "disk_ratio": _most(1.1)},
    "web": {
        "first_paint_ms": _most(1_000),
        "first_load_bytes": _most(130_000),
        "longest_task_ms": _most(50),
        "frames_behind_most": _most(1),
    },
}
