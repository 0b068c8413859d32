"""The journal is a chain that many may add to at once, and a verification that finds what was changed in it."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Event
from uuid import UUID, uuid4

import psycopg
import pytest
from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from api.store import journal, transfers, users
from api.store.database import Database
from api.store.migrate import migrate
from api.store.users import NewSession, User
from audit.verify.journal import JournalEnd, compare_journal
from schemas.journal import transfer_command_id
from tests.conftest import new_database
from tests.processes import eventually

LATER = timedelta(days=1)


@pytest.fixture(scope="module")
def migrated(postgres: str) -> Iterator[str]:
    with new_database(postgres) as url:
        migrate(url)
        yield url.rpartition("/")[2]


@pytest.fixture
def url(postgres: str, migrated: str) -> Iterator[str]:
    with new_database(postgres, migrated) as made:
        yield made


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    opened = Database(url)
    opened.ask_in_transaction_now(lambda db: journal.note_profile(db, "production"))
    yield opened
    opened.close()


def new_user(database: Database) -> UUID:
    user = User(uuid4(), f"{uuid4().hex}@example.com", None, "user", str(uuid4()), account_opened=True)
    database.ask_now(lambda db: users.add(db, user, "a hash", user.email))
    return user.user_id


def sign_in(database: Database, user_id: UUID) -> UUID:
    session_id, until = uuid4(), datetime.now(UTC) + LATER
    session = NewSession(session_id, user_id, until, "password", "a hash")
    assert database.ask_in_transaction_now(lambda db: users.begin_session(db, session))
    return session_id


def test_sign_ins_at_the_same_time_make_one_chain_without_a_gap(database: Database, url: str) -> None:
    people = [new_user(database) for _ in range(8)]
    with ThreadPoolExecutor(8) as pool:
        sessions = list(pool.map(lambda number: sign_in(database, people[number % 8]), range(64)))
    report = compare_journal(url, None)
    assert report.differences == []
    assert (report.counts, len(set(sessions))) == ({"profile": 1, "signed_in": 64}, 64)
    assert report.end is not None
    assert report.end.number == 65


def test_a_session_that_is_not_stored_leaves_no_line(database: Database, url: str) -> None:
    def refused(db: object) -> None:
        until = datetime.now(UTC) + LATER
        session = NewSession(uuid4(), user_id, until, "password", "a hash")
        users.begin_session(db, session)  # type: ignore[arg-type]
        raise RuntimeError("the database went away")

    user_id = new_user(database)
    before = compare_journal(url, None).end
    with pytest.raises(RuntimeError):
        database.ask_in_transaction_now(refused)
    assert compare_journal(url, None).end == before


@pytest.mark.slow
def test_a_process_that_is_stopped_amid_a_sign_in_keeps_no_other_sign_in_waiting_for_long(
    database: Database, url: str
) -> None:
    user_id, holding, over = new_user(database), Event(), Event()

    def hold(db: Connection) -> None:
        journal.append(db, "sign_in_refused", user_id, detail="password")
        holding.set()
        over.wait()

    def signs_in() -> bool:
        try:
            sign_in(database, user_id)
        except SQLAlchemyError:
            return False
        return True

    with ThreadPoolExecutor(1) as pool:
        held = pool.submit(database.ask_in_transaction_now, hold)
        holding.wait()
        try:
            eventually(signs_in, bool)
        finally:
            over.set()
        with pytest.raises(SQLAlchemyError):
            held.result()
    report = compare_journal(url, None)
    assert (report.differences, report.counts) == ([], {"profile": 1, "signed_in": 1})


def test_a_session_without_its_sign_in_and_a_changed_line_are_named(database: Database, url: str) -> None:
    user_id = new_user(database)
    session_id = sign_in(database, user_id)
    end = compare_journal(url, None).end
    assert end is not None
    with psycopg.connect(url.replace("+psycopg", "")) as db:
        db.execute("ALTER TABLE auth.journal DISABLE TRIGGER ALL")
        db.execute("DELETE FROM auth.journal WHERE act = 'signed_in'")
        db.execute("UPDATE auth.journal SET detail = 'demo'")
    said = [difference.sentence() for difference in compare_journal(url, end).differences]
    assert [line for line in said if "line 1: the hash does not follow" in line]
    assert [line for line in said if "lines are missing at the end" in line]
    assert [line for line in said if f"session {session_id} of user {user_id}: no line tells of it" in line]


def test_a_profile_is_noted_only_when_the_api_is_started_with_another(database: Database, url: str) -> None:
    for profile in ("production", "demo", "demo", "production"):
        database.ask_in_transaction_now(lambda db, each=profile: journal.note_profile(db, each))  # type: ignore[misc]
    assert compare_journal(url, None).counts == {"profile": 3}


OLDER_ROWS = """
INSERT INTO auth.users (user_id, email, password_hash, role, account_id, created_at) VALUES
    ('{admin}', 'admin@example.com', '', 'admin', 'a', '2020-01-01'),
    ('{user}', 'u@example.com', '', 'user', 'u', now());
