"""Whether the journal of sign-ins and administrators' acts is whole, and the tables beside it say what it says.

Who owns the database can write the whole chain anew. What such a chain contradicts is outside of it: the ids of the
commands that moved money, which are in the log and made of its hashes, and the end that an earlier verdict saw.
"""

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

import msgspec
from sqlalchemy import Connection, text

from audit.log.differences import Difference, as_text
from audit.verify.database import database_as_of_now, has_journal
from runtime.times import micros_at
from schemas.journal import DAYS_AT_MOST, EXISTING, FIRST_HASH, JournalLine, content_hash, line_hash, transfer_detail

JUDGE: Final = "journal"
FETCH: Final = 5_000
# At most: a session's end is counted by the API's, its line by the database's.
CLOCKS_DIFFER: Final = timedelta(hours=1)
NAMED_MAX: Final = 20  # differences that are named; the others are counted

_LINES: Final = text("SELECT number, at, act, user_id::text, subject, detail, hash FROM auth.journal ORDER BY number")
# Whether a line is of an act or tells that it was there when the journal began, it is compared alike.
_REQUESTED: Final = text(
    "SELECT line.number, line.act, line.subject, line.detail, line.hash, line.user_id, row.requested_by, "
    "row.journal_hash, row.kind, row.account_id, row.amount, row.reason, row.approvals_needed "
    "FROM auth.journal AS line LEFT JOIN auth.transfers AS row ON row.transfer_id::text = line.subject "
    "WHERE line.act IN ('transfer_requested', 'existing_transfer_requested') ORDER BY line.number"
)
_SAID: Final = text(
    "SELECT line.number, line.subject, line.detail, line.user_id, row.name, row.content, row.asked_by "
    "FROM auth.journal AS line LEFT JOIN auth.broadcasts AS row ON row.name = line.subject "
    "WHERE line.act IN ('broadcast', 'existing_broadcast') ORDER BY line.number"
)
# Whoever is deleted has no role any more.
_ROLES: Final = text(
    "WITH given AS (SELECT DISTINCT ON (user_id) user_id, detail FROM auth.journal "
    "WHERE act IN ('role_given', 'existing_role_given') ORDER BY user_id, number DESC), "
    "compared AS (SELECT user_id, role, CASE WHEN deleted_at IS NULL THEN coalesce(detail, 'user') ELSE 'user' END "
    "AS expected FROM auth.users FULL JOIN given USING (user_id)) "
    "SELECT user_id, role, expected FROM compared WHERE role IS DISTINCT FROM expected ORDER BY user_id"
)
# Every row has its line: none of its own columns says that it were older than the journal.
_WITHOUT_LINE: Final = text(
    "SELECT 'session ' || session_id || ' of user ' || user_id AS what FROM auth.sessions WHERE NOT EXISTS "
    "(SELECT FROM auth.journal AS line WHERE line.act IN ('signed_in', 'existing_signed_in') "
    "AND line.subject = session_id::text AND line.user_id = sessions.user_id) "
    "UNION ALL SELECT 'transfer ' || transfer_id FROM auth.transfers WHERE NOT EXISTS "
    "(SELECT FROM auth.journal AS line WHERE line.act IN ('transfer_requested', 'existing_transfer_requested') "
    "AND line.subject = transfer_id::text) "
    "UNION ALL SELECT 'broadcast ' || name FROM auth.broadcasts WHERE NOT EXISTS (SELECT FROM auth.journal AS line "
    "WHERE line.act IN ('broadcast', 'existing_broadcast') AND line.subject = name) "
    "UNION ALL SELECT 'transfer ' || transfer_id || ' ' || act || ' by ' || coalesce(user_id::text, 'nobody') "
    "FROM auth.transfer_acts AS done WHERE (act NOT IN ('done', 'refused') OR user_id IS NOT NULL) AND NOT EXISTS "
    "(SELECT FROM auth.journal AS line WHERE line.act IN ('transfer_' || done.act, 'existing_transfer_' || done.act) "
    "AND line.subject = transfer_id::text AND line.user_id = done.user_id) ORDER BY what"
)
_WITHOUT_ACT: Final = text(
    "SELECT number, act, subject, user_id FROM auth.journal AS line WHERE (act LIKE 'transfer\\_%' "
    "OR act LIKE 'existing\\_transfer\\_%') AND NOT EXISTS (SELECT FROM auth.transfer_acts AS done "
    "WHERE line.act IN ('transfer_' || done.act, 'existing_transfer_' || done.act) "
    "AND done.transfer_id::text = line.subject AND done.user_id = line.user_id) ORDER BY number"
)
_SESSIONS: Final = text(
    "SELECT line.number, line.at, line.detail, session_id, created_at, expires_at FROM auth.sessions "
    "JOIN auth.journal AS line ON line.subject = session_id::text AND line.user_id = sessions.user_id "
    "AND line.act IN ('signed_in', 'existing_signed_in') ORDER BY line.number"
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
    number, previous, is_begun = 0, FIRST_HASH, False
    for row in db.execution_options(yield_per=FETCH).execute(_LINES):
        line = JournalLine(row.number, micros_at(row.at), row.act, row.user_id, row.subject, row.detail)
        report.counts[line.act] = report.counts.get(line.act, 0) + 1
        if line.number != number + 1:
            yield _difference("lines are missing", line.number, f"line {number + 1}", f"line {line.number}", "number")
        elif line_hash(previous, line) != row.hash:
            expected = line_hash(previous, line).hex()
            what = "the hash does not follow from the line before and this one's content"
            yield _difference(what, line.number, expected, row.hash.hex(), "hash")
        if is_begun and line.act.startswith(EXISTING):
            what = f"{line.subject or line.user_id} is said to be older than the journal, after its beginning"
            yield _difference(what, line.number, "an act", line.act, "act")
        is_begun = is_begun or not line.act.startswith(EXISTING)
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
        if row["kind"] is not None:
            asked_for = transfer_detail(
                row["kind"], row["account_id"], row["amount"], row["reason"], row["approvals_needed"]
            )
        pairs = {
            "requested_by": (row["user_id"], row["requested_by"]),
            "detail": (row["detail"], asked_for),
            "journal_hash": (None if row["act"].startswith(EXISTING) else row["hash"], row["journal_hash"]),
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
    for user_id, role, expected in db.execute(_ROLES):
        what = f"user {user_id}: the role is not the one that was given"
        yield _difference(what, None, expected, role, "role")
    yield from _long_sessions(db)
    for (what,) in db.execute(_WITHOUT_LINE):
        yield _difference(f"{what}: no line tells of it", None, "a line", "no line")
    for number, act, subject, user_id in db.execute(_WITHOUT_ACT):
        what = f"{act.replace('_', ' ')} {subject} by {user_id}: the row is missing"
        yield _difference(what, number, "a row", "no row")


def _long_sessions(db: Connection) -> Iterator[Difference]:
    """Name sessions that began after their line, or last longer than any may."""
    for number, at, how, session_id, created_at, expires_at in db.execute(_SESSIONS):
        latest = at + timedelta(days=DAYS_AT_MOST.get(how, max(DAYS_AT_MOST.values()))) + CLOCKS_DIFFER
        if created_at > at + CLOCKS_DIFFER:
            what = f"session {session_id}: it begins after its line"
            yield _difference(what, number, f"until {at.isoformat()}", created_at.isoformat(), "created_at")
        elif expires_at > latest:
            what = f"session {session_id}: it lasts longer than a session may"
            yield _difference(what, number, f"until {latest.isoformat()}", expires_at.isoformat(), "expires_at")


def _unlike(what: str, number: int, pairs: dict[str, tuple[object, object]]) -> Iterator[Difference]:
    """Name the first field in which a row is not what its line says."""
    for field, (expected, found) in pairs.items():
        if expected != found:
            yield _difference(f"{what}: the row is not what its line says", number, expected, found, field)
            return


def _difference(what: str, number: int | None, expected: object, found: object, field: str | None = None) -> Difference:
    place = "" if number is None else f"line {number}: "
    return Difference(judge=JUDGE, what=f"{place}{what}", field=field, expected=as_text(expected), found=as_text(found))
