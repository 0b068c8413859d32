"""How a user is deleted: who they were, at once and in one statement; `closing` closes what they have open.

The row of the user stays, and says of them only which account was theirs: the ledger is kept whole. An interruption at
any point leaves a row that says `deleted_at` without `closed_at`, and every process of the API looks for those.
"""

import asyncio
from typing import Final
from uuid import UUID

import structlog
from sqlalchemy import Connection, Delete, Text, cast, delete, func, literal, select, update

from api.auth.caller import SignedInUser, in_person
from api.credentials.tokens import LIFETIME, now
from api.http.problems import LOGIN_TOO_OLD, ApiError
from api.store.database import Database
from api.store.tables import api_keys, known_addresses, sessions, users
from api.store.users import User
from api.venue.leaving import deletion_of_idle_keys
from projector import queries
from projector.queries.alert_queries import deletion_of_alerts

POSITIONS_MAX: Final = 500  # closed in one round


async def delete_user(database: Database, deletions: asyncio.Event, caller: SignedInUser) -> int:
    """Forget who the caller is and end all they could act with; gives how many positions are still to be closed.

    It takes a login, by whatever route it is asked for, and a recent one: LOGIN_TOO_OLD.
    """
    user = (await in_person(caller)).user
    if caller.began is None or caller.began < now() - LIFETIME:
        raise ApiError(LOGIN_TOO_OLD, "To delete yourself, sign in again first")
    positions = await database.ask_in_transaction(lambda db: _forgotten(db, user))
    deletions.set()
    structlog.get_logger().info("user deleted", account_id=user.account_id, open_positions=len(positions))
    return len(positions)


def _forgotten(db: Connection, user: User) -> list[queries.PositionRow]:
    """Forget a user, and list what is to be closed: both are known, or nothing was done."""
    forget(db, user.user_id)
    return open_positions(db, user.account_id)


def forget(db: Connection, user_id: UUID) -> None:
    """Take a user's personal data out of the database, with their sessions and every key; their email is free again.

    It is two statements, for a transaction: the first waits for what is being stored of the user, the second sees it.
    Keys of the venue stay while an order is open there: without them nobody could cancel it.
    """
    db.execute(select(users.c.user_id).where(users.c.user_id == user_id).with_for_update())
    gone = (
        update(users)
        .where(users.c.user_id == user_id, users.c.deleted_at.is_(None))
        .values(
            email=literal("deleted:") + cast(users.c.user_id, Text),
            email_key=None,
            name=None,
            password_hash="",
            role="user",
            deleted_at=func.now(),
        )
        .returning(users.c.user_id)
        .cte("gone")
    )
    theirs = [
        delete(one).where(one.c.user_id == user_id).cte(f"their_{one.name}")
        for one in (sessions, api_keys, known_addresses)
    ]
    theirs.append(deletion_of_idle_keys(user_id).cte("their_venue_keys"))
    db.execute(select(gone.c.user_id).add_cte(*theirs, deletion_of_users_alerts(user_id).cte("their_alerts")))


def deletion_of_users_alerts(user_id: UUID) -> Delete:
    """Give the statement that deletes a user's price alerts."""
    return deletion_of_alerts(select(users.c.account_id).where(users.c.user_id == user_id))


def open_positions(db: Connection, account_id: str) -> list[queries.PositionRow]:
    """List what an account has open, as many positions as are closed in one round."""
    return queries.positions(db, account_id, status="open", limit=POSITIONS_MAX).items
