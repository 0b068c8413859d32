"""A role of an instance's database harms no other: by locks, settings, connections, other databases, or the disk."""

import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from typing import NamedTuple

import psycopg
import pytest
from psycopg import sql
from psycopg.errors import (
    ConfigurationLimitExceeded,
    InsufficientPrivilege,
    ProgramLimitExceeded,
)

from cli.backup.database import MIGRATIONS
from stack.instance import InstanceFolder
from stack.new_instance import database_of
from stack.passwords import passwords_of
from stack.postgres import SERVER_OPTIONS, alone_command
from stack.postgres_roles import (
    API,
    AUDIT,
    CONNECTIONS,
    DATABASE,
    LAID_OUT,
    OWNER,
    PROJECTOR,
    ROLES,
    SUPERUSER,
    VENUE,
    VERIFIER,
    grant,
)

pytestmark = pytest.mark.timeout(120)
OTHERS = tuple(role for role in ROLES if role != OWNER)
READERS = (AUDIT, VERIFIER, VENUE)
RESERVED = 3  # connections that PostgreSQL keeps for superusers
RESTARTING = 20  # connections that are left for whatever else
LOCKS = {
    "auth.hold_journal()": API,
    "auth.hold_count('whose')": API,
    "auth.hold_email('an email')": API,
    "ledger.hold_writes()": PROJECTOR,
    "ledger.hold_history()": PROJECTOR,
    "ledger.hold_venue()": PROJECTOR,
}
# What a role may do to itself.
SPOILING = (
    "ALTER ROLE CURRENT_USER SET statement_timeout = '1ms'",
    f"ALTER ROLE CURRENT_USER IN DATABASE {DATABASE} SET search_path = 'nowhere'",
    "ALTER ROLE CURRENT_USER PASSWORD 'mine'",
)
# What every role may in a database of an earlier version; and what the owner does to itself and its database.
EARLIER = (
    *(spoil.replace("CURRENT_USER", OWNER) for spoil in SPOILING),
    f"ALTER DATABASE {DATABASE} SET default_transaction_read_only = on",
    f"ALTER DATABASE {DATABASE} CONNECTION LIMIT 0",
    *(f"ALTER ROLE {role} CONNECTION LIMIT -1" for role in ROLES),
    f"GRANT CONNECT, TEMPORARY ON DATABASE {SUPERUSER}, template1 TO PUBLIC",
    f"GRANT CONNECT ON DATABASE {DATABASE} TO {', '.join(ROLES)}",
    "GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA pg_catalog TO PUBLIC",
)


class Running(NamedTuple):
    """A database that runs. let_in_early: who gets in while its tables are those of the version before."""

    port: str
    passwords: dict[str, str]
    let_in_early: list[str]

    def connect(self, role: str, database: str = DATABASE, **options: str) -> psycopg.Connection:
        place = f"host=127.0.0.1 port={self.port} dbname={database} user={role} password={self.passwords[role]}"
        return psycopg.connect(place, autocommit=True, **options)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """The database of an instance of the version before, each of whose roles has spoiled itself, started again."""
    shared = tmp_path_factory.mktemp("roles")
    shared.chmod(0o755)
    folder = InstanceFolder(shared / "data")
    folder.make()
    passwords = passwords_of(folder)
    with database_of(folder) as url:
        migrate(url)
        grant(url)
        before = Running(port_of(url), passwords, [])
        for role in OTHERS:
            with before.connect(role) as db:
                for spoil in SPOILING:
                    db.execute(spoil.encode())
    # That of an earlier version holds a digest.
    (folder.postgres / LAID_OUT).write_text("0" * 64, encoding="ascii")
    subprocess.run(
        [*alone_command(folder.postgres), DATABASE],
        cwd=folder.postgres,
        input="\n".join(EARLIER),
        text=True,
        capture_output=True,
        check=True,
    )
    with database_of(folder) as url:
        early = Running(port_of(url), passwords, [])
        let_in = [role for role in ROLES if is_let_in(early, role)]
        migrate(url)
        grant(url)
        yield early._replace(let_in_early=let_in)


def migrate(url: str) -> None:
    for migrations in MIGRATIONS.values():
        migrations.migrate(url)


def port_of(url: str) -> str:
    return url.rpartition(":")[2].partition("/")[0]


