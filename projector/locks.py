"""Which advisory locks keep the projection's writers apart; numbers that stand nowhere else in the database."""

from typing import Final

from sqlalchemy import Connection, func, select

MIGRATE: Final = 0x5245_5052_0001
WRITE: Final = 0x5245_5052_0002
HISTORY: Final = 0x5245_5052_0003
VENUE: Final = 0x5245_5052_0004


def hold_until_commit(db: Connection, lock: int) -> None:
    """Wait for the lock, and give it back with the end of the transaction, however it ends."""
    db.execute(select(func.pg_advisory_xact_lock(lock)))
