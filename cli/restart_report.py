"""What `up` in the foreground tells of an instance that runs: what is started again, and a silent process manager."""

import time
from typing import TYPE_CHECKING

from cli.context import report

if TYPE_CHECKING:
    from stack.instance import InstanceFolder

TOLD_S = 60.0  # within which the same is not said again


def report_restarts(place: "InstanceFolder") -> None:
    """Tell of processes that were started again, the same reason once a minute, until the instance is stopped."""
    from stack import supervisor  # noqa: PLC0415
    from stack.control import NoAnswer  # noqa: PLC0415

    is_silent = False
    restarts: dict[str, int] = {}
    told: dict[tuple[str, str | None], float] = {}
    while True:
        try:
            found = supervisor.processes(place)
        except NoAnswer as silent:
            if not is_silent:
                report(str(silent))
            is_silent = True
            time.sleep(1)
            continue
        is_silent = False
        if not found:
            report("Stopped.")
            return
        for process in found:
            again = process.restarts > restarts.get(process.name, 0)
            if again and time.monotonic() - told.get((process.name, process.why), -TOLD_S) >= TOLD_S:
                told[process.name, process.why] = time.monotonic()
                more = place.command(f"logs {process.name}")
                report(f"{process.name} was started again ({process.restarts}): {process.why}; {more} says more")
            restarts[process.name] = process.restarts
        time.sleep(1)
