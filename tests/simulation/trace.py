"""The trace of one run, for the reader who has to understand it."""

from collections import Counter
from collections.abc import Callable
from typing import Any, Final

SHOWN_MAX: Final = 400


class Trace:
    """Lines with their virtual time and whose they are; and how often what the simulation is for came up."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.counts: Counter[str] = Counter()
        self._clock = clock
        self._lines: list[tuple[float, str, str, dict[str, Any]]] = []

    def add(self, who: str, what: str, **facts: Any) -> None:
        """Note something."""
        self._lines.append((self._clock(), who, what, facts))
        self.counts[what] += 1

    def text(self) -> str:
        """Give the lines, the last ones where there are many."""
        lines = [
            f"{time:8.3f}  {who:10} {what}{''.join(f'  {name}={value}' for name, value in facts.items())}"
            for time, who, what, facts in self._lines[-SHOWN_MAX:]
        ]
        left_out = len(self._lines) - len(lines)
        return "\n".join([f"          ({left_out} earlier lines)"] * (left_out > 0) + lines)
