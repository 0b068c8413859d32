"""How the audit sees PostgreSQL: as of one moment, and reading only; and which of its tables tell who did what."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from sqlalchemy import Connection, create_engine, text
from sqlalchemy.exc import SQLAlchemyError

from runtime.errors import FixableError
from runtime.postgres import why_unusable

CONNECT_TIMEOUT_S: Final = 5
# Compared with the log and with each other by `acts` and `journal`.
OF_ACTS: Final = frozenset({"auth.broadcasts", "auth.journal", "auth.sessions", "auth.transfer_acts", "auth.transfers"})
_HAS_JOURNAL: Final = text("SELECT to_regclass('auth.journal') IS NOT NULL")


@contextmanager
def database_as_of_now(database_url: str) -> Iterator[Connection]:
    """Give a connection that sees what there was at its first question; FixableError where there is none to ask."""
    engine = create_engine(
        database_url,
        connect_args={"application_name": "reprise-audit", "connect_timeout": CONNECT_TIMEOUT_S},
    ).execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
    try:
        with engine.begin() as db:
            yield db
    except SQLAlchemyError as error:
        why = why_unusable(getattr(error, "orig", error), database_url)
        raise FixableError(
            f"The database cannot be compared: {why}. Check DATABASE_URL, or leave it out with --no-database."
        ) from error
    finally:
        engine.dispose()


def has_journal(db: Connection) -> bool:
    """Say whether the API's tables are there, of a version that keeps a journal."""
    return bool(db.execute(_HAS_JOURNAL).scalar_one())