def is_let_in(running: Running, role: str, database: str = DATABASE) -> bool:
    try:
        running.connect(role, database).close()
    except psycopg.OperationalError as refused:
        if f'permission denied for database "{database}"' not in str(refused):
            raise
        return False
    return True


def refuses(db: psycopg.Connection, *statements: str) -> None:
    for statement in statements:
        with pytest.raises(InsufficientPrivilege):
            db.execute(statement.encode())


@pytest.mark.parametrize("role", OTHERS)
def test_a_role_takes_no_advisory_lock_by_its_number(running: Running, role: str) -> None:
    with running.connect(role) as db:
        every = db.execute(
            "SELECT oid, oid::regprocedure::text FROM pg_proc WHERE proname ~ '^pg_(try_)?advisory_'"
        ).fetchall()
        assert len(every) > 20
        for oid, name in every:
            assert db.execute("SELECT has_function_privilege(%s::oid, 'EXECUTE')", [oid]).fetchone() == (False,), name
        refuses(
            db,
            "SELECT pg_advisory_lock(hashtext('reprise.auth.journal'))",
            "SELECT pg_advisory_lock(90457653772290)",
            "SELECT pg_try_advisory_xact_lock_shared(1, 2)",
        )


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_of_a_service_is_taken_by_no_other_role(running: Running, lock: str) -> None:
    for role in ROLES:
        with running.connect(role) as db:
            if role in {LOCKS[lock], OWNER}:
                db.execute(f"SELECT {lock}".encode())
            else:
                refuses(db, f"SELECT {lock}")


def test_a_lock_of_a_service_is_held_until_its_transaction_ends(running: Running) -> None:
    with running.connect(API) as holder, running.connect(OWNER) as waiting, holder.transaction():
        holder.execute("SELECT auth.hold_journal()")
        waiting.execute("SET lock_timeout = '50ms'")
        with pytest.raises(psycopg.errors.LockNotAvailable):
            waiting.execute("SELECT auth.hold_journal()")
        waiting.execute("SELECT auth.hold_count('another')")


@pytest.mark.parametrize("role", READERS)
def test_a_role_that_reads_locks_no_row_and_no_table_against_who_writes(running: Running, role: str) -> None:
    with running.connect(role) as db:
        for table in ("ledger.progress", "ledger.accounts", "auth.journal", "auth.users"):
            refuses(db, f"SELECT 1 FROM {table} FOR SHARE")  # noqa: S608  # A name of above.
            for mode in ("ROW SHARE", "SHARE", "ACCESS EXCLUSIVE"):
                refuses(db, f"BEGIN; LOCK TABLE {table} IN {mode} MODE")
                db.rollback()


def test_only_the_owner_is_let_in_before_the_tables_are_of_this_version(running: Running) -> None:
    assert running.let_in_early == [OWNER]


@pytest.mark.parametrize("role", ROLES)
def test_a_role_has_at_the_next_start_nothing_left_of_what_it_made_of_itself(running: Running, role: str) -> None:
    with running.connect(role) as db:
        assert db.execute("SHOW statement_timeout").fetchone() == ("0",)
        assert db.execute("SHOW search_path").fetchone() == ('"$user", public',)
        if role != VENUE:
            db.execute("SELECT count(*) FROM ledger.accounts")


@pytest.mark.parametrize("role", ROLES)
def test_a_role_gets_into_no_database_but_the_exchange_s(running: Running, role: str) -> None:
    for database in (SUPERUSER, "template1"):
        assert not is_let_in(running, role, database)


def test_a_role_that_has_all_its_connections_is_refused_more_and_keeps_no_other_out(running: Running) -> None:
    with ExitStack() as held:
        for _ in range(CONNECTIONS[AUDIT]):
            held.enter_context(running.connect(AUDIT))
        with pytest.raises(psycopg.OperationalError, match=f'too many connections for role "{AUDIT}"'):
            running.connect(AUDIT)
        for role in set(ROLES) - {AUDIT}:
            running.connect(role).close()


def test_the_server_has_more_connections_than_all_roles_together() -> None:
    assert sum(CONNECTIONS.values()) + RESERVED + RESTARTING <= int(SERVER_OPTIONS["max_connections"])


