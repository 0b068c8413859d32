"""Whether the journal of sign-ins and administrators' acts is whole, and the tables beside it say what it says.

Who owns the database can write the whole chain anew. What such a chain contradicts is outside of it: the ids of the
commands that moved money, which are in the log and made of its hashes, and the end that an earlier verdict saw.
"""

from collections.abc import Iterator
from typing import Final

import msgspec
from sqlalchemy import Connection, text

from audit.log.differences import Difference, as_text
from audit.verify.database import database_as_of_now, has_journal
from audit.verify.stored_acts import micros_of
from schemas.journal import FIRST_HASH, JournalLine, content_hash, line_hash, transfer_detail

JUDGE: Final = "journal"
FETCH: Final = 5_000
NAMED_MAX: Final = 20  # differences that are named; the others are counted

_LINES: Final = text("SELECT number, at, act, user_id::text, subject, detail, hash FROM auth.journal ORDER BY number")
_REQUESTED: Final = text(
    "SELECT line.number, line.subject, line.detail, line.hash, line.user_id, row.requested_by, row.journal_hash, "
    "row.kind, row.account_id, row.amount, row.reason, row.approvals_needed FROM auth.journal AS line "
    "LEFT JOIN auth.transfers AS row ON row.transfer_id::text = line.subject "
    "WHERE line.act = 'transfer_requested' ORDER BY line.number"
)
_SAID: Final = text(
    "SELECT line.number, line.subject, line.detail, line.user_id, row.name, row.content, row.asked_by "
    "FROM auth.journal AS line LEFT JOIN auth.broadcasts AS row ON row.name = line.subject "
    "WHERE line.act = 'broadcast' ORDER BY line.number"
)
_ROLES: Final = text(
    "SELECT users.user_id, users.role, given.detail FROM auth.users LEFT JOIN LATERAL (SELECT detail FROM auth.journal "
    "WHERE act = 'role_given' AND user_id = users.user_id ORDER BY number DESC LIMIT 1) AS given ON true "
    "WHERE users.role <> 'user' AND given.detail IS DISTINCT FROM users.role AND (given.detail IS NOT NULL OR "
    "users.created_at >= (SELECT at FROM auth.journal ORDER BY number LIMIT 1)) ORDER BY users.user_id"
)
# Rows without their line, each with what it is; those from before the journal have none.
_WITHOUT_LINE: Final = text(
    "WITH began AS (SELECT at FROM auth.journal ORDER BY number LIMIT 1) "
    "SELECT 'session ' || session_id || ' of user ' || user_id AS what FROM auth.sessions, began "
    "WHERE created_at >= began.at AND NOT EXISTS (SELECT FROM auth.journal AS line WHERE line.act = 'signed_in' "
    "AND line.subject = session_id::text AND line.user_id = sessions.user_id) "
    "UNION ALL SELECT 'transfer ' || transfer_id FROM auth.transfers WHERE (journal_hash IS NOT NULL OR "
    "created_at >= (SELECT at FROM began)) AND NOT EXISTS (SELECT FROM auth.journal AS line WHERE "
    "line.act = 'transfer_requested' AND line.subject = transfer_id::text) "
    "UNION ALL SELECT 'broadcast ' || name FROM auth.broadcasts, began WHERE created_at >= began.at AND NOT EXISTS "
    "(SELECT FROM auth.journal AS line WHERE line.act = 'broadcast' AND line.subject = name) "
    "UNION ALL SELECT 'transfer ' || transfer_id || ' ' || act || ' by ' || user_id FROM auth.transfer_acts AS done, "
    "began WHERE user_id IS NOT NULL AND done.at >= began.at AND NOT EXISTS (SELECT FROM auth.journal AS line "
    "WHERE line.act = 'transfer_' || done.act AND line.subject = transfer_id::text AND line.user_id = done.user_id) "
    "ORDER BY what"
)
_WITHOUT_ACT: Final = text(
    "SELECT number, act, subject, user_id FROM auth.journal AS line WHERE act LIKE 'transfer\\_%' AND NOT EXISTS "
    "(SELECT FROM auth.transfer_acts AS done WHERE 'transfer_' || done.act = line.act "
    "AND done.transfer_id::text = line.subject AND done.user_id = line.user_id) ORDER BY number"
)


class JournalEnd(msgspec.Struct, frozen=True):
    """The last line there is, and its hash."""

    number: int
    hash: str


