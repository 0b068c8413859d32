"""How what a user may have so many of is counted: by one at a time, so that the last one is given once."""

from typing import Final

from sqlalchemy import Connection, text

# A lock of its own: nothing but a count waits for it.
_LOCK: Final = text("SELECT auth.hold_count(:whose)")


def hold(db: Connection, whose: str) -> None:
    """Let nobody else count what this one has until the transaction ends.

    It comes before the statement that counts, which sees what was there when the statement began.
    """
    db.execute(_LOCK, {"whose": whose})
