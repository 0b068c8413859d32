"""What a verdict looks like as a page: one file, readable without a network, and without a script."""

from collections.abc import Iterable, Sequence
from html import escape
from typing import Final

from audit.verify.verdict_file import BEGIN, END, verdict_json
from audit.verify.verify import Verdict

STYLE: Final = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 72rem; margin: 2rem auto; padding: 0 1rem; color: #1a1a1a; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.1rem; margin-top: 2rem; }
.verdict { padding: .7rem 1rem; border-left: .5rem solid; font-size: 1.1rem; font-weight: 600; }
.agrees { border-color: #1b7f3b; background: #e9f6ed; } .differs { border-color: #b3261e; background: #fbeae9; }
table { border-collapse: collapse; width: 100%; font-size: .85rem; }
th, td { border: 1px solid #ccc; padding: .3rem .5rem; text-align: left; vertical-align: top; }
th { background: #f3f3f3; } td { overflow-wrap: anywhere; } .number { text-align: right; white-space: nowrap; }
code, pre { font: 12px/1.4 ui-monospace, monospace; } pre { white-space: pre-wrap; overflow-wrap: anywhere; }
@media print { details { display: none; } body { margin: 0; } }
"""


def verdict_page(verdict: Verdict) -> bytes:
    """Write the page; the verdict as JSON is in it too, so that the next verification can go on from it."""
    count = len(verdict.differences)
    sentence = (
        "All that was compared agrees."
        if verdict.agrees
        else f"{count} difference{'s' * (count > 1)}: the log, the events or the tables are not what they should be."
    )
    parts = [
        "<!doctype html>",
        f'<html lang="en"><head><meta charset="utf-8"><title>Audit of {escape(verdict.log)}</title>',
        f"<style>{STYLE}</style></head><body>",
        "<h1>Audit of a Reprise ledger</h1>",
        f'<p class="verdict {"agrees" if verdict.agrees else "differs"}">{sentence}</p>',
        _facts(verdict),
        "<h2>What was verified</h2>",
        _list(verdict.scope),
        "<h2>Shards</h2>",
        _shards(verdict),
        "<h2>Digests at the end</h2>",
        _table(
            ("shard", "event", "next command", "log time", "digest of the chain of events", "digest of the ledger"),
            [
                (each.shard, each.seq, each.next_offset, each.ended_at, each.chain_digest, each.ledger_digest)
                for each in verdict.shards
            ],
        ),
        "<h2>Differences</h2>",
        _list(difference.sentence() for difference in verdict.differences) if count else "<p>None.</p>",
    ]
    if verdict.under_way:
        parts += ["<h2>Under way</h2>", _list(verdict.under_way)]
    if verdict.acts:
        parts += ["<h2>Administrators and sign-ins</h2>", _list(verdict.acts)]
    parts += [
        "<h2>Not compared</h2>",
        _list(verdict.tables_not_compared) if verdict.tables_not_compared else "<p>Nothing that was looked at.</p>",
        "<details><summary>The verdict as JSON, for <code>reprise audit verify --since</code></summary>",
        f"{BEGIN}{escape(verdict_json(verdict).decode(), quote=False)}{END}</details>",
        "</body></html>\n",
    ]
    return "\n".join(parts).encode()


def _facts(verdict: Verdict) -> str:
    rows: list[tuple[object, ...]] = [("Log", verdict.log), ("Made at", verdict.made_at)]
    rows += [("Took", f"{verdict.seconds} s"), ("PostgreSQL", verdict.database), ("Commands", verdict.commands)]
    rows += [(f"Version of {name}", version) for name, version in verdict.versions.items()]
    return _table(("", ""), rows)


def _shards(verdict: Verdict) -> str:
    names = (
        "shard",
        "verdict",
        "commands",
        "events",
        "from event",
        "waiting",
        "snapshots",
        "rows",
        "tables at",
        "took",
    )
    return _table(
        names,
        [
            (
                each.shard,
                "agrees" if each.agrees else "DIFFERS",
                each.commands,
                each.events,
                each.started_at,
                each.pending_commands,
                each.snapshots,
                each.rows,
                each.tables_at,
                f"{max(each.seconds.values(), default=0)} s",
            )
            for each in verdict.shards
        ],
    )


def _table(names: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    head = "".join(f"<th>{escape(name)}</th>" for name in names) if any(names) else ""
    body = "".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in rows)
    return f"<table>{f'<tr>{head}</tr>' if head else ''}{body}</table>"


def _cell(value: object) -> str:
    if isinstance(value, int):
        return f'<td class="number">{value:,}</td>'
    return f"<td>{'-' if value is None else escape(str(value))}</td>"


def _list(sentences: Iterable[str]) -> str:
    return f"<ul>{''.join(f'<li>{escape(sentence)}</li>' for sentence in sentences)}</ul>"
