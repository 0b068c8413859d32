"""How users register, sign in, stay signed in and sign out."""

from collections.abc import Callable, Collection
from datetime import timedelta
from functools import partial
from typing import Final, NamedTuple
from uuid import UUID, uuid4

import structlog
from sqlalchemy import Connection

from api.auth.caller import SignedInUser
from api.auth.origins import Origin
from api.credentials.credentials import Credentials
from api.credentials.throttle import (
    ACCOUNT_FAILURES_MAX,
    ADDRESS_FAILURES_MAX,
    KNOWN_ADDRESS,
    UNKNOWN,
    WINDOW_S,
    is_device,
    known_device,
)
from api.credentials.tokens import Tokens, new_refresh_token, now, refresh_hash
from api.http.problems import BAD_CREDENTIALS, EMAIL_TAKEN, TOKEN_INVALID, TOO_MANY_LOGINS, ApiError
from api.store import journal, known_addresses
from api.store import users as store
from api.store.database import Database
from api.store.users import NewSession, User
from api.users.emails import spellings_of
from api.users.opening import AccountOpener
from api.users.schemas import LoginRequest, RegisterRequest
from schemas.journal import DAYS_AT_MOST

REFRESH_LIFETIME: Final = timedelta(days=14)  # without a refresh a session is over
SESSION_MAX: Final = timedelta(days=DAYS_AT_MOST["password"])  # and then even with them
# Two tabs refresh at once with the same token, and a reply can be lost: for this long the first use is repeated.
GRACE: Final = timedelta(seconds=10)
NOBODY: Final = UUID(int=0)  # is known from nowhere, and asked about all the same


class Registered(NamedTuple):
    """A new user, and the place of their account's opening in the log, where it is known."""

    user: User
    headers: dict[str, str]


class CheckedLogin(NamedTuple):
    """Whose password it was, and the same place, where this login opened the account. verified: the password's hash."""

    user: User
    headers: dict[str, str]
    verified: str


class SessionTokens(NamedTuple):
    """The tokens of a session, and the same place, where this login opened the account.

    device_token: by which the device is known at its next login; null of a refresh.
    """

    token: str
    refresh_token: str
    headers: dict[str, str]
    device_token: str | None = None


def nothing_else(db: Connection) -> None:
    """Store nothing beside a user."""


async def register(
    opener: AccountOpener,
    database: Database,
    credentials: Credentials,
    request: RegisterRequest,
    origin: Origin,
    user_id: UUID | None = None,
    also: Callable[[Connection], object] = nothing_else,
) -> Registered:
    """Store a user and have their account opened; the user exists even where the opening is not seen in time.

    also: what is stored with the user, or neither is.
    """
    user = User(user_id or uuid4(), request.email, request.name, "user", str(uuid4()), account_opened=False)
    password_hash = await credentials.passwords.hash_first(request.password, origin.has_left, origin.address)

    spellings = spellings_of(user.email)

    def stored(db: Connection) -> bool:
        store.hold_email(db, spellings.key)
        is_new = store.find_login(db, *spellings) is None and store.add(db, user, password_hash, spellings.key)
        if is_new:
            also(db)
        return is_new

    if not await database.ask_in_transaction(stored):
        raise ApiError(EMAIL_TAKEN)
    return Registered(user, await opener.open(user))


async def login(
    opener: AccountOpener, database: Database, credentials: Credentials, request: LoginRequest, origin: Origin
) -> SessionTokens:
    """Begin a session that can be refreshed."""
    user, headers, verified = await check_login(opener, database, credentials, request, origin)
    session_id, began, refresh_token = uuid4(), now(), new_refresh_token()
    session = NewSession(
        session_id=session_id,
        user_id=user.user_id,
        expires_at=began + REFRESH_LIFETIME,
        how="password",
        verified=verified,
        refresh_token_hash=refresh_hash(refresh_token),
        device=origin.device,
        network=origin.network,
        address_hash=credentials.tokens.address_hash(user.user_id, origin.address),
    )
    await begin(database, session)
    device_token = credentials.tokens.issue_device(user.user_id, began)
    token = credentials.tokens.issue(user.user_id, session_id, began)
    return SessionTokens(token, refresh_token, headers, device_token)


async def begin(database: Database, session: NewSession) -> None:
    """Store a session; 401 where the password that was right a moment ago is none any more."""
    if not await database.ask_in_transaction(lambda db: store.begin_session(db, session)):
        raise ApiError(BAD_CREDENTIALS)


