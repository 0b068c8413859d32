"""How a start asks the instance's database something: over a connection that is gone with the answer."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, create_engine


@contextmanager
def one_connection(database_url: str) -> Iterator[Connection]:
    """A connection for the length of a block; SQLAlchemyError where the database cannot be reached."""
    engine = create_engine(database_url)
    try:
        with engine.connect() as connection:
            yield connection
    finally:
        engine.dispose()
