"""How what an instance is doing is shown to a person."""

import sys
from typing import Any

GB = 1e9
MB = 1e6
UNITS = (("days", 86_400), ("h", 3_600), ("min", 60), ("s", 1))


def print_status(found: dict[str, Any]) -> None:
    """Print it in lines and columns as wide as what stands in them: nothing is cut, however narrow a terminal is."""
    out = sys.stdout.write
    why = f" ({found['why'].rstrip('.')})" if found.get("why") else ""
    out(f"{found['address']}  {'ready' if found['ready'] else f'not ready{why}'}  ({found['data']})\n")
    pages = found["api_pages"]
    out(f"the API's health and metrics: {pages['address']}{'' if pages['served'] else ' (not served now)'}\n")
    out(f"disk: {_disk(found['disk'])}\n")
    if found.get("core") is not None:
        out(f"the core: {found['core']}\n")
    if found["unanswered"]:
        out(f"no answer in time from: {', '.join(found['unanswered'])}\n")
    keys = ("name", "state", "pid", "port", "restarts")
    rows = [[*(_text(row[key]) for key in keys), _span(row["uptime_s"])] for row in _rows(found["processes"])]
    _print_table(["process", "state", "pid", "port", "restarts", "up"], rows)
    for row in _rows(found["processes"]):
        if row["why"] is not None and row["state"] != "FINISHED":
            out(f"{row['name']} was started again; before that: {row['why']}\n")
    rows = []
    for row in [*_rows(found["shards"]), *_rows(found.get("followed"))]:
        prices = row.get("prices")
        worth = " ".join(f"{symbol}:{state}" for symbol, state in prices.items()) if isinstance(prices, dict) else ""
        shard_keys = ("shard", "process", "state", "seq", "next_offset", "lag", "rules_version")
        rows.append([*(_text(row.get(key)) for key in shard_keys), worth])
    _print_table(["shard", "process", "state", "seq", "next offset", "lag", "rules", "prices"], rows)
    rows = [[_text(row.get(key)) for key in ("shard", "seq", "lag")] for row in _rows(found["projector"])]
    _print_table(["projected shard", "seq", "lag"], rows)
    feed = found["feed"]
    if isinstance(feed, dict) and feed:
        out(f"prices: {feed.get('feed')} feed, run {feed.get('run')}{_end_of(feed)}\n")


def _disk(disk: dict[str, Any]) -> str:
    free = f"{disk['free_bytes'] / GB:.1f} of {disk['total_bytes'] / GB:.1f} GB free"
    growth = disk["log_bytes_a_day"]
    if growth is None:
        return free
    lasts = f", {disk['free_bytes'] / growth:,.0f} days' worth" if growth > 0 else ""
    return f"{free}{lasts}; the log grows by {growth / MB:,.0f} MB a day"


def _span(seconds: object) -> str:
    """Write how long something has lasted in the largest unit of which there are two."""
    if not isinstance(seconds, int):
        return _text(seconds)
    unit, size = next((unit, size) for unit, size in UNITS if seconds >= 2 * size or size == 1)
    return f"{seconds // size} {unit}"


def _end_of(feed: dict[str, Any]) -> str:
    if feed.get("failure") is not None:
        return f": stopped. {feed['failure']}"
    notice = "" if feed.get("notice") is None else f". {feed['notice']}"
    return f": the recording has come to its end{notice}" if feed.get("finished") else ""


def _print_table(heads: list[str], rows: list[list[str]]) -> None:
    widths = [max(len(cell) for cell in column) for column in zip(heads, *rows, strict=True)]
    for row in [heads, *rows]:
        line = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        sys.stdout.write(f"{line.rstrip()}\n")


def _rows(value: object) -> list[dict[str, object]]:
    return [row for row in value if isinstance(row, dict)] if isinstance(value, list) else []


def _text(value: object) -> str:
    return "-" if value is None else str(value)
