"""What administrators did and who signed in is compared with log and journal: each planted lie is named.

Longer than 300 lines because the list of what is planted is long.
"""

# ruff: noqa: S608  # The names put into statements are this file's own.

from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import NamedTuple

import psycopg
import pytest
from msgspec.structs import replace
from rich.console import Console

from audit.log.cluster import open_cluster
from audit.log.differences import Difference
from audit.log.export_log import export_log
from audit.log.folder import FolderLog
from audit.log.log_reader import LogReader
from audit.verify.acts import compare_acts
from audit.verify.journal import JournalEnd, compare_journal
from audit.verify.verify import Verdict, VerifyRequest, verify
from cli.audit_report import print_verdict
from schemas.journal import FIRST_HASH, JournalLine, line_hash, transfer_command_id
from tests.api.conftest import settings_of
from tests.audit.administered_exchange import Administered, administered_exchange
from tests.conftest import empty_topics, new_database

NOBODY = "00000000-0000-4000-8000-000000000000"
FORGED = "00000000-0000-4000-8000-000000000001"


pytestmark = pytest.mark.slow


class Planted(NamedTuple):
    """A change of the database, and the difference that must name it."""

    statement: str
    judge: str
    sentence: str


@pytest.fixture(scope="module")
def administered(kafka: str, postgres: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Administered]:
    folder: Path = tmp_path_factory.mktemp("administered")
    with new_database(postgres) as url:
        settings = settings_of(kafka, url, folder)
        empty_topics(settings)
        with administered_exchange(settings, folder) as made:
            export_log(open_cluster(settings), folder / "log", shard=None, to={})
            yield made


@pytest.fixture
def copy_url(postgres: str, administered: Administered) -> Iterator[str]:
    """A copy of its database, to plant something in."""
    with new_database(postgres, administered.settings.database_url.rpartition("/")[2]) as url:
        yield url


def planted(url: str, *statements: str) -> None:
    with psycopg.connect(url.replace("+psycopg", "")) as db:
        db.execute("ALTER TABLE auth.journal DISABLE TRIGGER ALL")
        for statement in statements:
            assert db.execute(statement.encode()).rowcount > 0, statement


def verified(log: LogReader, url: str) -> Verdict:
    return verify(log, VerifyRequest(log.held, state_only=True, database_url=url, processes=1))


def found(administered: Administered, url: str, since: JournalEnd | None = None) -> list[Difference]:
    """What the two judges of acts find, on a copy of the log."""
    log = FolderLog(administered.folder / "log")
    reports = [compare_acts(log, shard, url, lambda _: None) for shard in log.held]
    return [*(each for report in reports for each in report.differences), *compare_journal(url, since).differences]


def test_an_administered_exchange_agrees_and_the_verdict_says_how_much_was_compared(
    administered: Administered, copy_url: str
) -> None:
    verdict = verified(open_cluster(administered.settings), copy_url)
    assert verdict.differences == []
    assert not {name for name in verdict.tables_not_compared if "auth.transfer" in name or "auth.session" in name}
    printed = StringIO()
    print_verdict(Console(file=printed, width=1_000), verdict)
    text = printed.getvalue()
    assert (
        "Transfers: 1 carried out, 1 refused by the log, 1 rejected, 1 pending, 0 approved and not carried out yet."
        in text
    )
    assert "1 deposits of users of a demo" in text
    assert "3 sign-ins and 1 refused ones; the last has hash" in text
    assert verdict.journal is not None
    assert verdict.journal.hash in text


