"""How users come to be, sign in, stay signed in and sign out, and how their account in the ledger is opened."""

from datetime import timedelta
from typing import Final, NamedTuple
from uuid import UUID, uuid4

import structlog
from sqlalchemy.exc import SQLAlchemyError

from api.app_state import Parts
from api.auth.caller import Signed
from api.credentials.tokens import new_refresh_token, now, refresh_hash
from api.dispatch.dispatcher import Undecided, ask
from api.dispatch.request_options import deadline
from api.http.problems import BAD_CREDENTIALS, EMAIL_TAKEN, TOKEN_INVALID, TOO_MANY_LOGINS, ApiError
from api.store import users as store
from api.store.users import User
from api.users.schemas import LoginRequest, RegisterRequest
from schemas.commands import OpenAccount
from schemas.ids import open_account_id
from schemas.rejections import Rejection
from schemas.units import MICROS_PER_USDC

DEMO_FIRST_DEPOSIT: Final = 5_000 * MICROS_PER_USDC
REFRESH_LIFETIME: Final = timedelta(days=14)  # without a refresh a session is over
SESSION_MAX: Final = timedelta(days=90)  # and then even with them
# Two tabs refresh at once with the same token, and a reply can be lost: for this long the first use is repeated.
GRACE: Final = timedelta(seconds=10)


class Registered(NamedTuple):
    """A new user, and the place of their account's opening in the log, where it is known."""

    user: User
    headers: dict[str, str]


class SignedIn(NamedTuple):
    """The tokens of a session, and the same place, where this login opened the account."""

    token: str
    refresh_token: str
    headers: dict[str, str]


async def register(parts: Parts, request: RegisterRequest) -> Registered:
    """Store a user and have their account opened; the user exists even where the opening is not seen in time."""
    user = User(uuid4(), request.email, request.name, "user", str(uuid4()), account_opened=False)
    password_hash = await parts.passwords.hash(request.password)
    if not await parts.database.ask(lambda db: store.add(db, user, password_hash)):
        raise ApiError(EMAIL_TAKEN)
    return Registered(user, await open_account(parts, user))


async def login(parts: Parts, request: LoginRequest, address: str) -> SignedIn:
    """Begin a session that can be refreshed."""
    user, headers = await check_login(parts, request, address)
    session_id, began, refresh_token = uuid4(), now(), new_refresh_token()
    ends = began + REFRESH_LIFETIME
    await parts.database.ask(lambda db: store.begin_session(db, session_id, user.user_id, ends))
    hashed = refresh_hash(refresh_token)
    await parts.database.ask(lambda db: store.add_refresh_token(db, hashed, session_id, ends))
    return SignedIn(parts.tokens.issue(user.user_id, session_id, began), refresh_token, headers)


async def check_login(parts: Parts, request: LoginRequest, address: str) -> Registered:
    """Give the user these credentials are of, whose account is open from their first login on.

    Whether the email is unknown or the password wrong, the answer is the same and takes as long.
    """
    email = request.email.strip().lower()
    wait = parts.throttle.begin(email, address)
    if wait > 0:
        raise ApiError(TOO_MANY_LOGINS, headers={"Retry-After": str(int(wait) + 1)})
    try:
        found = await parts.database.ask(lambda db: store.find_login(db, email))
    except SQLAlchemyError:
        # Nothing was guessed.
        parts.throttle.withdraw(email, address)
        raise
    matches, renewed = await parts.passwords.verify(request.password, None if found is None else found.password_hash)
    if found is None or not matches:
        raise ApiError(BAD_CREDENTIALS)
    parts.throttle.succeeded(email, address)
    user = found.user
    if renewed is not None:
        await parts.database.ask(lambda db: store.renew_hash(db, user.user_id, renewed))
    return Registered(user, {} if user.account_opened else await open_account(parts, user))


async def refresh(parts: Parts, refresh_token: str) -> SignedIn:
    """Change a refresh token for the next one; a used one that comes again ends the session for whoever is in it."""
    hashed, following = refresh_hash(refresh_token), parts.tokens.following(refresh_token)
    next_hash = refresh_hash(following)
    changed = await parts.database.ask(
        lambda db: store.change_refresh_token(db, hashed, next_hash, REFRESH_LIFETIME, SESSION_MAX)
    )
    if changed is not None:
        return SignedIn(parts.tokens.issue(changed.user_id, changed.session_id, now()), following, {})
    session_id, user_id = await _again(parts, hashed, next_hash)
    return SignedIn(parts.tokens.issue(user_id, session_id, now()), following, {})


async def logout(parts: Parts, caller: Signed) -> None:
    """End the session the caller is in."""
    session_id = caller.session_id
    assert session_id is not None, "an API key has no session to end, and does not come here"
    await parts.database.ask(lambda db: store.end_session(db, session_id))


async def logout_of(parts: Parts, refresh_token: str) -> bool:
    """End the session a refresh token is of; false where there is none."""
    found = await parts.database.ask(lambda db: store.find_refresh_token(db, refresh_hash(refresh_token), GRACE))
    if found is None or not found.going_on:
        return False
    await parts.database.ask(lambda db: store.end_session(db, found.session_id))
    return True


async def logout_everywhere(parts: Parts, caller: Signed) -> None:
    """End every session of the caller's; API keys are no sessions, and stay."""
    await parts.database.ask(lambda db: store.end_every_session(db, caller.user.user_id))


async def open_account(parts: Parts, user: User) -> dict[str, str]:
    """Send OpenAccount, the same one however often; note when it was seen. Gives the headers of its place."""
    command = OpenAccount(
        command_id=open_account_id(user.account_id),
        account_id=user.account_id,
        deadline=deadline(),
        first_deposit=DEMO_FIRST_DEPOSIT if parts.settings.profile == "demo" else 0,
    )
    headers: dict[str, str] = {}
    try:
        reply = await ask(parts, command)
        if isinstance(reply, Undecided):
            return {}
        headers = reply.headers()
    except ApiError as error:
        if error.kind.code != Rejection.ACCOUNT_EXISTS.name:
            # The next login sends it again.
            structlog.get_logger().warning("account not opened", account_id=user.account_id, code=error.kind.code)
            return {}
    await parts.database.ask(lambda db: store.mark_opened(db, user.user_id))
    return headers


async def _again(parts: Parts, hashed: bytes, next_hash: bytes) -> tuple[UUID, UUID]:
    """Let a used token be used once more within the grace, while the one that followed waits; else it was stolen."""
    found = await parts.database.ask(lambda db: store.find_refresh_token(db, hashed, GRACE))
    if found is None or not found.going_on:
        raise ApiError(TOKEN_INVALID)
    following = await parts.database.ask(lambda db: store.find_refresh_token(db, next_hash, GRACE))
    if found.recent and following is not None and not following.used:
        return found.session_id, found.user_id
    structlog.get_logger().warning("a used refresh token came again", session_id=str(found.session_id))
    await parts.database.ask(lambda db: store.end_session(db, found.session_id))
    raise ApiError(TOKEN_INVALID)
