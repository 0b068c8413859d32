"""What the engine tells about itself: is it ready, and where is each shard."""

import time
from typing import Any

from reprise.engine.core.prices import condition
from reprise.engine.shell.shard import Shard
from reprise.engine.shell.worker import Worker


def status(worker: Worker) -> dict[str, Any]:
    """Give the whole picture, for `reprise status` and people."""
    return {
        "worker": worker.settings.engine_worker_id,
        "ready": worker.is_ready,
        "shards": [_shard_status(worker.shards[number]) for number in sorted(worker.shards)],
    }


def why_not_ready(worker: Worker) -> str | None:
    """Give the reasons as one sentence, or null when there are none."""
    if not worker.membership.joined:
        return "the group has not assigned any shards yet"
    reasons = [
        f"shard {shard.number} is {shard.phase}" + (f": {shard.error}" if shard.error else "")
        for shard in worker.shards.values()
        if shard.phase != "live"
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
        "percent": _percent(shard),
        "error": shard.error,
        "clock_suspect": ledger is not None and ledger.clock_suspect,
        "feed": None if ledger is None or ledger.feed is None else {"name": ledger.feed.name, "run": ledger.feed.run},
        "prices": {} if ledger is None else _conditions(shard),
    }


def _percent(shard: Shard) -> float:
    """How much of the recovery is done."""
    if shard.phase == "live":
        return 100.0
    todo = shard.recovery_end - shard.start_offset
    return round(100 * (shard.next_offset - shard.start_offset) / todo, 1) if todo > 0 else 0.0


def _conditions(shard: Shard) -> dict[str, str]:
    """What each symbol's price is worth at this moment: log time stands still when nothing is appended."""
    ledger = shard.state
    assert ledger is not None, "asked only of a shard that has a ledger"
    now = max(ledger.time, time.time_ns() // 1_000)
    return {symbol: condition(ledger, symbol, now) for symbol in ledger.markets}
