"""How users come to be, sign in and out, and how their account in the ledger is opened."""

from typing import Final, NamedTuple
from uuid import uuid4

import structlog

from reprise.api.auth import store
from reprise.api.auth.caller import Signed
from reprise.api.auth.schemas import LoginRequest, RegisterRequest
from reprise.api.auth.store import User
from reprise.api.auth.tokens import LIFETIME, Claims, now
from reprise.api.commands.asking import deadline
from reprise.api.commands.service import Undecided, ask
from reprise.api.parts import Parts
from reprise.api.problems import BAD_CREDENTIALS, EMAIL_TAKEN, TOO_MANY_LOGINS, ApiError
from reprise.schemas.commands import OpenAccount
from reprise.schemas.ids import open_account_id
from reprise.schemas.rejections import Rejection
from reprise.schemas.units import MICROS_PER_USDC

DEMO_FIRST_DEPOSIT: Final = 5_000 * MICROS_PER_USDC


class Registered(NamedTuple):
    """A new user, and the place of their account's opening in the log, where it is known."""

    user: User
    headers: dict[str, str]


class SignedIn(NamedTuple):
    """An access token of a new session, and the same place, where this login opened the account."""

    token: str
    headers: dict[str, str]


async def register(parts: Parts, request: RegisterRequest) -> Registered:
    """Store a user and have their account opened; the user exists even where the opening is not seen in time."""
    user = User(uuid4(), request.email, request.name, "user", str(uuid4()), account_opened=False)
    password_hash = await parts.passwords.hash(request.password)
    if not await parts.database.ask(lambda db: store.add(db, user, password_hash)):
        raise ApiError(EMAIL_TAKEN)
    return Registered(user, await open_account(parts, user))


async def login(parts: Parts, request: LoginRequest, address: str) -> SignedIn:
    """Begin a session."""
    email = request.email.strip().lower()
    wait = parts.throttle.wait(email, address)
    if wait > 0:
        raise ApiError(TOO_MANY_LOGINS, headers={"Retry-After": str(int(wait) + 1)})
    found = await parts.database.ask(lambda db: store.find_login(db, email))
    matches, renewed = await parts.passwords.verify(request.password, None if found is None else found.password_hash)
    if found is None or not matches:
        parts.throttle.failed(email, address)
        raise ApiError(BAD_CREDENTIALS)
    parts.throttle.succeeded(email)
    user = found.user
    if renewed is not None:
        await parts.database.ask(lambda db: store.renew_hash(db, user.user_id, renewed))
    headers = {} if user.account_opened else await open_account(parts, user)
    claims, began = Claims(user.user_id, uuid4()), now()
    await parts.database.ask(lambda db: store.begin_session(db, claims.session_id, user.user_id, began + LIFETIME))
    return SignedIn(parts.tokens.issue(claims, began), headers)


async def logout(parts: Parts, caller: Signed) -> None:
    """End the session the caller is in."""
    await parts.database.ask(lambda db: store.end_session(db, caller.session_id))


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
