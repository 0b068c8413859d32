"""How a user changes their password: whoever else is signed in as them is so no longer."""

from uuid import UUID

from sqlalchemy import Connection

from api.auth.caller import SignedInUser
from api.auth.origins import Origin
from api.credentials.credentials import Credentials
from api.http.problems import PASSWORD_WRONG, ApiError, malformed
from api.store import journal
from api.store import users as store
from api.store.database import Database
from api.store.sessions import end_other_sessions
from api.users.schemas import PasswordRequest
from api.users.service import count_try, known_by


async def change_password(
    database: Database, credentials: Credentials, caller: SignedInUser, request: PasswordRequest, origin: Origin
) -> None:
    """Store a new password and end every other session of the caller's.

    A wrong one of before counts as a failed login does: who found a session open guesses no more often than others.
    """
    user, session_id = caller.user, caller.session_id
    assert session_id is not None, "an API key does not come here"
    if request.new_password == request.password:
        raise malformed("/new_password", "is the password you have")
    account, address, has_left = str(user.user_id), origin.address, origin.has_left
    before = await database.ask(lambda db: store.find_password_hash(db, user.user_id))
    known = await known_by(database, credentials.tokens, user.user_id, address)
    await count_try(credentials, account, origin, known)
    try:
        matches, _ = await credentials.passwords.verify(request.password, before, has_left, address)
    except ApiError:
        # Nothing was guessed.
        await credentials.throttle.withdraw(account, address, known)
        raise
    if before is None or not matches:
        await database.ask_in_transaction(
            lambda db: journal.append(db, "sign_in_refused", user.user_id, detail="change of password")
        )
        raise ApiError(PASSWORD_WRONG, "The password is not the one you have now")
    await credentials.throttle.succeeded(account, address, known)
    after = await credentials.passwords.hash(request.new_password, has_left, address)
    if not await database.ask_in_transaction(lambda db: _change(db, user.user_id, session_id, before, after)):
        raise ApiError(PASSWORD_WRONG, "The password was changed at the same moment by another request")


def _change(db: Connection, user_id: UUID, kept: UUID, before: str, after: str) -> bool:
    if not store.change_hash(db, user_id, before, after):
        return False
    end_other_sessions(db, user_id, kept)
    journal.append(db, "password_changed", user_id)
    return True
