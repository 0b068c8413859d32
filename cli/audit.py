"""Commands that believe nothing: audit verify, at, explain, export, diff."""

import sys
from collections.abc import Sequence
from pathlib import Path
from time import time
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from cli.context import (
    KAFKA_ONLY,
    AsJson,
    Data,
    console,
    data_folder,
    load_settings,
    print_json,
    reachable_settings,
    report,
)
from runtime.errors import FixableError
from runtime.times import micros_of
from schemas.units import SECOND

if TYPE_CHECKING:  # What the commands call is imported by the one that is called.
    from audit.log.log_reader import LogReader

DIFFERS = 1
LIVE = "live"

LogFolder = Annotated[
    Path | None, typer.Option("--log", metavar="DIR", help="An exported log, in place of the live one.")
]
Shard = Annotated[int | None, typer.Option(min=0, help="Only this shard.")]
From = Annotated[Literal["genesis", "snapshot"], typer.Option("--from", help="Where replay begins.")]
StateOnly = Annotated[bool, typer.Option("--state-only", help="Fold the events; execute no command.")]
NoDatabase = Annotated[bool, typer.Option("--no-database", help="Do not compare PostgreSQL.")]
AllowPending = Annotated[
    bool, typer.Option("--allow-pending", help="Commands may wait for the engine, however long they have.")
]
Since = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Only what is new since this verdict, of --json, --verdict or --report."),
]
Report = Annotated[Path | None, typer.Option("--report", metavar="FILE", help="Write the verdict as a page, too.")]
VerdictFile = Annotated[Path | None, typer.Option("--verdict", metavar="FILE", help="Write the verdict as JSON, too.")]
Processes = Annotated[int, typer.Option(min=0, help="Processes at once; 0 is one a core.")]
When = Annotated[str, typer.Argument(metavar="TIME|OFFSET", help="A time like 2026-01-31T12:00:00Z, or an offset.")]
Accounts = Annotated[list[str] | None, typer.Option("--account", help="Only this account; repeatable.")]
Account = Annotated[str | None, typer.Option(help="Only this account.")]
Name = Annotated[str, typer.Argument(metavar="POSITION|EVENT", help="A position or an event; either looks like 0-12.")]
IsEvent = Annotated[bool, typer.Option("--event", help="The name is an event's, where there is a position of it too.")]
What = Annotated[Literal["statements", "events", "ledger"], typer.Argument(help="What to write.")]
Form = Annotated[Literal["csv", "json", "parquet"], typer.Option("--format", help="How to write it.")]
Out = Annotated[Path, typer.Option(metavar="FILE", help="File to make; it must not exist.")]
One = Annotated[str, typer.Argument(metavar="A", help="An exported log, or `live`.")]
Other = Annotated[str, typer.Argument(metavar="B", help="An exported log, or `live`.")]


def add_to(app: typer.Typer) -> None:
    audit = typer.Typer(help="Proofs that the books are what the log says.", no_args_is_help=True)
    for command in (verify, at, explain, export, diff):
        audit.command()(command)
    app.add_typer(audit, name="audit")


def verify(
    log: LogFolder = None,
    start: From = "genesis",
    shard: Shard = None,
    state_only: StateOnly = False,
    no_database: NoDatabase = False,
    allow_pending: AllowPending = False,
    since: Since = None,
    page: Report = None,
    kept: VerdictFile = None,
    processes: Processes = 0,
    as_json: AsJson = False,
    data: Data = None,
) -> None:
    """Execute every command again and compare everything there is. Exit 0: all agrees; 1: what differs is named."""
    from rich.console import Console  # noqa: PLC0415

    from audit.verify import verdict_file  # noqa: PLC0415
    from audit.verify import verify as judging  # noqa: PLC0415
    from audit.verify.verdict_page import verdict_page  # noqa: PLC0415
    from cli.audit_report import print_verdict, progress_on  # noqa: PLC0415

    for path in (page, kept):
        if path is not None:
            verdict_file.require_writable(path)
    source = _open(log, data)
    shards = _shards(source, shard)
    earlier = None if since is None else verdict_file.read_earlier(since, shards)
    if earlier is not None and start != "genesis":
        raise FixableError("--since and --from both say where to begin; leave one out.")
    request = judging.VerifyRequest(
        shards=shards,
        start=start,
        state_only=state_only,
        database_url=None if no_database else _database_of(log, data),
        processes=processes,
        now=int(time() * SECOND) if log is None else None,
        allow_pending=allow_pending,
        since={} if earlier is None else earlier.ends,
        journal_since=None if earlier is None else earlier.journal,
        earlier=() if earlier is None else earlier.scope,
    )
    with progress_on(Console(stderr=True)) as listener:
        verdict = judging.verify(source, request, listener)
    if page is not None:
        verdict_file.write_whole(page, verdict_page(verdict))
    if kept is not None:
        verdict_file.write_whole(kept, verdict_file.verdict_json(verdict))
    if log is None and shard is None and not state_only:
        _keep(verdict_file.verdict_json(verdict), data)
    if as_json:
        print_json(verdict)
    else:
        print_verdict(console(), verdict)
    if not verdict.agrees:
        raise typer.Exit(DIFFERS)


