"""A session is looked up once in two seconds, and what this process changes about it counts at once."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Connection, delete, event, update

from api.app_state import AppState
from api.store import known_sessions
from api.store.database import Database
from api.store.known_sessions import KnownSessions
from api.store.tables import sessions, users
from api.store.users import NewSession, User, add, begin_session, end_every_session, end_session
from tests.auth.conftest import Browser, Site

ROUNDS = 40


class KnownSession:
    """A session of a user, and how often the database was asked for it."""

    def __init__(self, state: AppState, site: Site) -> None:
        self.known = KnownSessions(state.database)
        self.user = User(uuid4(), f"{uuid4().hex}@example.com", None, "user", uuid4().hex, account_opened=False)
        self.looks = 0
        self._database, self._site = state.database, site
        event.listen(state.database.engine, "before_cursor_execute", self._count)
        self.change(lambda db: add(db, self.user, "a-hash", self.user.email))
        self.session_id = self.begin()

    def begin(self) -> UUID:
        begun = NewSession(uuid4(), self.user.user_id, datetime.now(UTC) + timedelta(hours=1), "password", None)
        self.change(lambda db: begin_session(db, begun))
        return begun.session_id

    def change(self, statements: Callable[[Connection], object]) -> None:
        self._database.ask_in_transaction_now(statements)

    def find(self, user_id: UUID | None = None) -> User | None:
        found = self._site.run(self.known.find(self.session_id, user_id or self.user.user_id))
        return None if found is None else found[0]

    def stop(self) -> None:
        event.remove(self._database.engine, "before_cursor_execute", self._count)

    def _count(self, _db: object, _cursor: object, statement: str, *_: object) -> None:
        self.looks += statement.startswith("SELECT") and "FROM auth.sessions" in statement


@pytest.fixture
def session(state: AppState, site: Site) -> Iterator[KnownSession]:
    made = KnownSession(state, site)
    yield made
    made.stop()


def test_a_session_is_looked_up_once_while_nothing_changes(session: KnownSession) -> None:
    assert [session.find() for _ in range(20)] == [session.user] * 20
    assert session.looks == 1


def test_a_known_session_is_found_for_its_own_user_alone(session: KnownSession) -> None:
    assert session.find() is not None
    assert session.find(uuid4()) is None


def test_a_session_that_is_over_is_looked_up_each_time(session: KnownSession) -> None:
    session.change(lambda db: end_session(db, session.session_id))
    assert [session.find() for _ in range(3)] == [None] * 3
    assert session.looks == 3


@pytest.mark.parametrize(
    "change",
    [
        lambda db, one: end_session(db, one.session_id),
        lambda db, one: end_every_session(db, one.user.user_id),
        lambda db, one: db.execute(delete(sessions).where(sessions.c.session_id == one.session_id)),
        lambda db, one: db.execute(delete(users).where(users.c.user_id == one.user.user_id)),
    ],
    ids=["an end", "an end of all", "a deletion of it", "a deletion of its user"],
)
@pytest.mark.parametrize("at_once", [True, False], ids=["by itself", "in a transaction"])
def test_a_session_s_end_counts_at_once(
    session: KnownSession, state: AppState, change: Callable[[Connection, KnownSession], object], at_once: bool
) -> None:
    assert session.find() == session.user
    ask = state.database.ask_now if at_once else state.database.ask_in_transaction_now
    ask(lambda db: change(db, session))
    assert session.find() is None


def test_a_user_s_new_role_counts_at_once(session: KnownSession) -> None:
    assert session.find() == session.user
    theirs = update(users).where(users.c.user_id == session.user.user_id)
    session.change(lambda db: db.execute(theirs.values(role="auditor")))
    assert session.find() == session.user._replace(role="auditor")


def test_an_answer_of_before_an_end_is_not_remembered_after_the_end(session: KnownSession) -> None:
    with ThreadPoolExecutor(3) as pool:
        for _ in range(ROUNDS):
            session.session_id = session.begin()
            looking = [pool.submit(session.find) for _ in range(2)]
            session.change(lambda db: end_session(db, session.session_id))
            assert session.find() is None
            assert {found.result() for found in looking} <= {session.user, None}
            assert session.find() is None


def test_an_answer_of_just_before_a_commit_is_not_remembered_after_the_commit(
    session: KnownSession, state: AppState
) -> None:
    seen: list[object] = []

    def look(_: Connection) -> None:
        if not seen:  # Its own look ends by a commit too.
            seen.append(None)
            seen[0] = session.find()

    event.listen(state.database.engine, "commit", look)
    try:
        session.change(lambda db: end_session(db, session.session_id))
    finally:
        event.remove(state.database.engine, "commit", look)
    assert seen == [session.user], "what ends it was not committed yet"
    assert session.find() is None


def test_an_end_by_another_process_counts_when_the_time_is_over(
    session: KnownSession, state: AppState, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(known_sessions, "SECONDS", 0.3)
    session.known = KnownSessions(state.database)
    assert session.find() == session.user
    other = Database(state.settings.database_url)
    other.ask_now(lambda db: end_session(db, session.session_id))
    other.close()
    time.sleep(0.4)
    assert session.find() is None


def test_a_request_of_an_account_looks_no_session_up_that_is_known_and_one_about_the_user_does(
    browser: Browser, session: KnownSession
) -> None:
    headers = {"Authorization": f"Bearer {browser.login()}"}
    browser.http.cookies.clear()
    assert browser.get("/alerts", headers=headers).status_code == 200
    before = session.looks
    assert [browser.get("/alerts", headers=headers).status_code for _ in range(5)] == [200] * 5
    assert session.looks == before
    assert [browser.get("/auth/me", headers=headers).status_code for _ in range(5)] == [200] * 5
    assert session.looks == before + 5
