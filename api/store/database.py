"""How requests reach PostgreSQL: a bounded pool, asked from threads, with a written time-out.

The server ends a statement that takes too long; a server that is frozen, or behind a silent network, ends nothing, so
whoever asks waits no longer than a limit of their own.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final, TypeVar

from anyio import CapacityLimiter, to_thread
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from api.store.projection_waits import ProjectionWaits

Answer = TypeVar("Answer")

CONNECTIONS: Final = 16  # of all processes of the API together
CONNECTIONS_MIN: Final = 4  # of each
TIMEOUT_S: Final = 5
SILENT_S: Final = TIMEOUT_S + 1  # The server's own time-out comes first, where it still works.
AFTERWARDS_S: Final = 3  # So long an answer about what is decided waits for what could be said beside it.
# Of connections: after so long without an answer from the other machine the system gives them up.
GIVEN_UP: Final = {
    "keepalives_idle": TIMEOUT_S,
    "keepalives_interval": TIMEOUT_S,
    "keepalives_count": 3,
    "tcp_user_timeout": 4 * TIMEOUT_S * 1_000,
}


class DatabaseSilentError(PoolTimeoutError):
    """The database has not answered for seconds: a question may have been done, and its answer is lost."""


class Database:
    """Every question runs in a thread with a connection of its own; each statement is its own transaction.

    Where several must be stored together, `ask_in_transaction` has them. workers: processes that share the connections.
    """

    def __init__(self, url: str, workers: int = 1) -> None:
        connections = max(CONNECTIONS_MIN, CONNECTIONS // workers)
        self.engine = create_engine(
            url,
            pool_size=connections,
            max_overflow=0,
            pool_timeout=TIMEOUT_S,
            isolation_level="AUTOCOMMIT",
            # An error's text goes to the logs, and emails and hashes do not.
            hide_parameters=True,
            connect_args={
                "connect_timeout": TIMEOUT_S,
                # A process that was stopped amid a transaction keeps no lock from the others.
                "options": f"-c statement_timeout={TIMEOUT_S}s -c idle_in_transaction_session_timeout={TIMEOUT_S}s",
                "application_name": "reprise-api",
            }
            | GIVEN_UP,
        )
        # As many threads as connections: nobody holds a thread while waiting for the pool.
        self._threads = CapacityLimiter(connections)
        self.projection_waits = ProjectionWaits(self.ask)

    async def ask(self, question: Callable[[Connection], Answer]) -> Answer:
        """Run a question in a thread; SQLAlchemyError where the database does not answer."""
        return await self._in_thread(lambda: self.ask_now(question))

    async def ask_consistently(self, question: Callable[[Connection], Answer]) -> Answer:
        """Run several statements that all see the tables as of one moment."""

        def ask() -> Answer:
            with self.engine.connect() as connection:
                connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
                with connection.begin():
                    return question(connection)

        return await self._in_thread(ask)

    async def ask_in_transaction(self, question: Callable[[Connection], Answer]) -> Answer:
        """Run several statements that are all stored or none of them; each sees what others have stored by then."""
        return await self._in_thread(lambda: self.ask_in_transaction_now(question))

    def ask_in_transaction_now(self, question: Callable[[Connection], Answer]) -> Answer:
        """Run them in this thread."""
        with self.engine.connect() as connection:
            connection.execution_options(isolation_level="READ COMMITTED")
            with connection.begin():
                return question(connection)

    def ask_now(self, question: Callable[[Connection], Answer]) -> Answer:
        """Run a question in this thread."""
        with self.engine.connect() as connection:
            return question(connection)

    def close(self) -> None:
        """Close every connection."""
        self.engine.dispose()

    async def _in_thread(self, asking: Callable[[], Answer]) -> Answer:
        """Wait for a thread and its answer, a limited time; a thread that hangs keeps its place until then."""
        async with _limited(SILENT_S):
            return await to_thread.run_sync(asking, limiter=self._threads, abandon_on_cancel=True)


@asynccontextmanager
async def afterwards() -> AsyncIterator[None]:
    """Read what is to be said beside a decision; SQLAlchemyError soon, where the database is silent."""
    async with _limited(AFTERWARDS_S):
        yield


@asynccontextmanager
async def _limited(seconds: float) -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError as error:
        raise DatabaseSilentError(f"PostgreSQL has not answered for {seconds} seconds") from error


def answers(db: Connection) -> bool:
    """Say whether the database answers at all."""
    return bool(db.execute(text("SELECT true")).scalar_one())
