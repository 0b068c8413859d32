"""The content of the tables, to compare two of them, or a table and the engine's state."""

from sqlalchemy import Engine, select

from projector.tables.schema import TABLES

Content = dict[str, list[tuple[object, ...]]]


def content(engine: Engine) -> Content:
    """Give every row of every table, sorted; without the projector's clock and offsets in the topic."""
    found: Content = {}
    with engine.connect() as db:
        for table in TABLES:
            columns = [column for column in table.c if column.name not in {"current_at", "next_offset"}]
            rows = [tuple(row) for row in db.execute(select(*columns))]
            found[table.name] = sorted(rows, key=repr)
    return found
