"""How users come to be, sign in, stay signed in and sign out, and how their account in the ledger is opened."""

from datetime import timedelta
from typing import Final, NamedTuple
from uuid import UUID, uuid4

import structlog
from sqlalchemy.exc import SQLAlchemyError

from api.app_state import AppState
from api.auth.caller import SignedInUser
from api.credentials.tokens import new_refresh_token, now, refresh_hash
from api.dispatch.dispatcher import Pending, ask
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


class SessionTokens(NamedTuple):
    """The tokens of a session, and the same place, where this login opened the account."""

    token: str
    refresh_token: str
    headers: dict[str, str]


async def register(state: AppState, request: RegisterRequest) -> Registered:
    """Store a user and have their account opened; the user exists even where the opening is not seen in time."""
    user = User(uuid4(), request.email, request.name, "user", str(uuid4()), account_opened=False)
    password_hash = await state.passwords.hash(request.password)
    if not await state.database.ask(lambda db: store.add(db, user, password_hash)):
        raise ApiError(EMAIL_TAKEN)
    return Registered(user, await open_account(state, user))


async def login(state: AppState, request: LoginRequest, address: str) -> SessionTokens:
    """Begin a session that can be refreshed."""
    user, headers = await check_login(state, request, address)
    session_id, began, refresh_token = uuid4(), now(), new_refresh_token()
    ends = began + REFRESH_LIFETIME
    await state.database.ask(lambda db: store.begin_session(db, session_id, user.user_id, ends))
    hashed = refresh_hash(refresh_token)
    await state.database.ask(lambda db: store.add_refresh_token(db, hashed, session_id, ends))
    return SessionTokens(state.tokens.issue(user.user_id, session_id, began), refresh_token, headers)


async def check_login(state: AppState, request: LoginRequest, address: str) -> Registered:
    """Give the user these credentials are of, whose account is open from their first login on.

    Whether the email is unknown or the password wrong, the answer is the same and takes as long.
    """
    email = request.email.strip().lower()
    wait = state.throttle.begin(email, address)
    if wait > 0:
        raise ApiError(TOO_MANY_LOGINS, headers={"Retry-After": str(int(wait) + 1)})
    try:
        found = await state.database.ask(lambda db: store.find_login(db, email))
    except SQLAlchemyError:
        # Nothing was guessed.
        state.throttle.withdraw(email, address)
        raise
    matches, renewed = await state.passwords.verify(request.password, None if found is None else found.password_hash)
    if found is None or not matches:
        raise ApiError(BAD_CREDENTIALS)
    state.throttle.succeeded(email, address)
    user = found.user
    if renewed is not None:
        await state.database.ask(lambda db: store.renew_hash(db, user.user_id, renewed))
    return Registered(user, {} if user.account_opened else await open_account(state, user))


async def refresh(state: AppState, refresh_token: str) -> SessionTokens:
    """Change a refresh token for the next one; a used one that comes again ends the session for whoever is in it."""
    hashed, following = refresh_hash(refresh_token), state.tokens.following(refresh_token)
    next_hash = refresh_hash(following)
    changed = await state.database.ask(
        lambda db: store.change_refresh_token(db, hashed, next_hash, REFRESH_LIFETIME, SESSION_MAX)
    )
    if changed is not None:
        return SessionTokens(state.tokens.issue(changed.user_id, changed.session_id, now()), following, {})
    session_id, user_id = await _again(state, hashed, next_hash)
    return SessionTokens(state.tokens.issue(user_id, session_id, now()), following, {})


async def logout(state: AppState, caller: SignedInUser) -> None:
    """End the session the caller is in."""
    session_id = caller.session_id
    assert session_id is not None, "an API key has no session to end, and does not come here"
    await state.database.ask(lambda db: store.end_session(db, session_id))


async def logout_of(state: AppState, refresh_token: str) -> bool:
    """End the session a refresh token is of; false where there is none."""
    found = await state.database.ask(lambda db: store.find_refresh_token(db, refresh_hash(refresh_token), GRACE))
    if found is None or not found.going_on:
        return False
    await state.database.ask(lambda db: store.end_session(db, found.session_id))
    return True


async def logout_everywhere(state: AppState, caller: SignedInUser) -> None:
    """End every session of the caller's; API keys are no sessions, and stay."""
    await state.database.ask(lambda db: store.end_every_session(db, caller.user.user_id))


async def open_account(state: AppState, user: User) -> dict[str, str]:
    """Send OpenAccount, the same one however often; note when it was seen. Gives the headers of its place."""
    command = OpenAccount(
        command_id=open_account_id(user.account_id),
        account_id=user.account_id,
        deadline=deadline(),
        first_deposit=DEMO_FIRST_DEPOSIT if state.settings.profile == "demo" else 0,
    )
    headers: dict[str, str] = {}
    try:
        reply = await ask(state, command)
        if isinstance(reply, Pending):
            return {}
        headers = reply.headers()
    except ApiError as error:
        if error.kind.code != Rejection.ACCOUNT_EXISTS.name:
            # The next login sends it again.
            structlog.get_logger().warning("account not opened", account_id=user.account_id, code=error.kind.code)
            return {}
    await state.database.ask(lambda db: store.mark_opened(db, user.user_id))
    return headers


async def _again(state: AppState, hashed: bytes, next_hash: bytes) -> tuple[UUID, UUID]:
    """Let a used token be used once more within the grace, while the one that followed waits; else it was stolen."""
    found = await state.database.ask(lambda db: store.find_refresh_token(db, hashed, GRACE))
    if found is None or not found.going_on:
        raise ApiError(TOKEN_INVALID)
    following = await state.database.ask(lambda db: store.find_refresh_token(db, next_hash, GRACE))
    if found.recent and following is not None and not following.used:
        return found.session_id, found.user_id
    structlog.get_logger().warning("a used refresh token came again", session_id=str(found.session_id))
    await state.database.ask(lambda db: store.end_session(db, found.session_id))
    raise ApiError(TOKEN_INVALID)
