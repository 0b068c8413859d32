"""What is stored about users and their sessions; each function is one statement but for the beginning of a session."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Final, Literal, NamedTuple
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    and_,
    bindparam,
    delete,
    exists,
    func,
    insert,
    literal,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import insert as insert_or_skip

from api.store import journal, known_addresses
from api.store.tables import refresh_tokens, sessions, users

Role = Literal["user", "admin", "auditor"]
SignInMethod = Literal["password", "password, for a day"]


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


class Refreshed(NamedTuple):
    """The session whose refresh token was changed for the next, and its user."""

    session_id: UUID
    user_id: UUID


class RefreshToken(NamedTuple):
    """A refresh token there is. going_on: its session is, and it is not too old; recent: its use, if any, just was."""

    session_id: UUID
    user_id: UUID
    going_on: bool
    used: bool
    recent: bool


class NewSession(NamedTuple):
    """A session as a login begins it. verified: the hash that the password was compared with, if it was.

    address_hash: of the address it is begun from, if that is to be known from now on.
    """

    session_id: UUID
    user_id: UUID
    expires_at: datetime
    how: SignInMethod
    verified: str | None
    refresh_token_hash: bytes | None = None
    device: str | None = None
    network: str | None = None
    address_hash: bytes | None = None


USER: Final = tuple(users.c[name] for name in User._fields)
GOING_ON: Final = and_(sessions.c.ended_at.is_(None), sessions.c.expires_at > func.now())
# It runs on every request, so it is put together once.
_BY_SESSION: Final = (
    select(*USER, sessions.c.created_at)
    .join_from(sessions, users)
    .where(
        sessions.c.session_id == bindparam("session"),
        sessions.c.user_id == bindparam("user"),
        users.c.deleted_at.is_(None),
        GOING_ON,
    )
)


_HOLD_EMAIL: Final = text("SELECT auth.hold_email(:key)")


def hold_email(db: Connection, key: str) -> None:
    """Let no other transaction store a user of this key of an email until this one is over."""
    db.execute(_HOLD_EMAIL, {"key": key})


def add(db: Connection, user: User, password_hash: str, email_key: str) -> bool:
    """Store a user; false when the email is taken. email_key: held in this transaction, and found of nobody."""
    statement = (
        insert_or_skip(users)
        .values(**user._asdict(), email_key=email_key, password_hash=password_hash)
        .on_conflict_do_nothing(index_elements=[users.c.email])
        .returning(users.c.user_id)
    )
    return db.execute(statement).scalar_one_or_none() is not None


def is_not_deleted(user_id: UUID) -> ColumnElement[bool]:
    """Give the condition that a user has not been deleted, to be part of another statement."""
    return exists().where(users.c.user_id == user_id, users.c.deleted_at.is_(None))


def held(user_id: UUID) -> Select[tuple[UUID]]:
    """Give the user while they are not deleted, kept so until the statement or transaction is over.

    Whatever is stored of a user is selected from this: a deletion waits for it, or it finds nobody.
    """
    query = select(users.c.user_id).where(users.c.user_id == user_id, users.c.deleted_at.is_(None))
    return query.with_for_update(read=True, of=users)


def find_login(db: Connection, likeliest: Sequence[str], email_key: str) -> Login | None:
    """Find a user by the spellings their email may be stored under, else by what all its spellings share.

    The first spelling that is stored counts, and of several users of a key the one who was first.
    """
    query = (
        select(*USER, users.c.password_hash)
        .where(or_(users.c.email.in_(likeliest), users.c.email_key == email_key), users.c.deleted_at.is_(None))
        .order_by(users.c.created_at, users.c.user_id)
    )
    found = [Login(User(*row[:-1]), row[-1]) for row in db.execute(query)]
    place = {email: number for number, email in enumerate(likeliest)}
    return min(found, key=lambda login: place.get(login.user.email, len(place)), default=None)


def find_by_session(db: Connection, session_id: UUID, user_id: UUID) -> tuple[User, datetime] | None:
    """Find the user of a session that is going on, and when it began."""
    row = db.execute(_BY_SESSION, {"session": session_id, "user": user_id}).one_or_none()
    return None if row is None else (User(*row[:-1]), row[-1])


def begin_session(db: Connection, session: NewSession) -> bool:
    """Store a login, its first refresh token, its address and its line, and clear away sessions that are over.

    It is several statements, for a transaction. Nothing is stored where the password was changed since it was compared.
    """
    user_id, expires_at = session.user_id, session.expires_at
    who = held(user_id)
    if session.verified is not None:
        who = who.where(users.c.password_hash == session.verified)
    # Whoever changes the password meanwhile waits for this session, and ends it.
    if db.execute(who).scalar_one_or_none() is None:
        return False
    over = delete(sessions).where(sessions.c.user_id == user_id, sessions.c.expires_at < func.now()).cte("over")
    values = {name: getattr(session, name) for name in ("session_id", "user_id", "expires_at", "device", "network")}
    db.execute(insert(sessions).values(**values).add_cte(over))
    if session.refresh_token_hash is not None:
        token = {
            "token_hash": session.refresh_token_hash,
            "session_id": session.session_id,
            "expires_at": expires_at,
        }
        db.execute(insert(refresh_tokens).values(**token))
    if session.address_hash is not None:
        known_addresses.note(db, user_id, session.address_hash)
    journal.append(db, "signed_in", user_id, str(session.session_id), session.how)
    return True


def change_refresh_token(
    db: Connection, token_hash: bytes, next_hash: bytes, lifetime: timedelta, session_max: timedelta
) -> Refreshed | None:
    """Use a refresh token for the first time, store the next, and let the session go on; null where it cannot be."""
    # The user's row first, as a deletion takes it: neither waits for the other with a row that the other needs.
    going_on = (
        select(sessions.c.session_id)
        .join_from(refresh_tokens, sessions)
        .join(users, users.c.user_id == sessions.c.user_id)
        .where(refresh_tokens.c.token_hash == token_hash, users.c.deleted_at.is_(None), GOING_ON)
        .with_for_update(read=True, of=users)
        .cte("going_on")
    )
    used = (
        update(refresh_tokens)
        .where(
            refresh_tokens.c.token_hash == token_hash,
            refresh_tokens.c.used_at.is_(None),
            refresh_tokens.c.expires_at > func.now(),
            refresh_tokens.c.session_id == going_on.c.session_id,
        )
        .values(used_at=func.now())
        .returning(refresh_tokens.c.session_id)
        .cte("used")
    )
    until = func.least(func.now() + lifetime, sessions.c.created_at + session_max)
    lasting = (
        update(sessions)
        .where(sessions.c.session_id == used.c.session_id)
        .values(expires_at=until)
        .returning(sessions.c.session_id, sessions.c.user_id, sessions.c.expires_at)
        .cte("lasting")
    )
    # An expired one is refused whether it is known or not.
    old = (
        delete(refresh_tokens)
        .where(refresh_tokens.c.session_id == used.c.session_id, refresh_tokens.c.expires_at < func.now())
        .cte("old")
    )
    following = (
        insert(refresh_tokens)
        .from_select(
            ["token_hash", "session_id", "expires_at"],
            select(literal(next_hash, refresh_tokens.c.token_hash.type), lasting.c.session_id, lasting.c.expires_at),
        )
        .cte("following")
    )
    row = db.execute(select(lasting.c.session_id, lasting.c.user_id).add_cte(old, following)).one_or_none()
    return None if row is None else Refreshed(*row)


def find_refresh_token(db: Connection, token_hash: bytes, grace: timedelta) -> RefreshToken | None:
    """Find a refresh token, used or not."""
    columns = refresh_tokens.c
    query = (
        select(
            columns.session_id,
            sessions.c.user_id,
            and_(GOING_ON, columns.expires_at > func.now(), users.c.deleted_at.is_(None)),
            columns.used_at.is_not(None),
            func.coalesce(columns.used_at > func.now() - grace, True),
        )
        .join_from(refresh_tokens, sessions)
        .join(users, users.c.user_id == sessions.c.user_id)
        .where(columns.token_hash == token_hash)
    )
    row = db.execute(query).one_or_none()
    return None if row is None else RefreshToken(*row)


def going_on(db: Connection, session_ids: Collection[UUID]) -> set[UUID]:
    """Give those of some sessions that are not over."""
    table = sessions.c
    query = select(table.session_id).where(
        table.session_id == func.any(list(session_ids)), table.ended_at.is_(None), table.expires_at > func.now()
    )
    return set(db.execute(query).scalars())


def end_session(db: Connection, session_id: UUID) -> None:
    """End a session; its tokens are worth nothing from here on."""
    statement = update(sessions).where(sessions.c.session_id == session_id, sessions.c.ended_at.is_(None))
    db.execute(statement.values(ended_at=func.now()))


def end_every_session(db: Connection, user_id: UUID) -> None:
    """End all sessions of a user."""
    statement = update(sessions).where(sessions.c.user_id == user_id, sessions.c.ended_at.is_(None))
    db.execute(statement.values(ended_at=func.now()))


def find_password_hash(db: Connection, user_id: UUID) -> str | None:
    """Give the hash a user's password is compared with; null where they are deleted."""
    query = select(users.c.password_hash).where(users.c.user_id == user_id, users.c.deleted_at.is_(None))
    return db.execute(query).scalar_one_or_none()


def change_hash(db: Connection, user_id: UUID, before: str, after: str) -> bool:
    """Store another hash in place of this one; false where it is not the user's any more."""
    statement = update(users).where(
        users.c.user_id == user_id, users.c.password_hash == before, users.c.deleted_at.is_(None)
    )
    changed = statement.values(password_hash=after).returning(users.c.user_id)
    return db.execute(changed).scalar_one_or_none() is not None


def mark_opened(db: Connection, user_id: UUID) -> None:
    """Note that the account is open in the ledger."""
    db.execute(update(users).where(users.c.user_id == user_id).values(account_opened=True))


def set_role(db: Connection, user_id: UUID, role: Role, password_hash: str) -> None:
    """Give a user another role and password."""
    db.execute(update(users).where(users.c.user_id == user_id).values(role=role, password_hash=password_hash))
