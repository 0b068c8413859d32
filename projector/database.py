"""How the projector connects to PostgreSQL, keeps its writers apart, and repeats what a server's failure broke off."""

from collections.abc import Callable
from threading import Event
from typing import Final, TypeVar

import psycopg
from sqlalchemy import Connection, Engine, TextClause, create_engine, text
from sqlalchemy.exc import InterfaceError, OperationalError
from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_exponential_jitter
from tenacity.nap import sleep_using_event
from tenacity.stop import stop_any, stop_when_event_set

CONNECT_TIMEOUT_S: Final = 5
STATEMENT_TIMEOUT_S: Final = 60
RETRY_S: Final = 30.0

# Advisory locks that keep the writers apart. Where each program has a role of its own, it takes its own by a function
# that migrations make, and no other lock.
MIGRATION_LOCK: Final = text(f"SELECT pg_advisory_xact_lock({0x5245_5052_0001})")
WRITE_LOCK: Final = text("SELECT ledger.hold_writes()")
HISTORY_LOCK: Final = text("SELECT ledger.hold_history()")
VENUE_LOCK: Final = text("SELECT ledger.hold_venue()")

# What a server that restarts, is away, or times out gives; COPY bypasses SQLAlchemy's names for it.
TRANSIENT_ERRORS = (OperationalError, InterfaceError, psycopg.OperationalError, psycopg.InterfaceError)

Result = TypeVar("Result")


def connect(database_url: str) -> Engine:
    """Make the one connection the projector writes through; it is opened on first use and again after a failure."""
    return create_engine(
        database_url,
        pool_size=1,
        max_overflow=0,
        pool_pre_ping=True,
        pool_timeout=CONNECT_TIMEOUT_S,
        connect_args={
            "connect_timeout": CONNECT_TIMEOUT_S,
            "application_name": "reprise-projector",
            # The tables follow from the log: a crash that forgets the last commits forgets the checkpoint with them,
            # and they are written again. So no commit waits for the disk.
            # The tables begin empty, and whatever is looked up in them is found by an index: neither a plan made while
            # a table was small nor a guess at one never looked at may have a batch go through all of it.
            "options": f"-c statement_timeout={STATEMENT_TIMEOUT_S}s -c synchronous_commit=off "
            "-c plan_cache_mode=force_custom_plan -c enable_seqscan=off",
            "keepalives_idle": 10,
            "keepalives_interval": 5,
            "keepalives_count": 3,
            "tcp_user_timeout": 30_000,
        },
    )


def hold_until_commit(db: Connection, lock: TextClause) -> None:
    """Wait for the lock, and give it back with the end of the transaction, however it ends."""
    db.execute(lock)


def retried(work: Callable[[], Result], failures: tuple[type[Exception], ...], stopping: Event) -> Result:
    """Do the work, again with growing pauses while it fails in one of these ways, for 30 s; then let the failure out.

    The work must be repeatable, also when it was done and only its answer was lost.
    """
    attempts = Retrying(
        retry=retry_if_exception_type(failures),
        wait=wait_exponential_jitter(multiplier=0.1, max=2.0),
        stop=stop_any(stop_after_delay(RETRY_S), stop_when_event_set(stopping)),
        sleep=sleep_using_event(stopping),
        reraise=True,
    )
    return attempts(work)
