"""How far the projection has come."""

from sqlalchemy import Connection, select

from projector.queries.answers import ProjectionProgress
from projector.tables.ledger_tables import progress as progress_table


def progress(db: Connection) -> list[ProjectionProgress]:
    """Say how far each shard has been projected, in shard order; a shard without any event yet has no row."""
    table = progress_table.c
    query = select(table.shard, table.seq, table.next_offset, table.time, table.current_at).order_by(table.shard)
    return [ProjectionProgress(*row) for row in db.execute(query)]


def current_at(db: Connection, shard: int) -> int:
    """Give the time (µs) at which the tables last had all of a shard; 0 before that."""
    query = select(progress_table.c.current_at).where(progress_table.c.shard == shard)
    return db.execute(query).scalar_one_or_none() or 0


def projected_seq(db: Connection, shard: int) -> int:
    """Give the last projected event's `seq` of a shard; 0 before the first."""
    query = select(progress_table.c.seq).where(progress_table.c.shard == shard)
    return db.execute(query).scalar_one_or_none() or 0
