"""Who may do what in an instance's own database: a role for each kind of program, and nobody above them.

The superuser that PostgreSQL is laid out with may not log in: what only it can do is done while no server runs.
"""

import hashlib
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
AUDIT: Final = "reprise_audit"  # reads
VENUE: Final = "reprise_venue"  # reads the venue keys of accounts
ROLES: Final = (OWNER, PROJECTOR, API, AUDIT, VENUE)

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
)
COMPARED: Final = ("journal", "sessions", "transfers", "transfer_acts", "broadcasts")
# Of single tables and columns: no digest of a password, a session or a token is anybody's but the API's.
OF_TABLES: Final = (
    f"GRANT {WRITE} ON {LEDGER}.alerts TO {API}",  # Users set them, and the projector fires them.
    # To hold the projector still while an alert is set; nothing is known by that column.
    f"GRANT UPDATE (current_at) ON {LEDGER}.progress TO {API}",
    f"GRANT USAGE ON SCHEMA {AUTH} TO {AUDIT}, {VENUE}",
    f"GRANT SELECT (user_id, account_id) ON {AUTH}.users TO {VENUE}",
    f"GRANT SELECT (user_id, account_id, role, deleted_at) ON {AUTH}.users TO {AUDIT}",
    f"GRANT SELECT (user_id, key_id, sealed) ON {AUTH}.venue_keys TO {VENUE}",
    f"GRANT SELECT ON {', '.join(f'{AUTH}.{table}' for table in COMPARED)} TO {AUDIT}",
)

# Nobody gets in without a password.
HOST_RULES: Final = "host all all 127.0.0.1/32 scram-sha-256\n"
LARGE_OBJECTS: Final = ("lo_creat(integer)", "lo_create(oid)", "lo_from_bytea(oid, bytea)")
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
LAID_OUT: Final = "reprise-roles.sha256"
TIMEOUT_S: Final = 300.0  # After a crash it reads its log first.


def lay_out_roles(folder: Path, alone: list[str], passwords: Mapping[str, str]) -> bool:
    """Give a database that no server runs its roles, and what it holds to their owner; true where it had no roles.

    folder: the data folder. alone: the command that runs `postgres --single` there, without the name of a database.
    passwords: of each role; where the superuser has one, of a database that is not an instance's, there are no others.
    """
    mark = folder / LAID_OUT
    rules = HOST_RULES if SUPERUSER in passwords else f"host all {SUPERUSER} all reject\n{HOST_RULES}"
    statements = _roles(passwords)
    wanted = hashlib.sha256(repr([rules, statements, _ownership()]).encode()).hexdigest()
    had_roles = mark.exists()
    if had_roles and mark.read_text(encoding="ascii") == wanted:
        return False
    said = _run(folder, [*alone, SUPERUSER], [*statements, "SELECT datname FROM pg_database"])
    if SUPERUSER not in passwords:
        if f'"{DATABASE}"' not in said:
            _run(folder, [*alone, SUPERUSER], [f"CREATE DATABASE {DATABASE} OWNER {OWNER}"])
        _run(folder, [*alone, DATABASE], _ownership())
    # In the file that initdb wrote, so that it stays the server's user's.
    (folder / "pg_hba.conf").write_text(rules, encoding="ascii")
    mark.write_text(wanted, encoding="ascii")
    return not had_roles


def grant(owner_url: str) -> None:
    """Give the roles their rights to the tables there are, and to those that migrations will make."""
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
        for statement in OF_TABLES:
            connection.execute(statement)


def _roles(passwords: Mapping[str, str]) -> list[str]:
    if SUPERUSER in passwords:
        return [f"ALTER ROLE {SUPERUSER} PASSWORD '{passwords[SUPERUSER]}'"]
    statements = []
    for role in ROLES:
        made = f"IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{role}') THEN CREATE ROLE {role}; END IF;"
        statements.append(f"DO $$ BEGIN {made} END $$")
        rights = "LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS"
        statements.append(f"ALTER ROLE {role} {rights} PASSWORD '{passwords[role]}'")
    # By the folder of its data a start knows the server from another one.
    return [
        *statements,
        f"GRANT pg_read_all_settings TO {OWNER}",
        f"ALTER ROLE {SUPERUSER} NOLOGIN PASSWORD NULL",
    ]


def _ownership() -> list[str]:
    """Make all there is in the database its owner's, and let in those who have something to do there."""
    return [
        f"ALTER DATABASE {DATABASE} OWNER TO {OWNER}",
        f"REVOKE ALL ON DATABASE {DATABASE} FROM PUBLIC",
        f"GRANT CONNECT ON DATABASE {DATABASE} TO {', '.join(ROLES)}",
        f"GRANT TEMPORARY ON DATABASE {DATABASE} TO {PROJECTOR}",  # What it copies goes into a temporary table first.
        # A role that only reads would store what it likes as large objects.
        f"REVOKE EXECUTE ON FUNCTION {', '.join(LARGE_OBJECTS)} FROM PUBLIC",
        " ".join(TO_OWNER.split()),  # A statement ends with its line.
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
