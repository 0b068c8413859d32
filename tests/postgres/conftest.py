"""The database of the projection's tests: one of each test's own, with the tables made."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine

from projector.database import connect
from projector.migrate import migrate


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    migrate(database_url)
    engine = connect(database_url)
    yield engine
    engine.dispose()
