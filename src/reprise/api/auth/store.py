"""What is stored about users and their sessions; each function is one statement."""

from datetime import datetime
from typing import Final, Literal, NamedTuple
from uuid import UUID

from sqlalchemy import Connection, bindparam, delete, func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as insert_or_skip

from reprise.api.tables import sessions, users

Role = Literal["user", "admin"]


class User(NamedTuple):
    """A user, and the account that is theirs."""

    user_id: UUID
    email: str
    name: str | None
    role: Role
    account_id: str
    account_opened: bool


class Login(NamedTuple):
    """A user, with what their password is compared with."""

    user: User
    password_hash: str


_USER: Final = tuple(users.c[name] for name in User._fields)
# Asked on every request, so it is put together once.
_BY_SESSION: Final = (
    select(*_USER)
    .join_from(sessions, users)
    .where(
        sessions.c.session_id == bindparam("session"),
        sessions.c.user_id == bindparam("user"),
        sessions.c.ended_at.is_(None),
        sessions.c.expires_at > func.now(),
    )
)


def add(db: Connection, user: User, password_hash: str) -> bool:
    """Store a user; false when the email is taken."""
    statement = (
        insert_or_skip(users)
        .values(**user._asdict(), password_hash=password_hash)
        .on_conflict_do_nothing(index_elements=[users.c.email])
        .returning(users.c.user_id)
    )
    return db.execute(statement).scalar_one_or_none() is not None


def find_login(db: Connection, email: str) -> Login | None:
    """Find a user by email."""
    row = db.execute(select(*_USER, users.c.password_hash).where(users.c.email == email)).one_or_none()
    return None if row is None else Login(User(*row[:-1]), row[-1])


def find_by_session(db: Connection, session_id: UUID, user_id: UUID) -> User | None:
    """Find the user of a session that is going on."""
    row = db.execute(_BY_SESSION, {"session": session_id, "user": user_id}).one_or_none()
    return None if row is None else User(*row)


def begin_session(db: Connection, session_id: UUID, user_id: UUID, expires_at: datetime) -> None:
    """Store a login, and clear away the user's sessions that are over."""
    over = delete(sessions).where(sessions.c.user_id == user_id, sessions.c.expires_at < func.now()).cte("over")
    values = {"session_id": session_id, "user_id": user_id, "expires_at": expires_at}
    db.execute(insert(sessions).values(**values).add_cte(over))


def end_session(db: Connection, session_id: UUID) -> None:
    """End a session; its tokens are worth nothing from here on."""
    statement = update(sessions).where(sessions.c.session_id == session_id, sessions.c.ended_at.is_(None))
    db.execute(statement.values(ended_at=func.now()))


def renew_hash(db: Connection, user_id: UUID, password_hash: str) -> None:
    """Store a password's hash under newer parameters."""
    db.execute(update(users).where(users.c.user_id == user_id).values(password_hash=password_hash))


def mark_opened(db: Connection, user_id: UUID) -> None:
    """Note that the account is open in the ledger."""
    db.execute(update(users).where(users.c.user_id == user_id).values(account_opened=True))


def set_role(db: Connection, email: str, role: Role, password_hash: str) -> None:
    """Give a user another role and password."""
    db.execute(update(users).where(users.c.email == email).values(role=role, password_hash=password_hash))
