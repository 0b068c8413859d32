"""Who may do what in an instance's own database: a role for each kind of program, and nobody above them.

The superuser that PostgreSQL is laid out with may not log in: what only it can do is done while no server runs, at each
start. A role may give itself another password and other settings; they last until then.
"""

import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import psycopg
from psycopg import sql

from runtime.errors import FixableError

SUPERUSER: Final = "postgres"
DATABASE: Final = "reprise"
OWNER: Final = "reprise"  # of the tables: migrates, backs up and restores
PROJECTOR: Final = "reprise_projector"  # writes what follows from the log
API: Final = "reprise_api"  # writes users, and reads what follows from the log
AUDIT: Final = "reprise_audit"  # reads; for programs of whoever operates the exchange
VERIFIER: Final = "reprise_verifier"  # reads the same, for `audit verify`: no program of theirs is in its way
VENUE: Final = "reprise_venue"  # reads the venue keys of accounts
# The most connections of each: twice what its programs have, as those of one that was killed may not be closed yet.
CONNECTIONS: Final = {
    OWNER: 24,  # a command each, of one or two
    PROJECTOR: 16,  # two of the projector, one of the back-fill, and one each while they look at the revision
    API: 48,  # 16 of a process, and of a second one beside it
    AUDIT: 8,
    VERIFIER: 64,  # one of each process that compares
    VENUE: 12,  # four of the worker
}
ROLES: Final = tuple(CONNECTIONS)

LEDGER: Final = "ledger"
AUTH: Final = "auth"
WRITE: Final = "SELECT, INSERT, UPDATE, DELETE"
READ: Final = "SELECT"
# Of every table of a schema.
RIGHTS: Final = (
    (PROJECTOR, LEDGER, WRITE),
    (API, AUTH, WRITE),
    (API, LEDGER, READ),
    (AUDIT, LEDGER, READ),
    (VERIFIER, LEDGER, READ),
)
COMPARED: Final = ("journal", "sessions", "transfers", "transfer_acts", "broadcasts")
# Of single tables and columns: no digest of a password, a session or a token is anybody's but the API's.
OF_TABLES: Final = (
    f"GRANT {WRITE} ON {LEDGER}.alerts TO {API}",  # Users set them, and the projector fires them.
    # To hold the projector still while an alert is set; nothing is known by that column.
    f"GRANT UPDATE (current_at) ON {LEDGER}.progress TO {API}",
    f"GRANT USAGE ON SCHEMA {AUTH} TO {AUDIT}, {VERIFIER}, {VENUE}",
    f"GRANT SELECT (user_id, account_id) ON {AUTH}.users TO {VENUE}",
    f"GRANT SELECT (user_id, account_id, role, deleted_at) ON {AUTH}.users TO {AUDIT}, {VERIFIER}",
    f"GRANT SELECT (user_id, key_id, sealed) ON {AUTH}.venue_keys TO {VENUE}",
    f"GRANT SELECT ON {', '.join(f'{AUTH}.{table}' for table in COMPARED)} TO {AUDIT}, {VERIFIER}",
    # Each takes its own locks, and nobody else's.
    f"GRANT EXECUTE ON FUNCTION {AUTH}.hold_journal(), {AUTH}.hold_count(text), {AUTH}.hold_email(text) TO {API}",
    f"GRANT EXECUTE ON FUNCTION {LEDGER}.hold_writes(), {LEDGER}.hold_history(), {LEDGER}.hold_venue() TO {PROJECTOR}",
)
# Of the database itself, once its tables are of this version: until then nobody has one open that a migration needs.
LET_IN: Final = (f"GRANT CONNECT ON DATABASE {DATABASE} TO {', '.join(ROLES)}",)
# Of these a role lifts none for itself.
TEMPORARY_FILES: Final = {PROJECTOR: "1GB", API: "1GB", AUDIT: "256MB", VERIFIER: "1GB", VENUE: "256MB"}
# These a program may set otherwise: they are against one that was forgotten.
TIMEOUTS: Final = {AUDIT: {"idle_in_transaction_session_timeout": "5min", "transaction_timeout": "1h"}}

