"""When a start is done: the API answers, and every price the feed has sent may be traded on."""

import time
from collections.abc import Callable
from typing import Final

from runtime.errors import FixableError
from stack import supervisor
from stack.control import NoAnswer
from stack.instance import Instance, InstanceFolder
from stack.patience import Patience, work_of
from stack.programs import BACKFILL, KAFKA, POSTGRES
from stack.start import require_own_servers
from stack.status import ports_of, read_page, sent_prices, shards_of
from stack.supervisor import Process

# No progress for so long is an error: where one does not stay up, and where all run. A slow machine needs more than a
# minute until they have imported what they consist of.
STALLED_S: Final = 60.0
SILENT_S: Final = 300.0
PRICES_TIMEOUT_S: Final = 15.0
PAUSE_S: Final = 0.1
REPORT_EVERY_S: Final = 5.0
OK: Final = 200


def wait_for_api(folder: InstanceFolder, instance: Instance, report: Callable[[str], None]) -> None:
    """Return when our own API is ready. A long replay is reported; no progress for too long is an error."""
    patience = Patience(SILENT_S)
    reported: set[object] = set()
    reported_at = time.monotonic()
    while True:
        readiness = read_page(instance.api_port, "/readyz")
        if readiness is not None and readiness[0] == OK:
            require_own_servers(folder, instance)
            return
        try:
            found = [process for process in supervisor.processes(folder) if process.name != BACKFILL]
        except NoAnswer:
            # It may be stopped for a while, as a machine is that sleeps; the exchange starts without it.
            if patience.is_over():
                raise
            time.sleep(PAUSE_S)
            continue
        if not found:
            raise FixableError("The instance was stopped while it was starting.")
        shards = [(shard["shard"], shard["state"], shard.get("percent")) for shard in shards_of(instance)]
        # One that is started again and again changes its state, and works, without coming nearer.
        arrived = {process.name for process in found if process.state == "RUNNING" and process.restarts == 0}
        seen = (arrived, shards, _work_before_first_answer(folder, instance, found))
        all_run = all(process.state == "RUNNING" for process in found)
        if patience.is_over(seen, None if all_run else STALLED_S):
            raise FixableError(_stalled_message(folder, found, readiness))
        if time.monotonic() - reported_at > REPORT_EVERY_S:
            reported_at = time.monotonic()
            failing, line = _progress_message(found, shards)
            # What fails in the same way is said once, though the words may have a number in them.
            if (failing or line) not in reported:
                reported.add(failing or line)
                report(line)
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
    if not missing:
        return "An engine's page does not answer, so whether prices are fresh in its shards is not known yet."
    return f"Not fresh yet: {', '.join(sorted(missing))}; orders on these are refused until they are."


def unsteady(folder: InstanceFolder) -> list[str]:
    """A line for each program that does not stay up, though the exchange is ready without it."""
    try:
        found = supervisor.processes(folder)
    except NoAnswer as silent:
        return [str(silent)]
    return [
        f"{process.name} does not stay up ({process.why}); {folder.command(f'logs {process.name}')} says more."
        for process in found
        if process.restarts and process.state in {"BACKOFF", "STARTING"}
    ]


def _work_before_first_answer(folder: InstanceFolder, instance: Instance, found: list[Process]) -> list[object]:
    """What the services have done that run for the first time and have not answered yet: they import, or replay."""
    ports = ports_of(instance)
    return [
        work_of(process.pid, folder.log_of(process.name))
        for process in found
        if process.restarts == 0
        and process.name not in {KAFKA, POSTGRES}
        and (port := ports.get(process.name)) is not None
        and read_page(port, "/healthz") is None
    ]


def _stalled_message(
    folder: InstanceFolder, found: list[Process], readiness: tuple[int, dict[str, object]] | None
) -> str:
    down = [process for process in found if process.state != "RUNNING"]
    if down:
        return f"{_named_with_why(down)}. {folder.command(f'logs {down[0].name}')} says more."
    says = "it does not answer" if readiness is None else f"it says {readiness[1]}"
    return f"The API is not ready, and nothing got on for {SILENT_S:.0f} s: {says}. {folder.command('logs')} says more."


def _named_with_why(down: list[Process]) -> str:
    return "; ".join(f"{one.name} does not stay up ({one.why or 'it has not started'})" for one in down)


def _progress_message(found: list[Process], shards: list[tuple[int, str, object]]) -> tuple[frozenset[str], str]:
    """The programs that fail, if any, and what to say."""
    again = [process for process in found if process.state not in {"RUNNING", "STARTING"}]
    if again:
        why = "; ".join(f"{one.name} ({one.why or 'it has not started'})" for one in again)
        return frozenset(one.name for one in again), f"Waiting for what stopped, and is started again: {why}"
    behind = [f"{number} at {percent} %" for number, state, percent in shards if state != "live"]
    line = f"The engine takes up its shards: {', '.join(behind)}" if behind else "Waiting for the services to answer"
    return frozenset(), line
