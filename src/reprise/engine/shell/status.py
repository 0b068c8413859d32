"""What the engine tells about itself: is it ready, and where is each shard."""

import time
from time import monotonic
from typing import Any, Final

from reprise.engine.core.prices import condition
from reprise.engine.shell.shard import Shard
from reprise.engine.shell.worker import Worker

RECOVERY: Final = ("taking_over", "recovering")


def status(worker: Worker) -> dict[str, Any]:
    """Give the whole picture, for `reprise status` and people."""
    return {
        "worker": worker.settings.engine_worker_id,
        "role": worker.role,
        "ready": worker.is_ready,
        "shards": [_shard_status(worker.shards[number]) for number in sorted(worker.shards)],
    }


def why_not_ready(worker: Worker) -> str | None:
    """Give the reasons as one sentence, or null when there are none."""
    if worker.role == "owner" and not worker.membership.joined:
        return "the group has not assigned any shards yet"
    if worker.role == "standby" and not worker.shards:
        return "it is not known yet which shards are to be followed"
    goal = "live" if worker.role == "owner" else "following"
    reasons = [
        f"shard {shard.number} is {shard.phase}" + (f": {shard.error}" if shard.error else _whereabouts(shard))
        for shard in worker.shards.values()
        if shard.phase != goal
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
        "percent": percent(shard),
        "seconds_left": shard.progress.seconds_left if shard.phase in RECOVERY else None,
        "snapshot": _snapshot(shard),
        "error": shard.error,
        "rules_version": None if ledger is None else ledger.rules_version,
        "clock_suspect": ledger is not None and ledger.clock_suspect,
        "feed": None if ledger is None or ledger.feed is None else {"name": ledger.feed.name, "run": ledger.feed.run},
        "prices": {} if ledger is None else _conditions(shard),
    }


def percent(shard: Shard) -> float:
    """Give how much of the recovery's present part is done; 100 once the shard is live."""
    return 100.0 if shard.phase in ("live", "following") else shard.progress.percent


def _whereabouts(shard: Shard) -> str:
    """Say where a recovery is: `, loading, 40.0 %, about 2.1 s left`."""
    progress = shard.progress
    where = f", {progress.part}" + (f", {progress.percent} %" if progress.part in ("loading", "replaying") else "")
    if progress.part == "replaying":
        where += f", at offset {shard.next_offset} of {shard.recovery_end}"
    left = progress.seconds_left
    return where + (f", about {left} s left" if left is not None else "")


def _snapshot(shard: Shard) -> dict[str, Any] | None:
    """Give the last snapshot that is in the log, as far as this worker knows."""
    last = shard.snapshotted
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