class JournalReport(msgspec.Struct):
    """What was found of the journal. end: null where there is none, or no line. counts: lines by act."""

    end: JournalEnd | None = None
    counts: dict[str, int] = {}
    differences: list[Difference] = []

    def told(self) -> list[str]:
        """Say how long the journal is and where it ends, for whoever keeps that somewhere else."""
        if self.end is None:
            return []
        signed_in, refused = (self.counts.get(act, 0) for act in ("signed_in", "sign_in_refused"))
        lines = f"{self.end.number:,} lines, {signed_in:,} sign-ins and {refused:,} refused ones"
        return [f"Journal: {lines}; the last has hash {self.end.hash}."]


def compare_journal(database_url: str, since: JournalEnd | None) -> JournalReport:
    """Follow the chain of the journal's lines, and compare what the API's tables say with it.

    since: where the journal ended for an earlier verdict.
    """
    report = JournalReport()
    with database_as_of_now(database_url) as db:
        if has_journal(db):
            found = [*_broken_lines(db, report, since), *_unlike_rows(db)]
        elif since is not None:
            found = [_difference("there is no journal any more", since.number, since.hash, None, "hash")]
        else:
            found = []
    report.differences += found[:NAMED_MAX]
    if len(found) > NAMED_MAX:
        report.differences.append(Difference(judge=JUDGE, what=f"{len(found) - NAMED_MAX} more of the journal differ"))
    return report


def _broken_lines(db: Connection, report: JournalReport, since: JournalEnd | None) -> Iterator[Difference]:
    """Follow the chain; behind a line that is wrong it goes on with the hash that line carries."""
    number, previous = 0, FIRST_HASH
    for row in db.execution_options(yield_per=FETCH).execute(_LINES):
        line = JournalLine(row.number, micros_of(row.at), row.act, row.user_id, row.subject, row.detail)
        report.counts[line.act] = report.counts.get(line.act, 0) + 1
        if line.number != number + 1:
            yield _difference("lines are missing", line.number, f"line {number + 1}", f"line {line.number}", "number")
        elif line_hash(previous, line) != row.hash:
            expected = line_hash(previous, line).hex()
            what = "the hash does not follow from the line before and this one's content"
            yield _difference(what, line.number, expected, row.hash.hex(), "hash")
        if since is not None and line.number == since.number and row.hash.hex() != since.hash:
            what = "the line is not the one the earlier verdict ended with"
            yield _difference(what, line.number, since.hash, row.hash.hex(), "hash")
        number, previous = line.number, row.hash
    if since is not None and number < since.number:
        yield _difference("lines are missing at the end", number, f"line {since.number}", f"line {number}", "number")
    report.end = JournalEnd(number, previous.hex()) if number else None


def _unlike_rows(db: Connection) -> Iterator[Difference]:
    """Compare transfers, broadcasts, sessions and roles with their lines, and lines with their rows."""
    for row in db.execute(_REQUESTED).mappings():
        asked_for = None
        if row["journal_hash"] is not None:
            asked_for = transfer_detail(
                row["kind"], row["account_id"], row["amount"], row["reason"], row["approvals_needed"]
            )
        pairs = {
            "requested_by": (row["user_id"], row["requested_by"]),
            "detail": (row["detail"], asked_for),
            "journal_hash": (row["hash"], row["journal_hash"]),
        }
        yield from _unlike(f"transfer {row['subject']}", row["number"], pairs)
    for row in db.execute(_SAID).mappings():
        content = None if row["name"] is None else content_hash(row["content"])
        pairs = {
            "name": (row["subject"], row["name"]),
            "asked_by": (row["user_id"], row["asked_by"]),
            "content": (row["detail"], content),
        }
        yield from _unlike(f"broadcast {row['subject']}", row["number"], pairs)
    for user_id, role, given in db.execute(_ROLES):
        what = f"user {user_id}: the role is not the one that was given"
        yield _difference(what, None, given or "user", role, "role")
    for (what,) in db.execute(_WITHOUT_LINE):
        yield _difference(f"{what}: no line tells of it", None, "a line", "no line")
    for number, act, subject, user_id in db.execute(_WITHOUT_ACT):
        what = f"{act.replace('_', ' ')} {subject} by {user_id}: the row is missing"
        yield _difference(what, number, "a row", "no row")


def _unlike(what: str, number: int, pairs: dict[str, tuple[object, object]]) -> Iterator[Difference]:
    """Name the first field in which a row is not what its line says."""
    for field, (expected, found) in pairs.items():
        if expected != found:
            yield _difference(f"{what}: the row is not what its line says", number, expected, found, field)
            return


def _difference(what: str, number: int | None, expected: object, found: object, field: str | None = None) -> Difference:
    place = "" if number is None else f"line {number}: "
    return Difference(judge=JUDGE, what=f"{place}{what}", field=field, expected=as_text(expected), found=as_text(found))