# What is planted, who must name it, and how.
PLANTED = [
    Planted(
        "UPDATE auth.transfers SET amount = amount + 1 WHERE transfer_id = '{done}'",
        "acts",
        "field amount",
    ),
    Planted(
        "UPDATE auth.transfers SET kind = 'withdrawal' WHERE transfer_id = '{done}'",
        "acts",
        "field kind",
    ),
    Planted(
        "UPDATE auth.transfers SET event_id = '0-1' WHERE transfer_id = '{done}'",
        "acts",
        "field event_id",
    ),
    Planted(
        "UPDATE auth.transfers SET rejection = 1 WHERE transfer_id = '{refused}'",
        "acts",
        "field rejection",
    ),
    Planted(
        "UPDATE auth.transfers SET status = 'pending' WHERE transfer_id = '{done}'",
        "acts",
        "what is pending",
    ),
    Planted(
        "UPDATE auth.transfers SET reason = 'bonus' WHERE transfer_id = '{done}'",
        "journal",
        "field detail",
    ),
    Planted(
        "UPDATE auth.transfers SET requested_by = '{nobody}' WHERE transfer_id = '{done}'",
        "journal",
        "field requested_by",
    ),
    Planted(
        ("UPDATE auth.transfer_acts SET user_id = '{nobody}' WHERE transfer_id = '{done}' AND act = 'requested'"),
        "acts",
        "who asked for it",
    ),
    Planted(
        "UPDATE auth.transfers SET note = 'a bribe' WHERE transfer_id = '{done}'",
        "acts",
        "field note): expected a bribe, found to be done",
    ),
    Planted(
        "UPDATE auth.transfer_acts SET note = 'a bribe' WHERE transfer_id = '{done}' AND act = 'requested'",
        "acts",
        "field note): expected to be done, found a bribe",
    ),
    Planted(
        ("UPDATE auth.transfer_acts SET user_id = '{nobody}' WHERE transfer_id = '{done}' AND act = 'approved'"),
        "journal",
        "no line tells of it",
    ),
    Planted(
        (
            "UPDATE auth.transfer_acts SET user_id = (SELECT requested_by FROM auth.transfers WHERE "
            "transfer_id = '{done}') WHERE transfer_id = '{done}' AND act = 'approved'"
        ),
        "acts",
        "its author approved it",
    ),
    Planted(
        "DELETE FROM auth.transfer_acts WHERE transfer_id = '{done}' AND act = 'approved'",
        "acts",
        "without the approvals it needs",
    ),
    Planted(
        "DELETE FROM auth.transfer_acts WHERE transfer_id = '{rejected}' AND act = 'rejected'",
        "acts",
        "no act says so",
    ),
    Planted(
        "UPDATE auth.transfers SET status = 'done', event_id = '0-9' WHERE transfer_id = '{pending}'",
        "acts",
        "the log has no such command",
    ),
    Planted(
        "UPDATE auth.transfers SET command_id = 'x' WHERE transfer_id = '{done}'",
        "acts",
        "nobody asked for what",
    ),
    Planted(
        "UPDATE auth.broadcasts SET content = '{{\"positions_max\": 51}}' WHERE name LIKE 'limits-%'",
        "acts",
        "field content",
    ),
    Planted(
        (
            'UPDATE auth.broadcasts SET content = \'{{"symbol": "BTC_USDC", "status": "close_only"}}\' WHERE '
            "name LIKE 'market-%' AND content->>'status' = 'halted'"
        ),
        "acts",
        "field content",
    ),
    Planted(
        "UPDATE auth.broadcasts SET asked_by = NULL WHERE name LIKE 'clock-%'",
        "journal",
        "field asked_by",
    ),
    Planted(
        "DELETE FROM auth.broadcasts WHERE name LIKE 'market-%'",
        "acts",
        "nobody asked for what the log carried out",
    ),
    Planted(
        "DELETE FROM auth.broadcasts WHERE name LIKE 'rules-%'",
        "journal",
        "field name",
    ),
    Planted(
        "INSERT INTO auth.broadcasts (name, content, answered) VALUES ('clock-x', '{{}}', '{{0,1,2,3}}')",
        "acts",
        "the log has no such command",
    ),
    Planted(
        "UPDATE auth.users SET role = 'admin' WHERE role = 'user'",
        "journal",
        "field role",
    ),
    Planted(
        (
            "INSERT INTO auth.sessions (session_id, user_id, expires_at) SELECT gen_random_uuid(), user_id, "
            "now() FROM auth.users LIMIT 1"
        ),
        "journal",
        "session ",
    ),
    Planted(
        (
            "UPDATE auth.sessions SET user_id = (SELECT user_id FROM auth.users WHERE role = 'user') WHERE "
            "user_id = '{boss}'"
        ),
        "journal",
        "no line tells of it",
    ),
    Planted(
        "UPDATE auth.journal SET user_id = '{nobody}' WHERE act = 'sign_in_refused'",
        "journal",
        "the hash does not follow",
    ),
    Planted(
        "UPDATE auth.journal SET at = at - interval '1 hour' WHERE number = 5",
        "journal",
        "the hash does not follow",
    ),
    Planted(
        "DELETE FROM auth.journal WHERE act = 'sign_in_refused'",
        "journal",
        "lines are missing",
    ),
    Planted(
        "DELETE FROM auth.journal WHERE number = 1",
        "journal",
        "lines are missing",
    ),
    Planted(
        (
            "INSERT INTO auth.journal SELECT number + 1, at, 'sign_in_refused', NULL, NULL, 'password', hash "
            "FROM auth.journal ORDER BY number DESC LIMIT 1"
        ),
        "journal",
        "the hash does not follow",
    ),
    # Dates are columns like others: who plants a row writes them too.
    Planted(
        (
            "WITH asked AS (INSERT INTO auth.transfers (transfer_id, kind, account_id, amount, reason, requested_by, "
            "approvals_needed, status, command_id, created_at) VALUES ('{forged}', 'deposit', '{account}', 1, 'bonus', "
            "'{boss}', 0, 'approved', '{forged_command}', '2020-01-01') RETURNING transfer_id) INSERT INTO "
            "auth.transfer_acts (transfer_id, act, user_id, at) SELECT transfer_id, 'requested', '{boss}', "
            "'2020-01-01' FROM asked"
        ),
        "journal",
        "transfer {forged}: no line tells of it",
    ),
    Planted(
        (
            "WITH changed AS (UPDATE auth.transfers SET status = 'approved' WHERE transfer_id = '{pending}' RETURNING "
            "transfer_id) INSERT INTO auth.transfer_acts (transfer_id, act, user_id, at) SELECT transfer_id, "
            "'approved', '{second}', '2020-01-01' FROM changed"
        ),
        "journal",
        "transfer {pending} approved by {second}: no line tells of it",
    ),
    Planted(
        (
            "WITH changed AS (UPDATE auth.transfers SET status = 'rejected' WHERE transfer_id = '{pending}' RETURNING "
            "transfer_id) INSERT INTO auth.transfer_acts (transfer_id, act, user_id, at) SELECT transfer_id, "
            "'rejected', '{second}', '2020-01-01' FROM changed"
        ),
        "journal",
        "transfer {pending} rejected by {second}: no line tells of it",
    ),
    Planted(
        "INSERT INTO auth.transfer_acts (transfer_id, act, at) VALUES ('{pending}', 'approved', '2020-01-01')",
        "journal",
        "transfer {pending} approved by nobody: no line tells of it",
    ),
    Planted(
        "UPDATE auth.transfers SET status = 'pending' WHERE transfer_id = '{rejected}'",
        "acts",
        "the status does not follow from its acts",
    ),
    Planted(
        "UPDATE auth.transfers SET status = 'approved' WHERE transfer_id = '{pending}'",
        "acts",
        "without the approvals it needs",
    ),
    Planted(
        "UPDATE auth.transfers SET journal_hash = NULL, created_at = '2020-01-01' WHERE transfer_id = '{pending}'",
        "journal",
        "field journal_hash",
    ),
    Planted(
        "INSERT INTO auth.broadcasts (name, content, created_at) VALUES ('clock-x', '{{}}', '2020-01-01')",
        "journal",
        "broadcast clock-x: no line tells of it",
    ),
    Planted(
        "UPDATE auth.users SET role = 'admin', created_at = '2020-01-01' WHERE role = 'user'",
        "journal",
        "field role",
    ),
    Planted(
        "UPDATE auth.users SET role = 'user' WHERE user_id = '{second}'",
        "journal",
        "user {second}: the role is not the one that was given",
    ),
    Planted(
        "WITH gone AS (DELETE FROM auth.sessions) DELETE FROM auth.users WHERE user_id = '{second}'",
        "journal",
        "user {second}: the role is not the one that was given",
    ),
    Planted(
        (
            "INSERT INTO auth.sessions (session_id, user_id, expires_at, created_at) SELECT '{forged}', user_id, "
            "now(), '2020-01-01' FROM auth.users LIMIT 1"
        ),
        "journal",
        "session {forged}",
    ),
    Planted(
        "UPDATE auth.sessions SET expires_at = '2099-01-01' WHERE user_id = '{second}'",
        "journal",
        "it lasts longer than a session may",
    ),
    Planted(
        "UPDATE auth.sessions SET created_at = '2099-01-01' WHERE user_id = '{second}'",
        "journal",
        "it begins after its line",
    ),
]


