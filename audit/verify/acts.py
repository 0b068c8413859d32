"""Whether what administrators had carried out is in the log, and what the log carried out was asked for by somebody."""

import time
from collections.abc import Iterable
from typing import Final

from audit.log.differences import Difference, as_text
from audit.log.log_reader import LogReader
from audit.verify.act_outcomes import MONEY, ActOutcomes, MoneyOutcome, said_by_log
from audit.verify.database import database_as_of_now, has_journal
from audit.verify.reports import Advance, JudgeReport
from audit.verify.stored_acts import BroadcastRow, StoredActs, TransferRow, said_by_row, stored_acts
from schemas.event_groups import BroadcastEvent
from schemas.events import CommandRejected, Deposited
from schemas.ids import broadcast_id, event_id
from schemas.journal import requested_as, transfer_command_id

JUDGE: Final = "acts"
DEMO: Final = "demo"
# What is counted and told; nothing of it is a difference.
CARRIED_OUT, REFUSED, REJECTED = "carried out", "refused by the log", "rejected"
PENDING, APPROVED = "pending", "approved and not carried out yet"
SAID: Final = "broadcasts"
BY_USERS: Final = "deposits of users of a demo"
OLDER: Final = "older than the journal"
_COUNTED: Final = {"done": CARRIED_OUT, "refused": REFUSED, "rejected": REJECTED, "pending": PENDING}


def compare_acts(log: LogReader, shard: int, database_url: str, advance: Advance) -> JudgeReport:
    """Compare a shard's deposits, withdrawals and broadcasts with the rows of who asked for them.

    The log is read first: what it carried out was stored before. What the tables know of later is then read on to.
    """
    report = JudgeReport(JUDGE, shard)
    began = time.perf_counter()
    log = log.renewed()
    outcomes, later = ActOutcomes(), ActOutcomes()
    for batch in log.events(shard, 0):
        outcomes.take(batch)
        report.events += len(batch)
        advance(len(batch))
    with database_as_of_now(database_url) as db:
        stored = stored_acts(db, shard, log.shards) if has_journal(db) else None
    if stored is not None:
        for batch in log.renewed().events(shard, log.extent(shard).events):
            later.take(batch)
        _Comparison(shard, outcomes, later, stored, report).run()
    report.seconds = time.perf_counter() - began
    return report


