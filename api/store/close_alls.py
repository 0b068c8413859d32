"""What is stored of requests to close everything, by their Idempotency-Key; each function is one statement."""

from sqlalchemy import Connection, select
from sqlalchemy.dialects.postgresql import insert

from api.store.tables import close_alls


def find(db: Connection, account_id: str, key: str) -> list[str] | None:
    """Give the positions that a key was used to close; null where it was not."""
    query = select(close_alls.c.position_ids).where(close_alls.c.account_id == account_id, close_alls.c.key == key)
    return db.execute(query).scalar_one_or_none()


def add(db: Connection, account_id: str, key: str, position_ids: list[str]) -> None:
    """Store the positions a key closes, unless some are stored."""
    values = {"account_id": account_id, "key": key, "position_ids": position_ids}
    db.execute(insert(close_alls).values(**values).on_conflict_do_nothing())