@pytest.mark.parametrize("role", OTHERS)
def test_a_query_of_a_role_fills_no_disk_and_the_role_lifts_no_bound_of_that(running: Running, role: str) -> None:
    with running.connect(role) as db:
        (bound,) = db.execute("SHOW temp_file_limit").fetchone() or ("",)
        assert bound in {"256MB", "1GB"}
        refuses(db, "SET temp_file_limit = -1", "ALTER ROLE CURRENT_USER SET temp_file_limit = -1")
        refuses(db, "ALTER ROLE CURRENT_USER RESET temp_file_limit")
        if role == AUDIT:
            db.execute("SET work_mem = '64kB'")
            with pytest.raises(ConfigurationLimitExceeded, match="temp_file_limit"):
                db.execute(
                    "SELECT n FROM (SELECT n, repeat('x', 1000000) || n AS big FROM generate_series(1, 600) AS n)"
                    " AS made ORDER BY big"
                )
        else:  # The reader's settings are looked at elsewhere.
            db.execute("ALTER ROLE CURRENT_USER RESET ALL")
    with running.connect(role) as db:
        assert db.execute("SHOW temp_file_limit").fetchone() == (bound,)


def test_notifications_that_nobody_takes_fill_no_disk(running: Running) -> None:
    with running.connect(AUDIT) as listening, running.connect(AUDIT) as notifying:
        listening.execute("LISTEN flood")
        listening.execute("BEGIN")
        listening.execute("SELECT 1")
        with pytest.raises(ProgramLimitExceeded, match="too many notifications"):
            notifying.execute("SELECT pg_notify('flood', n || repeat('x', 7900)) FROM generate_series(1, 200) AS n")


def test_a_transaction_that_a_reader_forgets_is_ended(running: Running) -> None:
    with running.connect(AUDIT) as db:
        assert db.execute("SHOW idle_in_transaction_session_timeout").fetchone() == ("5min",)
        assert db.execute("SHOW transaction_timeout").fetchone() == ("1h",)


@pytest.mark.parametrize("role", OTHERS)
def test_a_role_becomes_no_other_and_sees_and_ends_no_query_of_another(running: Running, role: str) -> None:
    with running.connect(role) as db:
        refuses(db, *(f"SET ROLE {other}" for other in (SUPERUSER, *ROLES) if other != role))
        refuses(db, *(f"ALTER ROLE {other} PASSWORD 'mine'" for other in (SUPERUSER, *ROLES) if other != role))
        for other in set(ROLES) - {role}:
            with running.connect(other, application_name=f"of {other}") as theirs:
                pid = theirs.info.backend_pid
                seen = db.execute("SELECT query FROM pg_stat_activity WHERE pid = %s", [pid]).fetchall()
                assert seen == [("<insufficient privilege>",)]
                refuses(db, f"SELECT pg_cancel_backend({pid})", f"SELECT pg_terminate_backend({pid})")


@pytest.mark.parametrize("role", OTHERS)
def test_a_role_of_a_service_or_a_reader_makes_nothing_of_its_own(running: Running, role: str) -> None:
    with running.connect(role) as db:
        refuses(
            db,
            "CREATE TABLE public.mine (id int)",
            "CREATE TABLE ledger.mine (id int)",
            "CREATE TABLE auth.mine (id int)",
            "CREATE SCHEMA mine",
            "CREATE FUNCTION public.mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
            "CREATE DATABASE mine",
            "CREATE ROLE mine",
            "SELECT lo_creat(-1)",
            "SELECT lo_from_bytea(0, 'x')",
            "CREATE TEMPORARY TABLE mine (id int)",
        )


def test_the_reader_s_file_and_audit_verify_have_roles_that_read_the_same(running: Running) -> None:
    with running.connect(OWNER) as db:
        rights = sql.SQL(
            "SELECT table_schema, table_name, column_name, privilege_type FROM information_schema.column_privileges"
            " WHERE grantee = {} ORDER BY 1, 2, 3, 4"
        )
        of_reader, of_audit = (db.execute(rights.format(sql.Literal(role))).fetchall() for role in (AUDIT, VERIFIER))
        assert len(of_reader) > 100
        assert of_reader == of_audit
        assert {row[3] for row in of_reader} == {"SELECT"}
