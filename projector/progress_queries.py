"""How far the projection has come. The API imports `queries`."""

from sqlalchemy import Connection, select

from projector import tables
from projector.answers import ShardProgress


def progress(db: Connection) -> list[ShardProgress]:
    """Say how far each shard has been projected, in shard order; a shard without any event yet has no row."""
    table = tables.progress.c
    query = select(table.shard, table.seq, table.next_offset, table.time, table.current_at).order_by(table.shard)
    return [ShardProgress(*row) for row in db.execute(query)]


def current_at(db: Connection, shard: int) -> int:
    """Give the time (µs) at which the tables last had all of a shard; 0 before that."""
    query = select(tables.progress.c.current_at).where(tables.progress.c.shard == shard)
    return db.execute(query).scalar_one_or_none() or 0


def projected_seq(db: Connection, shard: int) -> int:
    """Give the last projected event's `seq` of a shard; 0 before the first."""
    query = select(tables.progress.c.seq).where(tables.progress.c.shard == shard)
    return db.execute(query).scalar_one_or_none() or 0