# Nobody gets in without a password.
HOST_RULES: Final = "host all all 127.0.0.1/32 scram-sha-256\n"
# What PostgreSQL lets every role do: to take any lock by its number, and to store what it likes as large objects.
CLOSED: Final = """
DO $$ DECLARE it record; BEGIN
FOR it IN SELECT oid::regprocedure AS name FROM pg_proc WHERE pronamespace = 'pg_catalog'::regnamespace
    AND (proname ~ '^pg_(try_)?advisory_' OR proname IN ('lo_creat', 'lo_create', 'lo_from_bytea'))
    AND has_function_privilege('public', oid, 'EXECUTE') LOOP
    EXECUTE 'REVOKE EXECUTE ON FUNCTION ' || it.name || ' FROM PUBLIC';
END LOOP;
END $$
"""
# The owner's migrations take such a lock, and so do its functions that the services take theirs by.
OF_OWNER: Final = ("pg_advisory_xact_lock(bigint)", "pg_advisory_xact_lock(integer, integer)")
# What roles have set for themselves, in one database or in all.
UNSET: Final = """
DO $$ DECLARE it record; BEGIN
FOR it IN SELECT rolname, datname FROM pg_db_role_setting JOIN pg_roles ON pg_roles.oid = setrole
    LEFT JOIN pg_database ON pg_database.oid = setdatabase LOOP
    EXECUTE 'ALTER ROLE ' || quote_ident(it.rolname)
        || coalesce(' IN DATABASE ' || quote_ident(it.datname), '') || ' RESET ALL';
END LOOP;
END $$
"""
# What another superuser's migrations made: schemas, tables with their indexes and sequences, functions.
TO_OWNER: Final = """
DO $$ DECLARE it record; BEGIN
FOR it IN SELECT oid::regnamespace AS name FROM pg_namespace WHERE nspname IN ('ledger', 'auth') LOOP
    EXECUTE 'ALTER SCHEMA ' || it.name || ' OWNER TO reprise';
END LOOP;
FOR it IN SELECT oid::regclass AS name FROM pg_class WHERE relkind IN ('r', 'p')
    AND relnamespace::regnamespace::text IN ('ledger', 'auth') LOOP
    EXECUTE 'ALTER TABLE ' || it.name || ' OWNER TO reprise';
END LOOP;
FOR it IN SELECT oid::regclass AS name FROM pg_class WHERE relkind IN ('S', 'v') AND NOT EXISTS
    (SELECT FROM pg_depend WHERE objid = pg_class.oid AND deptype IN ('a', 'i') AND refclassid = 'pg_class'::regclass)
    AND relnamespace::regnamespace::text IN ('ledger', 'auth') LOOP
    EXECUTE 'ALTER TABLE ' || it.name || ' OWNER TO reprise';
END LOOP;
FOR it IN SELECT oid::regprocedure AS name FROM pg_proc
    WHERE pronamespace::regnamespace::text IN ('ledger', 'auth') LOOP
    EXECUTE 'ALTER ROUTINE ' || it.name || ' OWNER TO reprise';
END LOOP;
FOR it IN SELECT oid::regtype AS name FROM pg_type WHERE typtype IN ('e', 'd')
    AND typnamespace::regnamespace::text IN ('ledger', 'auth') LOOP
    EXECUTE 'ALTER TYPE ' || it.name || ' OWNER TO reprise';
END LOOP;
END $$
"""
LAID_OUT: Final = "reprise-roles.sha256"  # There where a database has had its roles; an earlier version wrote a digest.
TIMEOUT_S: Final = 300.0  # After a crash it reads its log first.


def lay_out_roles(folder: Path, alone: list[str], passwords: Mapping[str, str]) -> bool:
    """Give a database that no server runs its roles, and what it holds to their owner; true where it had no roles.

    All of it each time, so that nothing is left of what a role has made of itself. Only the owner gets in by it: the
    others once `grant` was called.

    folder: the data folder. alone: the command that runs `postgres --single` there, without the name of a database.
    passwords: of each role; where the superuser has one, of a database that is not an instance's, there are no others.
    """
    mark = folder / LAID_OUT
    had_roles = mark.exists()
    if SUPERUSER in passwords:
        rules = HOST_RULES
        _run(folder, [*alone, SUPERUSER], [f"ALTER ROLE {SUPERUSER} PASSWORD '{passwords[SUPERUSER]}'"])
    else:
        rules = f"host all {SUPERUSER} all reject\n{HOST_RULES}"
        if not had_roles and f'"{DATABASE}"' not in _run(
            folder, [*alone, SUPERUSER], ["SELECT datname FROM pg_database"]
        ):
            _run(folder, [*alone, SUPERUSER], [f"CREATE DATABASE {DATABASE}"])
        _run(folder, [*alone, DATABASE], [*_roles(passwords), *_ownership()])
    # In the file that initdb wrote, so that it stays the server's user's.
    (folder / "pg_hba.conf").write_text(rules, encoding="ascii")
    mark.touch()
    return not had_roles


