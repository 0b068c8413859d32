"""When a start is done: the API answers, and every price the feed has sent may be traded on."""

import time
from collections.abc import Callable
from typing import Final

from runtime.errors import FixableError
from stack import supervisor
from stack.instance import Instance, InstanceFolder
from stack.programs import BACKFILL
from stack.status import read_page, sent_prices, shards_of

# No change of any service's status for so long is an error: where one does not stay up, and where all run. A slow
# machine needs more than a minute until they have imported what they consist of, and until then they say nothing.
STALLED_S: Final = 60.0
SILENT_S: Final = 300.0
PRICES_TIMEOUT_S: Final = 15.0
PAUSE_S: Final = 0.1
REPORT_EVERY_S: Final = 5.0
OK: Final = 200


def wait_for_api(folder: InstanceFolder, instance: Instance, report: Callable[[str], None]) -> None:
    """Return when the API is ready. A long replay is reported; no progress for too long is an error."""
    last_seen: object = None
    changed_at = reported_at = time.monotonic()
    while True:
        readiness = read_page(instance.api_port, "/readyz")
        if readiness is not None and readiness[0] == OK:
            return
        now = time.monotonic()
        states = {process.name: process.state for process in supervisor.processes(folder) if process.name != BACKFILL}
        if not states:
            raise FixableError("The instance was stopped while it was starting.")
        shards = [(shard["shard"], shard["state"], shard.get("percent")) for shard in shards_of(instance)]
        # One that is started again and again changes its state without coming nearer.
        seen = ({name for name, state in states.items() if state == "RUNNING"}, shards)
        if seen != last_seen:
            last_seen, changed_at = seen, now
        all_run = set(states.values()) == {"RUNNING"}
        if now - changed_at > (SILENT_S if all_run else STALLED_S):
            raise FixableError(_stalled_message(folder, states, readiness))
        if now - reported_at > REPORT_EVERY_S:
            reported_at = now
            report(_progress_message(folder, states, shards))
        time.sleep(PAUSE_S)


def wait_for_prices(instance: Instance) -> str | None:
    """Return when every symbol the feed has sent is fresh in every shard, or after 15 s a line about those not."""
    deadline = time.monotonic() + PRICES_TIMEOUT_S
    while True:
        sent, finished, failure = sent_prices(instance)
        shards = shards_of(instance)
        missing = {
            f"{symbol} ({shard['prices'].get(symbol, 'none')} in shard {shard['shard']})"
            for shard in shards
            for symbol in sent
            if shard["prices"].get(symbol) != "fresh"
        }
        if sent and not missing and len(shards) == instance.shards:
            return None
        if finished or time.monotonic() > deadline:
            break
        time.sleep(PAUSE_S)
    if failure is not None:
        return f"The feed has stopped, and orders are refused until another runs: {failure}"
    if finished:
        return (
            "The recording has come to its end: its prices are stale, and orders are refused until another feed runs."
        )
    if not sent:
        return "The feed has sent no price yet; until it does, orders are refused with NO_PRICE."
    return f"Not fresh yet: {', '.join(sorted(missing))}; orders on these are refused until they are."


def _stalled_message(
    folder: InstanceFolder, states: dict[str, str], readiness: tuple[int, dict[str, object]] | None
) -> str:
    down = sorted(name for name, state in states.items() if state != "RUNNING")
    if down:
        why = f"{', '.join(down)} does not stay up; {folder.command(f'logs {down[0]}')} says why."
    else:
        says = "it does not answer" if readiness is None else f"it says {readiness[1]}"
        why = f"The API is not ready for {SILENT_S:.0f} s: {says}. {folder.command('status')} says more."
    return f"{why} What was started goes on, and may become ready yet; {folder.command('down')} ends it."


def _progress_message(folder: InstanceFolder, states: dict[str, str], shards: list[tuple[int, str, object]]) -> str:
    down = sorted(name for name, state in states.items() if state not in {"RUNNING", "STARTING"})
    if down:
        again = f"{', '.join(down)}, which stopped and is started again"
        return f"Waiting for {again}; {folder.command(f'logs {down[0]}')} says why"
    behind = [f"{number} at {percent} %" for number, state, percent in shards if state != "live"]
    return f"The engine takes up its shards: {', '.join(behind)}" if behind else "Waiting for the services to answer"
