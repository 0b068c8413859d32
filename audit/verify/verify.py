"""Whether everything agrees: files, commands, events, chain, laws, snapshots, shards, tables, acts and the journal.

Longer than 300 lines because the verdict stands beside what makes it.
"""

import time
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final, Literal, NamedTuple

import msgspec

from audit.digits import iso
from audit.log.differences import Difference
from audit.log.log_reader import LogReader, LogUnreadable
from audit.verify.acts import told
from audit.verify.broadcasts import compare_broadcasts
from audit.verify.journal import JournalEnd, JournalReport, compare_journal
from audit.verify.judges import Judges, Task, cores
from audit.verify.pending import PendingCommands, pending_from, pending_too_long, pending_unreadable, tables_behind
from audit.verify.progress import PlannedTask, ProgressListener
from audit.verify.reports import JudgeReport, LedgerPoint
from audit.verify.ring import RingReport, SoundSnapshot, compare_with_points
from audit.verify.since import TrustedEnd
from audit.verify.versions import versions
from schemas.units import SECOND

From = Literal["genesis", "snapshot"]
QUESTIONS_MAX: Final = 4  # that are asked of a shard at once
WORTH_A_PROCESS: Final = 30_000  # events; fewer are judged before a process has started


class VerifyRequest(NamedTuple):
    """What is to be verified. database_url: null where the tables are not compared.

    now: the time (µs) to which a live log was read; of a copy null, whose last command says what time it was.
    allow_pending: commands may be pending for however long. since: where an earlier verdict ended, shard by shard,
    journal_since: where the journal ended for it, and earlier: what is to be said of that one.
    """

    shards: tuple[int, ...]
    start: From = "genesis"
    state_only: bool = False
    database_url: str | None = None
    processes: int = 0
    now: int | None = None
    allow_pending: bool = False
    since: Mapping[int, TrustedEnd] = MappingProxyType({})
    journal_since: JournalEnd | None = None
    earlier: Sequence[str] = ()


class ShardVerdict(msgspec.Struct):
    """What was compared of a shard. started_at: the first event looked at. Digests: of the end, null without one.

    pending_seconds: how long the oldest command without events has been pending; null where there is none.
    tables_at: the event up to which PostgreSQL was filled, and so compared. next_offset, ended_at: the command
    after the last one that was looked at, and that one's log time.
    """

    shard: int
    agrees: bool
    started_at: int
    commands: int
    events: int
    pending_commands: int
    pending_seconds: float | None
    snapshots: int
    superseded_snapshots: int
    rows: int | None
    tables_at: int | None
    seq: int | None
    chain_digest: str | None
    ledger_digest: str | None
    seconds: dict[str, float]
    commands_per_second: int | None
    next_offset: int | None = None
    ended_at: str | None = None


class Verdict(msgspec.Struct):
    """agrees: nothing differs in what was compared; database and commands say what was not.

    tables_not_compared: what else the database holds, of which the ledger's events say nothing.
    under_way: a sentence for each broadcast that reached some shards just now and others not yet. scope: what was
    verified, in sentences; versions: of what verified it. acts: how much of what administrators do was compared, in
    sentences; journal: where the journal of it ends.
    """

    agrees: bool
    log: str
    start: From
    commands: Literal["executed", "not executed"]
    database: Literal["compared", "not compared"]
    tables_not_compared: list[str]
    shards: list[ShardVerdict]
    differences: list[Difference]
    under_way: list[str]
    seconds: float
    made_at: str = ""
    scope: list[str] = []
    versions: dict[str, str] = {}
    acts: list[str] = []
    journal: JournalEnd | None = None