class _Comparison:
    """One shard's outcomes beside the rows; later: outcomes that came after the log was read."""

    def __init__(
        self, shard: int, outcomes: ActOutcomes, later: ActOutcomes, stored: StoredActs, report: JudgeReport
    ) -> None:
        self._shard = shard
        self._outcomes = outcomes
        self._later = later
        self._stored = stored
        self._report = report

    def run(self) -> None:
        for row in self._stored.transfers.values():
            self._compare_transfer(row)
        for command_id, event in self._outcomes.money.items():
            if command_id not in self._stored.transfers:
                self._judge_without_row(command_id, event)
        for broadcast in self._stored.broadcasts.values():
            self._compare_broadcast(broadcast)
        for name, said in self._outcomes.broadcasts.items():
            if name in self._stored.broadcasts:
                self._count(SAID)
            elif self._is_older(said.time):
                self._count(OLDER)
            else:
                self._differs(f"broadcast {name}: nobody asked for what the log carried out", said, "a row", "no row")

    def _compare_transfer(self, row: TransferRow) -> None:
        event = self._outcomes.money.get(row.command_id) or self._later.money.get(row.command_id)
        is_late = row.command_id not in self._outcomes.money
        expected_id = transfer_command_id(row.account_id, requested_as(row.transfer_id, row.journal_hash))
        name = f"transfer {row.transfer_id}"
        if row.command_id != expected_id:
            what = f"{name}: the command's id is not made of what was asked for and by whom"
            self._differs(what, event, expected_id, row.command_id, "command_id")
        self._compare_people(name, row, event)
        self._count(_COUNTED.get(row.status, APPROVED))
        if row.status in {"done", "refused"}:
            self._compare_outcome(name, row, event)
            return
        if row.status != "approved" and event is not None and not is_late:
            self._differs(f"{name}: the log decided what is {row.status}", event, "no command", "a command", "status")
        elif row.status != (following := self._status_by_acts(row)):
            self._differs(f"{name}: the status does not follow from its acts", event, following, row.status, "status")

    def _compare_outcome(self, name: str, row: TransferRow, event: MoneyOutcome | None) -> None:
        """Compare one that is said to be settled with what the log made of it."""
        if event is None:
            self._differs(f"{name}: it is {row.status}, and the log has no such command", None, "an event", "none")
            return
        if isinstance(event, CommandRejected):
            kind, rejection, amount = MONEY[str(event.command)], event.rejection, row.amount
        else:
            kind = "deposit" if isinstance(event, Deposited) else "withdrawal"
            rejection, amount = None, int(event.amount)
        of_log = {
            "kind": kind,
            "account_id": event.account_id,
            "amount": amount,
            "rejection": rejection,
            # One refused while it was asked for names no event.
            "event_id": event_id(self._shard, event.seq) if row.event_id is not None or rejection is None else None,
        }
        for field, expected in of_log.items():
            found = getattr(row, field)
            if found != expected:
                self._differs(f"{name}: the row is not what the log says", event, expected, found, field)

    def _compare_people(self, name: str, row: TransferRow, event: MoneyOutcome | None) -> None:
        """See that somebody asked, that others approved, as many as were needed, and that what ended it is written."""
        acts = self._stored.acts.get(row.transfer_id, [])
        asked = [act for act in acts if act.act == "requested"]
        people = [act.user_id for act in asked]
        if people != [row.requested_by]:
            found = ", ".join(map(as_text, people)) or "nobody"
            what = f"{name}: who asked for it is another in its acts"
            self._differs(what, event, row.requested_by, found, "requested_by")
        for act in asked:
            if act.note != row.note:
                self._differs(f"{name}: the note is another in its acts", event, row.note, act.note, "note")
        if any(act.act == "approved" and act.user_id == row.requested_by for act in acts):
            self._differs(f"{name}: its author approved it", event, "another administrator", row.requested_by)
        others = self._approvals(row)
        if row.status in {"approved", "done", "refused"} and others < row.approvals_needed:
            self._differs(
                f"{name}: it is {row.status} without the approvals it needs", event, row.approvals_needed, others
            )
        if row.status in {"done", "refused", "rejected"} and row.status not in {act.act for act in acts}:
            self._differs(f"{name}: it is {row.status}, and no act says so", event, row.status, "no act", "status")

    def _status_by_acts(self, row: TransferRow) -> str:
        """Give the status that its acts, of which each has its line, leave one that the log has not settled."""
        if any(act.act == "rejected" for act in self._stored.acts.get(row.transfer_id, [])):
            return "rejected"
        return "approved" if self._approvals(row) >= row.approvals_needed else "pending"

    def _approvals(self, row: TransferRow) -> int:
        """Count who approved it, its author aside."""
        approvers = {act.user_id for act in self._stored.acts.get(row.transfer_id, []) if act.act == "approved"}
        return len(approvers - {row.requested_by, None})

    def _judge_without_row(self, command_id: str, event: MoneyOutcome) -> None:
        """Say what a deposit or withdrawal is that no row asked for."""
        is_deposit = isinstance(event, Deposited) or getattr(event, "command", None) == "Deposit"
        if self._is_older(event.time):
            self._count(OLDER)
        elif is_deposit and self._profile_at(event.time) == DEMO:
            self._count(BY_USERS)
        else:
            self._differs(f"command {command_id}: nobody asked for what the log decided", event, "a row", "no row")

    def _compare_broadcast(self, row: BroadcastRow) -> None:
        event = self._outcomes.broadcasts.get(row.name) or self._later.broadcasts.get(row.name)
        if event is None:
            command_id = broadcast_id(row.name, self._shard)
            is_refused = any(command_id in each.refused_broadcasts for each in (self._outcomes, self._later))
            if self._shard in row.answered and not is_refused:
                what = f"broadcast {row.name}: the shard is said to have answered, and the log has no such command"
                self._differs(what, None, "an event", "none")
            return
        if self._is_older(event.time):
            return
        expected, found = said_by_log(event), said_by_row(row)
        if expected != found:
            self._differs(
                f"broadcast {row.name}: the row is not what the log says", event, str(expected), str(found), "content"
            )

    def _is_older(self, at: int) -> bool:
        return self._stored.began is None or at < self._stored.began

    def _profile_at(self, at: int) -> str | None:
        return next((profile for since, profile in reversed(self._stored.profiles) if since <= at), None)

    def _count(self, what: str) -> None:
        self._report.acts[what] = self._report.acts.get(what, 0) + 1

    def _differs(
        self,
        what: str,
        event: MoneyOutcome | BroadcastEvent | None,
        expected: object,
        found: object,
        field: str | None = None,
    ) -> None:
        self._report.differences.append(
            Difference(
                judge=JUDGE,
                shard=self._shard,
                what=what,
                offset=None if event is None else event.command_offset,
                seq=None if event is None else event.seq,
                type=None if event is None else type(event).__name__,
                field=field,
                expected=as_text(expected),
                found=as_text(found),
            )
        )


def told(counts: Iterable[dict[str, int]]) -> list[str]:
    """Say how many acts of each kind there were in all shards."""
    sums: dict[str, int] = {}
    for each in counts:
        for what, count in each.items():
            sums[what] = sums.get(what, 0) + count
    if not sums:
        return []
    settled = ", ".join(f"{sums.get(what, 0):,} {what}" for what in (CARRIED_OUT, REFUSED, REJECTED, PENDING, APPROVED))
    others = ", ".join(f"{sums[what]:,} {what}" for what in (SAID, BY_USERS, OLDER) if what in sums)
    return [f"Transfers: {settled}.", *([f"Besides, in all shards: {others}."] if others else [])]