def at(
    when: When,
    shard: Shard = None,
    accounts: Accounts = None,
    log: LogFolder = None,
    as_json: AsJson = False,
    data: Data = None,
) -> None:
    """Show the ledger as it was after the last command up to a time, or after the command at an offset."""
    from audit.explain.ledger_at import Moment, describe, ledger_up_to, require_accounts  # noqa: PLC0415
    from cli.audit_report import log_end, print_ledger  # noqa: PLC0415
    from schemas.sharding import shard_of  # noqa: PLC0415

    source = _open(log, data)
    chosen = frozenset(accounts) if accounts else None
    shards = _shards(source, shard, accounts or ())
    if when.isdecimal() and len(shards) > 1:
        raise FixableError("An offset is one of a shard: name it by --shard, or an --account.")
    moment = Moment(int(when), None) if when.isdecimal() else Moment(None, _time_of(when))
    ledgers = []
    for number in shards:
        state, is_log_end = ledger_up_to(source, number, moment)
        own = frozenset(name for name in chosen or () if shard_of(name, source.shards) == number)
        require_accounts(state, own, when)
        ledgers.append(describe(state, chosen) | {"is_log_end": is_log_end})
        if is_log_end:
            sys.stderr.write(f"{log_end(state, source.extent(number).commands)}\n")
    if as_json:
        print_json(ledgers)
    else:
        for ledger in ledgers:
            print_ledger(console(), ledger)


def explain(
    name: Name, event: IsEvent = False, log: LogFolder = None, as_json: AsJson = False, data: Data = None
) -> None:
    """Say why a position was closed, or what an event was: the tick, the rule, and every sum written out."""
    from audit.explain.explain import explain_name  # noqa: PLC0415

    explanation, is_ambiguous = explain_name(_open(log, data), name, is_event=event)
    if is_ambiguous:
        sys.stderr.write(f"{name} is explained as a position; --event explains the event of that name.\n")
    if as_json:
        print_json(explanation)
        return
    for line in explanation.lines:
        report(f"{line.rule or '':<9} {line.text}")


def export(
    what: What,
    out: Out,
    form: Form = "csv",
    account: Account = None,
    shard: Shard = None,
    log: LogFolder = None,
    data: Data = None,
) -> None:
    """Write account statements, events, or the double entry to a file; numbers are exact digits, never floats."""
    from audit.export.files import write_file  # noqa: PLC0415
    from audit.export.statements import COLUMNS, rows_of  # noqa: PLC0415

    source = _open(log, data)
    shards = _shards(source, shard, () if account is None else (account,))
    count = write_file(out, COLUMNS[what], rows_of(source, what, shards, account), form)
    report(f"{count:,} rows in {out}.")


def diff(one: One, other: Other, shard: Shard = None, as_json: AsJson = False, data: Data = None) -> None:
    """Name the first difference of two logs. Exit 0: there is none."""
    from audit.log.compare_logs import compare  # noqa: PLC0415

    first, second = (_open(None if name == LIVE else Path(name), data) for name in (one, other))
    live = {one: first, other: second}.get(LIVE) if one != other else None
    result = compare(first, second, shard, live=live)
    if as_json:
        print_json(result)
    else:
        for difference in result.differences:
            report(difference.sentence())
        same = f"{result.commands:,} commands and {result.events:,} events are the same"
        report(f"{same}: the logs agree." if result.agrees else f"Before that, {same}.")
        if result.goes_on:
            report("The live log goes on after that.")
    if not result.agrees:
        raise typer.Exit(DIFFERS)


def _keep(verdict: bytes, data: Path | None) -> None:
    """Keep the last verdict of an instance's whole log in its folder, where the replay shows it."""
    from audit.replay.last_verdict import kept_verdict  # noqa: PLC0415
    from stack.instance import write_private  # noqa: PLC0415

    path = kept_verdict(data_folder(data))
    if not path.parent.is_dir():
        return  # It is no instance of this machine; --verdict names a file.
    try:
        write_private(path, verdict)
    except OSError as error:
        sys.stderr.write(f"The verdict is not kept in {path}: {error.strerror}.\n")


def _open(folder: Path | None, data: Path | None) -> "LogReader":
    """Open an exported log, or the live one."""
    if folder is not None:
        from audit.log.folder import FolderLog  # noqa: PLC0415

        return FolderLog(folder)
    from audit.log.cluster import open_cluster  # noqa: PLC0415

    return open_cluster(reachable_settings(data, KAFKA_ONLY))


def _database_of(folder: Path | None, data: Path | None) -> str | None:
    """Name the database to compare: of an exported log only one that was named by hand."""
    if folder is None:
        return reachable_settings(data, only_reads=True).database_url
    settings = load_settings(data)
    return settings.database_url if "database_url" in settings.model_fields_set else None


def _shards(log: "LogReader", shard: int | None, accounts: Sequence[str] = ()) -> tuple[int, ...]:
    """Give the shards to look at: the one that is named, those of the accounts that are, or all."""
    from audit.log.log_reader import require_shard  # noqa: PLC0415
    from schemas.sharding import shard_of  # noqa: PLC0415

    homes = {account: shard_of(account, log.shards) for account in accounts}
    for account, home in homes.items():
        if shard not in {None, home}:
            raise FixableError(f"Account {account} is one of shard {home}, not of shard {shard}.")
    if shard is None and not accounts:
        return log.held
    chosen = tuple(sorted(set(homes.values()))) if shard is None else (shard,)
    for number in chosen:
        require_shard(log, number)
    return chosen


def _time_of(text: str) -> int:
    """Read a time as µs UTC; one without a zone is UTC."""
    try:
        return micros_of(text)
    except ValueError:
        raise FixableError(f"{text} is neither an offset nor a time like 2026-01-31T12:00:00Z.") from None