def verify(log: LogReader, request: VerifyRequest, listener: ProgressListener | None = None) -> Verdict:
    """Run every judge on every shard, then compare their reports."""
    began = time.perf_counter()
    listener = listener or ProgressListener()
    with Judges(_processes(log, request), QUESTIONS_MAX * len(request.shards)) as judges:
        files = judges.ask([Task("files", log, shard) for shard in request.shards], lambda _: None)
        rings = judges.ask([Task("snapshots", log, shard) for shard in request.shards], lambda _: None)
        found = {ring.shard: ring for ring in rings if isinstance(ring, RingReport)}
        tasks = tasks_of(log, request, found)
        listener.begin(_plan_of(log, tasks, found))
        answers = judges.ask(tasks, listener.advance, listener.end)
    reports = [answer for answer in (*files, *answers) if isinstance(answer, JudgeReport)]
    now = max((request.now or 0, *(report.end.time for report in reports if report.end is not None)))
    shards, differences = [], []
    for shard in request.shards:
        own = [report for report in reports if report.shard == shard]
        pending, late = _pending_commands(log, shard, own, request, now)
        late += _tables_behind(own, now)
        its = _compare_shard(found[shard], own, late)
        differences += its
        verdict = _shard_verdict(found[shard], own, request, agrees=not its)
        if pending is not None:
            verdict.pending_commands, verdict.pending_seconds = pending.commands, pending.seconds(now)
        shards.append(verdict)
    journal = JournalReport()
    if request.database_url is not None:
        journal = compare_journal(request.database_url, request.journal_since)
    differences += journal.differences
    missed, under_way = compare_broadcasts([report for report in reports if report.judge == "fold"])
    differences += missed
    return Verdict(
        agrees=not differences,
        log=log.name,
        start=request.start,
        commands="not executed" if request.state_only else "executed",
        database="not compared" if request.database_url is None else "compared",
        tables_not_compared=sorted({name for report in reports for name in report.not_compared}),
        shards=shards,
        differences=differences,
        under_way=under_way,
        seconds=round(time.perf_counter() - began, 3),
        made_at=iso(int(time.time() * SECOND)),
        scope=_scope(log, request, found),
        versions=versions(),
        acts=[*told(report.acts for report in reports), *journal.told()],
        journal=journal.end,
    )


def _scope(log: LogReader, request: VerifyRequest, rings: dict[int, RingReport]) -> list[str]:
    """Say from where on the log was verified, and which shards of it."""
    sentences = list(request.earlier)
    if not request.since and request.start == "genesis":
        sentences.append("Every command and event was verified, from the first one on.")
    elif not request.since:
        firsts = {shard: _first_snapshot(log, request, rings[shard]) for shard in request.shards}
        places = ", ".join(
            f"shard {shard} from {'its first command' if first is None else f'command {first.manifest.next_offset}'}"
            for shard, first in firsts.items()
        )
        sentences.append(f"Verified from the newest snapshot on, whose ledger is believed: {places}.")
    if request.state_only:
        sentences.append("No command was executed; only the events by themselves were looked at.")
    if len(request.shards) < log.shards:
        shards = ", ".join(map(str, request.shards))
        sentences.append(f"Of {log.shards} shards only {shards} was looked at.")
    return sentences


def _processes(log: LogReader, request: VerifyRequest) -> int:
    """Give how many processes are worth their start."""
    if request.processes:
        return request.processes
    records = sum(log.extent(shard).events for shard in request.shards)
    return 1 if records < WORTH_A_PROCESS else cores()


def tasks_of(log: LogReader, request: VerifyRequest, rings: dict[int, RingReport]) -> list[Task]:
    """Give the questions that take long, those about one shard side by side."""
    tasks = []
    for shard in request.shards:
        first, since = _first_snapshot(log, request, rings[shard]), request.since.get(shard)
        start = None if first is None else first.offset
        points = frozenset(snapshot.manifest.seq for snapshot in rings[shard].snapshots)
        if not request.state_only:
            tasks.append(Task("events", log, shard, start, points, since=since))
        tasks.append(Task("fold", log, shard, start, points, since=since))
        if request.database_url is not None:
            tasks.append(Task("tables", log, shard, database_url=request.database_url))
            tasks.append(Task("acts", log, shard, database_url=request.database_url))
    return tasks


def _plan_of(log: LogReader, tasks: Sequence[Task], rings: dict[int, RingReport]) -> list[PlannedTask]:
    """Say how much each question will read: commands from its snapshot on, events from the log's beginning."""
    plan = []
    for task in tasks:
        extent = log.extent(task.shard)
        if task.question == "events":
            snapshot = next(
                (snapshot for snapshot in rings[task.shard].snapshots if snapshot.offset == task.start), None
            )
            first = 0 if snapshot is None else snapshot.manifest.next_offset
            first = first if task.since is None else task.since.next_offset
            plan.append(PlannedTask(task.shard, task.question, extent.commands - first))
        else:
            plan.append(PlannedTask(task.shard, task.question, extent.events))
    return plan