INSERT INTO auth.sessions (session_id, user_id, expires_at) VALUES
    (gen_random_uuid(), '{user}', now() + interval '1 day');
INSERT INTO auth.transfers
    (transfer_id, kind, account_id, amount, reason, requested_by, approvals_needed, status, command_id) VALUES
    ('{waiting}', 'deposit', 'a', 7, 'bonus', '{user}', 2, 'pending', '{command}');
INSERT INTO auth.transfer_acts (transfer_id, act, user_id) VALUES
    ('{waiting}', 'requested', '{user}'), ('{waiting}', 'approved', '{admin}');
INSERT INTO auth.broadcasts (name, content, answered) VALUES ('limits-1', '{{"positions_max": 50}}', '{{0}}');
"""


def test_a_journal_begins_with_the_rows_that_are_older_and_names_every_later_row_and_line(database_url: str) -> None:
    ids = {name: str(uuid4()) for name in ("admin", "second", "user", "waiting")}
    ids["command"] = transfer_command_id("a", ids["waiting"])
    migrate(database_url, "0011")
    with psycopg.connect(database_url.replace("+psycopg", "")) as db:
        db.execute(OLDER_ROWS.format(**ids).encode())
    migrate(database_url)
    opened = Database(database_url)
    opened.ask_in_transaction_now(lambda db: journal.note_profile(db, "production"))
    report = compare_journal(database_url, None)
    assert report.differences == []
    decided = ("role_given", "signed_in", "transfer_requested", "transfer_approved", "broadcast")
    assert report.counts == {**{f"existing_{act}": 1 for act in decided}, "profile": 1}
    waiting, second = UUID(ids["waiting"]), UUID(ids["second"])
    opened.ask_in_transaction_now(lambda db: transfers.approve(db, waiting, second, None))
    assert compare_journal(database_url, None).differences == []
    (approved,) = opened.ask_now(transfers.approved)
    assert opened.ask_now(lambda db: transfers.is_in_journal(db, approved)), "one from before is carried out too"
    with psycopg.connect(database_url.replace("+psycopg", "")) as db:
        db.execute("UPDATE auth.transfers SET amount = 8")
        db.execute("UPDATE auth.users SET role = 'admin' WHERE role = 'user'")
    late = "existing_transfer_rejected"
    opened.ask_in_transaction_now(
        lambda db: journal.append(db, late, UUID(ids["admin"]), ids["waiting"])  # type: ignore[arg-type]
    )
    opened.close()
    said = " / ".join(difference.sentence() for difference in compare_journal(database_url, None).differences)
    assert f"transfer {ids['waiting']}: the row is not what its line says" in said
    assert f"user {ids['user']}: the role is not the one that was given" in said
    assert f"line 8: {ids['waiting']} is said to be older than the journal, after its beginning" in said
    assert f"existing transfer rejected {ids['waiting']} by {ids['admin']}: the row is missing" in said


def test_a_database_without_the_api_s_tables_has_no_journal_and_one_whose_journal_is_gone_differs(
    database_url: str,
) -> None:
    report = compare_journal(database_url, None)
    assert (report.end, report.differences, report.told()) == (None, [], [])
    gone = compare_journal(database_url, JournalEnd(7, "00" * 32))
    assert "there is no journal any more" in gone.differences[0].sentence()
