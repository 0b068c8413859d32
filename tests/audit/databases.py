"""Databases the tests of the audit are about: filled once by the projector's writer, and copied for each test."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Engine

from projector.database import connect
from projector.migrate import migrate
from projector.write.chain import ChainEntry, read_entry
from projector.write.writer import Writer
from tests.audit.logs import MemoryLog
from tests.conftest import new_database


@contextmanager
def migrated_database(server: str) -> Iterator[str]:
    """The name of a database with empty tables."""
    with new_database(server) as url:
        migrate(url)
        yield name_of(url)


@contextmanager
def projected(server: str, migrated: str, log: MemoryLog) -> Iterator[str]:
    """DATABASE_URL of a copy of an empty one that a projector has brought up to the end of a log."""
    with new_database(server, migrated) as url:
        engine = connect(url)
        write(engine, log)
        engine.dispose()
        yield url


def name_of(url: str) -> str:
    return url.rpartition("/")[2]


def write(engine: Engine, log: MemoryLog, until: int = 10**9) -> None:
    """Do what a projector does, in batches of an odd size."""
    writer = Writer(engine, log.shards)
    writer.load()
    entries: list[ChainEntry] = [
        read_entry(shard, record.offset, record.value)
        for shard, part in enumerate(log.parts)
        for record in part.events[:until]
    ]
    for start in range(0, len(entries), 77):
        writer.write(entries[start : start + 77])