def _pending_commands(
    log: LogReader, shard: int, reports: Sequence[JudgeReport], request: VerifyRequest, now: int
) -> tuple[PendingCommands | None, list[Difference]]:
    """Look at the commands behind the last event, where everything up to it could be read."""
    ends = [report.end for report in reports if report.judge in {"events", "fold"}]
    if not ends or ends[-1] is None or None in ends:
        return None, []
    try:
        pending = pending_from(log, shard, ends[-1].next_offset)
    except LogUnreadable as error:
        return None, pending_unreadable(shard, error)
    return pending, [] if pending is None or request.allow_pending else pending_too_long(shard, pending, now)


def _tables_behind(reports: Sequence[JudgeReport], now: int) -> list[Difference]:
    """Look at how far the tables are, where they and the events could be read."""
    by_judge = {report.judge: report for report in reports}
    tables, fold = by_judge.get("tables"), by_judge["fold"]
    return [] if tables is None or fold.end is None else tables_behind(tables, fold.end.seq, now)


def _first_snapshot(log: LogReader, request: VerifyRequest, ring: RingReport) -> SoundSnapshot | None:
    """Give the newest good snapshot to begin with; none from genesis."""
    end = log.extent(ring.shard).commands
    good = [snapshot for snapshot in ring.snapshots if snapshot.manifest.next_offset <= end]
    return max(good, key=lambda snapshot: snapshot.manifest.seq) if good and request.start == "snapshot" else None


def _compare_shard(ring: RingReport, reports: Sequence[JudgeReport], late: list[Difference]) -> list[Difference]:
    """Gather what the judges found, and compare the ledgers they came to."""
    differences = [difference for report in reports for difference in report.differences] + ring.differences + late
    ledgers = [report for report in reports if report.judge in {"events", "fold"}]
    folded = next((report for report in ledgers if report.judge == "fold"), None)
    last = None if folded is None or folded.end is None else folded.end.seq
    differences += compare_with_points(ring, ledgers, last)
    ends = [report.end for report in ledgers if report.end is not None]
    if len(ends) > 1:
        differences += _compare_ends(ring.shard, *ends)
    return _first_of_each(differences)


def _compare_ends(shard: int, executed: LedgerPoint, folded: LedgerPoint) -> list[Difference]:
    """Law 9: executing the commands and folding the events lead to one ledger."""
    for field in LedgerPoint.__struct_fields__:
        one, other = getattr(executed, field), getattr(folded, field)
        if one != other:
            one, other = (value.hex() if isinstance(value, bytes) else str(value) for value in (one, other))
            what = "law 9: executing the commands and folding the events lead to two ledgers"
            return [
                Difference(
                    judge="laws", shard=shard, what=what, seq=executed.seq, field=field, expected=one, found=other
                )
            ]
    return []


def _first_of_each(differences: list[Difference]) -> list[Difference]:
    """Put what is nearest to the cause first: the files, then the earliest event."""
    order = ("files", "since", "events", "chain", "fold", "waiting", "laws", "snapshots", "tables", "acts")

    def place(difference: Difference) -> tuple[int, int]:
        by_event = difference.judge not in {"tables", "acts"}  # Theirs are by table.
        return order.index(difference.judge), difference.seq or 0 if by_event else 0

    return sorted(differences, key=place)


def _shard_verdict(
    ring: RingReport, reports: Sequence[JudgeReport], request: VerifyRequest, *, agrees: bool
) -> ShardVerdict:
    by_judge = {report.judge: report for report in reports}
    fold, execution, tables = by_judge["fold"], by_judge.get("events"), by_judge.get("tables")
    end = fold.end
    slowest = execution or fold
    commands = slowest.commands
    return ShardVerdict(
        shard=ring.shard,
        agrees=agrees,
        started_at=0 if end is None else end.seq - fold.events + 1,
        commands=commands,
        events=fold.events,
        pending_commands=0,
        pending_seconds=None,
        snapshots=len(ring.snapshots),
        superseded_snapshots=ring.superseded,
        rows=None if tables is None or request.database_url is None else tables.rows,
        tables_at=None if tables is None or request.database_url is None else tables.reached,
        seq=None if end is None else end.seq,
        chain_digest=None if end is None else end.chain.hex(),
        ledger_digest=None if end is None else end.ledger.hex(),
        seconds={"snapshots": round(ring.seconds, 3)}
        | {judge: round(report.seconds, 3) for judge, report in by_judge.items()},
        commands_per_second=round(commands / slowest.seconds) if slowest.seconds else None,
        next_offset=None if end is None else end.next_offset,
        ended_at=None if end is None else iso(end.time),
    )