@pytest.mark.parametrize("each", PLANTED, ids=lambda each: each.statement[:60])
def test_a_planted_lie_about_who_did_what_is_named(administered: Administered, copy_url: str, each: Planted) -> None:
    boss = administered.user_ids["boss@example.com"]
    names = {"nobody": NOBODY, "boss": boss, "forged": FORGED, "account": administered.account_id}
    names["second"] = administered.user_ids["second@example.com"]
    names["forged_command"] = transfer_command_id(administered.account_id, FORGED)
    planted(copy_url, each.statement.format(**names, **administered.transfers))
    differences = found(administered, copy_url)
    assert [
        one
        for one in differences
        if one.judge == each.judge and each.sentence.format(**names, **administered.transfers) in one.sentence()
    ], differences
    assert [one for one in differences if one.expected is not None and one.expected == one.found] == []


def test_a_deposit_without_a_transfer_is_named_with_its_command_s_offset(
    administered: Administered, copy_url: str
) -> None:
    one = f"transfer_id = '{administered.transfers['done']}'"
    planted(copy_url, f"DELETE FROM auth.transfer_acts WHERE {one}", f"DELETE FROM auth.transfers WHERE {one}")
    verdict = verified(FolderLog(administered.folder / "log"), copy_url)
    assert not verdict.agrees
    by_judge = {each.judge: each for each in verdict.differences}
    assert by_judge["acts"].type == "Deposited"
    assert by_judge["acts"].offset is not None
    assert by_judge["journal"].found == "no row"


