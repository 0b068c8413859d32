"""What the engine tells about itself: is it ready, and where is each shard."""

import math
import time
from time import monotonic
from typing import Any, Final

from engine.core.prices import condition
from engine.shell.clock_watch import ahead_of_own_clock, sentence
from engine.shell.shard import Shard
from engine.shell.worker import EngineWorker
from schemas.compiled import running

RECOVERY: Final = ("taking_over", "recovering")


def status(worker: EngineWorker) -> dict[str, Any]:
    """Give the whole picture, for `reprise status` and people."""
    return {
        "worker": worker.settings.engine_worker_id,
        "role": worker.role,
        "core": running(),
        "ready": worker.is_ready,
        "shards": [_shard_status(worker.shards[number]) for number in sorted(worker.shards)],
    }


def show_recovery(worker: EngineWorker) -> None:
    """Bring the metrics to where each shard is now; nothing here waits for a broker."""
    for shard in worker.shards.values():
        is_done = shard.phase in ("live", "following")
        left = 0.0 if is_done else shard.progress.seconds_left if shard.phase in RECOVERY else None
        metrics, number = worker.metrics, shard.number
        metrics.recovery_percent.labels(number).set(_percent(shard))
        metrics.recovery_offset.labels(number).set(shard.next_offset if is_done else shard.progress.offset)
        metrics.recovery_seconds_left.labels(number).set(math.nan if left is None else left)


def why_not_ready(worker: EngineWorker) -> str | None:
    """Give the reasons as one sentence, or null when there are none."""
    if worker.role == "owner" and not worker.knows_its_shards:
        return "the shards that the group assigns are not under way yet"
    if worker.role == "standby" and not worker.shards:
        return "it is not known yet which shards are to be followed"
    goal = "live" if worker.role == "owner" else "following"
    reasons = [
        f"shard {shard.number} is {shard.phase}" + (f": {shard.error}" if shard.error else _whereabouts(shard))
        for shard in worker.shards.values()
        if shard.phase != goal
    ]
    reasons += [
        sentence(shard, ahead) for shard in worker.shards.values() if (ahead := ahead_of_own_clock(shard)) is not None
    ]
    return "; ".join(reasons) or None


def _shard_status(shard: Shard) -> dict[str, Any]:
    ledger = shard.state
    end = max(shard.end_offset, shard.next_offset)
    return {
        "shard": shard.number,
        "state": shard.phase,
        "seq": shard.seq,
        "next_offset": shard.next_offset,
        "end_offset": end,
        "lag": end - shard.next_offset,
        "watermark": shard.watermark.seq,
        "part": shard.progress.part if shard.phase in RECOVERY else None,
        "percent": _percent(shard),
        "seconds_left": shard.progress.seconds_left if shard.phase in RECOVERY else None,
        "snapshot": _snapshot(shard),
        "error": shard.error,
        "rules_version": None if ledger is None else ledger.rules_version,
        "clock_suspect": ledger is not None and ledger.clock_suspect,
        "feed": None if ledger is None or ledger.feed is None else {"name": ledger.feed.name, "run": ledger.feed.run},
        "prices": {} if ledger is None else _conditions(shard),
    }


def _percent(shard: Shard) -> float:
    """Give how much of the recovery's present part is done; 100 once the shard is live."""
    return 100.0 if shard.phase in ("live", "following") else shard.progress.percent


def _whereabouts(shard: Shard) -> str:
    """Say where a recovery is: `, replaying, 40.0 %, at offset 400 of 1000, about 2.1 s left`."""
    progress = shard.progress
    where = f", {progress.part}" + (f", {progress.percent} %" if progress.part in ("loading", "replaying") else "")
    if progress.goal is not None:
        where += f", at offset {progress.offset} of {progress.goal}"
    left = progress.seconds_left
    return where + (f", about {left} s left" if left is not None else "")


def _snapshot(shard: Shard) -> dict[str, Any] | None:
    """Give the last snapshot that is in the log, as far as this worker knows."""
    last = shard.last_snapshot
    if last.number is None:
        return None
    return {
        "number": last.number,
        "seq": last.seq,
        "next_offset": last.next_offset,
        "seconds_ago": round(monotonic() - last.at, 1),
    }


def _conditions(shard: Shard) -> dict[str, str]:
    """What each symbol's price is worth at this moment: log time stands still when nothing is appended."""
    ledger = shard.state
    assert ledger is not None, "asked only of a shard that has a ledger"
    now = max(ledger.time, time.time_ns() // 1_000)
    return {symbol: condition(ledger, symbol, now) for symbol in ledger.markets}