async def check_login(
    opener: AccountOpener,
    database: Database,
    credentials: Credentials,
    request: LoginRequest,
    origin: Origin,
) -> CheckedLogin:
    """Give the user these credentials are of, whose account is open from their first login on, but for an auditor's.

    Whether the email is unknown or the password wrong, the answer is the same and takes as long.
    """
    spellings, address = spellings_of(request.email), origin.address
    found = await database.ask(lambda db: store.find_login(db, *spellings))
    user_id = NOBODY if found is None else found.user.user_id
    # By the user that is found, whatever was typed: no spelling has guesses of its own.
    account = spellings.key if found is None else str(user_id)
    known = await known_by(database, credentials.tokens, user_id, address, origin.device_token)
    await count_try(credentials, account, origin, known)
    try:
        matches, renewed = await credentials.passwords.verify(
            request.password, None if found is None else found.password_hash, origin.has_left, address
        )
    except ApiError:
        # Nothing was guessed.
        await credentials.throttle.withdraw(account, address, known)
        raise
    if found is None or not matches:
        whose = None if found is None else user_id
        await database.ask_in_transaction(lambda db: journal.append(db, "sign_in_refused", whose, detail="password"))
        raise ApiError(BAD_CREDENTIALS)
    await credentials.throttle.succeeded(account, address, known)
    user, verified = found.user, found.password_hash
    if renewed is not None:
        if not await database.ask(lambda db: store.change_hash(db, user.user_id, verified, renewed)):
            # Another login renewed it at the same moment, or the password was changed: which, the hash of now tells.
            return await check_login(opener, database, credentials, request, origin)
        verified = renewed
    return CheckedLogin(user, await opener.open_if_unopened(user), verified)


async def known_by(
    database: Database, tokens: Tokens, user_id: UUID, address: str, device_token: str | None = None
) -> str:
    """Say by what the one who tries a password is known: the device, the address, or nothing."""
    device_id = tokens.device_of(device_token, user_id)
    if device_id is not None:
        return known_device(device_id)
    hashed = tokens.address_hash(user_id, address)
    is_known = await database.ask(lambda db: known_addresses.is_known(db, user_id, hashed))
    return KNOWN_ADDRESS if is_known else UNKNOWN


async def count_try(credentials: Credentials, account: str, origin: Origin, known: str) -> None:
    """Count that a password is tried, right or wrong; 429 where too many are, or were wrong.

    account: the user's id, or the key of an email that is nobody's.
    A device that signed in before has a count of its own, and is not kept out by others at its address.
    """
    origin.count_login(f"account {account} {known}")
    if not is_device(known):
        origin.count_login(origin.address)
    wait = await credentials.throttle.begin(account, origin.address, known)
    if wait <= 0:
        return
    seconds = int(wait) + 1
    detail = f"Too many failed logins of this email or address; the next may be in {seconds} s"
    limits = {
        "account_failures_max": ACCOUNT_FAILURES_MAX,
        "address_failures_max": ADDRESS_FAILURES_MAX,
        "window_s": WINDOW_S,
    }
    raise ApiError(
        TOO_MANY_LOGINS, detail, headers={"Retry-After": str(seconds)}, details={**limits, "retry_after_s": seconds}
    )


async def refresh(database: Database, tokens: Tokens, refresh_token: str) -> SessionTokens:
    """Change a refresh token for the next one; a used one that comes again ends the session for whoever is in it."""
    hashed, following = refresh_hash(refresh_token), tokens.following(refresh_token)
    next_hash = refresh_hash(following)
    changed = await database.ask(
        lambda db: store.change_refresh_token(db, hashed, next_hash, REFRESH_LIFETIME, SESSION_MAX)
    )
    if changed is not None:
        return SessionTokens(tokens.issue(changed.user_id, changed.session_id, now()), following, {})
    session_id, user_id = await _again(database, hashed, next_hash)
    return SessionTokens(tokens.issue(user_id, session_id, now()), following, {})


async def logout(database: Database, caller: SignedInUser) -> None:
    """End the session the caller is in."""
    session_id = caller.session_id
    assert session_id is not None, "an API key has no session to end, and does not come here"
    await database.ask(lambda db: store.end_session(db, session_id))


async def logout_sessions(database: Database, session_ids: Collection[UUID]) -> None:
    """End sessions, whoever's they are."""
    for session_id in session_ids:
        await database.ask(partial(store.end_session, session_id=session_id))


async def logout_of(database: Database, refresh_token: str) -> bool:
    """End the session a refresh token is of; false where there is none."""
    found = await database.ask(lambda db: store.find_refresh_token(db, refresh_hash(refresh_token), GRACE))
    if found is None or not found.going_on:
        return False
    await database.ask(lambda db: store.end_session(db, found.session_id))
    return True


async def logout_everywhere(database: Database, caller: SignedInUser) -> None:
    """End every session of the caller's; API keys are no sessions, and stay."""
    await database.ask(lambda db: store.end_every_session(db, caller.user.user_id))


async def _again(database: Database, hashed: bytes, next_hash: bytes) -> tuple[UUID, UUID]:
    """Let a used token be used once more within the grace, while the one that followed waits; else it was stolen."""
    found = await database.ask(lambda db: store.find_refresh_token(db, hashed, GRACE))
    if found is None or not found.going_on:
        raise ApiError(TOKEN_INVALID)
    following = await database.ask(lambda db: store.find_refresh_token(db, next_hash, GRACE))
    if found.recent and following is not None and not following.used:
        return found.session_id, found.user_id
    structlog.get_logger().warning("a used refresh token came again", session_id=str(found.session_id))
    await database.ask(lambda db: store.end_session(db, found.session_id))
    raise ApiError(TOKEN_INVALID)