def test_a_tail_that_is_cut_from_the_journal_is_found_by_the_verdict_before_and_by_the_sessions_left(
    administered: Administered, copy_url: str
) -> None:
    end = compare_journal(copy_url, None).end
    assert end is not None
    assert found(administered, copy_url, end) == []
    planted(copy_url, f"DELETE FROM auth.journal WHERE number > {end.number - 1}")
    cut = found(administered, copy_url, end)
    assert [each.what for each in cut if "missing at the end" in each.what]
    whole = JournalEnd(end.number, "00" * 32)
    assert [each for each in found(administered, copy_url, whole) if each.judge == "journal"]
    planted(copy_url, "DELETE FROM auth.journal WHERE act = 'signed_in'")
    assert [each for each in found(administered, copy_url) if "session" in each.what]


def test_a_chain_that_is_written_anew_whole_contradicts_the_commands_in_the_log(
    administered: Administered, copy_url: str
) -> None:
    second = administered.user_ids["second@example.com"]
    with psycopg.connect(copy_url.replace("+psycopg", "")) as db:
        db.execute("ALTER TABLE auth.journal DISABLE TRIGGER ALL")
        rows = db.execute(
            "SELECT number, (extract(epoch FROM at) * 1000000)::bigint, act, user_id::text, subject, detail "
            "FROM auth.journal ORDER BY number"
        ).fetchall()
        previous = FIRST_HASH
        for row in rows:
            line = JournalLine(*row)
            if line.act == "sign_in_refused":
                line = replace(line, user_id=second)
            previous = line_hash(previous, line)
            db.execute(
                "UPDATE auth.journal SET user_id = %s, hash = %s WHERE number = %s",
                [line.user_id, previous, line.number],
            )
            if line.act == "transfer_requested":
                db.execute(
                    "UPDATE auth.transfers SET journal_hash = %s WHERE transfer_id::text = %s", [previous, line.subject]
                )
    differences = found(administered, copy_url)
    assert {(each.judge, each.field) for each in differences} == {("acts", "command_id")}
    assert "the command's id is not made of what was asked for and by whom" in differences[0].sentence()


def test_a_line_of_the_journal_can_be_neither_changed_nor_removed_by_mistake(copy_url: str) -> None:
    for statement in ("UPDATE auth.journal SET detail = 'x'", "DELETE FROM auth.journal", "TRUNCATE auth.journal"):
        with (
            psycopg.connect(copy_url.replace("+psycopg", "")) as db,
            pytest.raises(psycopg.errors.RaiseException, match="never changed"),
        ):
            db.execute(statement.encode())


def test_a_user_who_is_deleted_leaves_the_journal_whole(administered: Administered, copy_url: str) -> None:
    boss = administered.user_ids["boss@example.com"]
    gone = "email = 'deleted:' || user_id, role = 'user', deleted_at = now()"
    planted(
        copy_url,
        f"UPDATE auth.users SET {gone} WHERE user_id = '{boss}'",
        f"DELETE FROM auth.sessions WHERE user_id = '{boss}'",
    )
    assert found(administered, copy_url) == []


def test_acts_older_than_the_journal_are_counted_and_no_difference(administered: Administered, copy_url: str) -> None:
    """As after `log import`, whose commands were asked for in another database."""
    tables = ("transfer_acts", "transfers", "sessions", "broadcasts", "journal", "users")
    with psycopg.connect(copy_url.replace("+psycopg", "")) as db:
        db.execute("ALTER TABLE auth.journal DISABLE TRIGGER ALL")
        for table in tables:
            db.execute(f"DELETE FROM auth.{table}".encode())
        now = db.execute("SELECT (extract(epoch FROM now()) * 1000000)::bigint").fetchone()
        assert now is not None
        line = JournalLine(1, now[0], "profile", None, None, "production")
        db.execute(
            "INSERT INTO auth.journal VALUES (1, now(), 'profile', NULL, NULL, 'production', %s)",
            [line_hash(FIRST_HASH, line)],
        )
    verdict = verified(FolderLog(administered.folder / "log"), copy_url)
    assert verdict.differences == []
    assert "older than the journal" in verdict.acts[1]