def grant(owner_url: str) -> None:
    """Give the roles their rights to the tables there are, and to those that migrations will make, and let them in."""
    with psycopg.connect(owner_url.replace("+psycopg", "", 1)) as connection:
        for role, schema, rights in RIGHTS:
            for statement in (
                "GRANT USAGE ON SCHEMA {schema} TO {role}",
                "GRANT {rights} ON ALL TABLES IN SCHEMA {schema} TO {role}",
                "ALTER DEFAULT PRIVILEGES IN SCHEMA {schema} GRANT {rights} ON TABLES TO {role}",
                *(
                    (
                        "GRANT USAGE ON ALL SEQUENCES IN SCHEMA {schema} TO {role}",
                        "ALTER DEFAULT PRIVILEGES IN SCHEMA {schema} GRANT USAGE ON SEQUENCES TO {role}",
                    )
                    if rights == WRITE
                    else ()
                ),
            ):
                names = {"schema": sql.Identifier(schema), "role": sql.Identifier(role), "rights": sql.SQL(rights)}
                connection.execute(sql.SQL(statement).format(**names))
        for statement in (*OF_TABLES, *LET_IN):
            connection.execute(statement)


def _roles(passwords: Mapping[str, str]) -> list[str]:
    statements = []
    for role, connections in CONNECTIONS.items():
        made = f"IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{role}') THEN CREATE ROLE {role}; END IF;"
        statements.append(f"DO $$ BEGIN {made} END $$")
        rights = "LOGIN INHERIT NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS"
        limits = f"CONNECTION LIMIT {connections} VALID UNTIL 'infinity'"
        statements.append(f"ALTER ROLE {role} {rights} {limits} PASSWORD '{passwords[role]}'")
    statements.append(" ".join(UNSET.split()))  # A statement ends with its line.
    statements += [f"ALTER ROLE {role} SET temp_file_limit = '{most}'" for role, most in TEMPORARY_FILES.items()]
    for role, timeouts in TIMEOUTS.items():
        statements += [f"ALTER ROLE {role} SET {name} = '{value}'" for name, value in timeouts.items()]
    # By the folder of its data a start knows the server from another one.
    return [
        *statements,
        f"GRANT pg_read_all_settings TO {OWNER}",
        f"ALTER ROLE {SUPERUSER} NOLOGIN PASSWORD NULL",
    ]


def _ownership() -> list[str]:
    """Make all there is in the database its owner's, and let in nobody else, there or into the others."""
    return [
        f"ALTER DATABASE {DATABASE} OWNER TO {OWNER}",
        f"ALTER DATABASE {DATABASE} WITH ALLOW_CONNECTIONS true CONNECTION LIMIT -1 IS_TEMPLATE false",
        f"ALTER DATABASE {DATABASE} RESET ALL",
        f"REVOKE ALL ON DATABASE {DATABASE}, {SUPERUSER}, template1 FROM PUBLIC, {', '.join(ROLES)} CASCADE",
        f"GRANT ALL ON DATABASE {DATABASE} TO {OWNER}",
        " ".join(CLOSED.split()),
        f"GRANT EXECUTE ON FUNCTION {', '.join(OF_OWNER)} TO {OWNER}",
        " ".join(TO_OWNER.split()),
    ]


def _run(folder: Path, command: list[str], statements: list[str]) -> str:
    """Run statements, one on a line, without a server; what they gave. FixableError with the first that failed."""
    done = subprocess.run(
        command,
        cwd=folder,
        input="".join(f"{statement}\n" for statement in statements),
        capture_output=True,
        text=True,
        errors="replace",
        timeout=TIMEOUT_S,
        check=False,
    )
    faults = [line for line in done.stderr.splitlines() if "ERROR:" in line or "FATAL:" in line or "PANIC:" in line]
    if done.returncode != 0 or faults:
        why = faults[0] if faults else done.stderr.strip() or f"exit code {done.returncode}"
        raise FixableError(f"The database in {folder} could not be given its roles: {why}")
    return done.stdout
