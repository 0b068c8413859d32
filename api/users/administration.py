"""How a user is made from the command line: the first admin, above all."""

from uuid import uuid4

from pydantic import ValidationError
from sqlalchemy import Connection

from api.credentials.passwords import Passwords
from api.http.sentences import sentence_of
from api.store import journal
from api.store import users as store
from api.store.database import Database
from api.store.users import Role, User
from api.users.emails import Spellings, spellings_of
from api.users.schemas import RegisterRequest
from runtime.errors import FixableError
from runtime.settings import Settings


def add_user(settings: Settings, email: str, role: Role, password: str) -> None:
    """Make a user, or give the one of this email the role and password; their account opens at their first login."""
    try:
        request = RegisterRequest(email=email, password=password)
    except ValidationError as error:
        fault = error.errors()[0]
        raise FixableError(f"{fault['loc'][0]}: {sentence_of(fault)[0]}") from error
    password_hash = Passwords().hash_now(request.password)
    user = User(uuid4(), request.email, None, role, str(uuid4()), account_opened=False)
    database = Database(settings.database_url)
    try:
        database.ask_in_transaction_now(lambda db: _store(db, user, password_hash, spellings_of(email)))
    finally:
        database.close()


def account_of(database_url: str, email: str) -> str | None:
    """Give the account of the user with this email; null where there is none."""
    spellings = spellings_of(email)
    database = Database(database_url)
    try:
        found = database.ask_now(lambda db: store.find_login(db, *spellings))
    finally:
        database.close()
    return None if found is None else found.user.account_id


def _store(db: Connection, user: User, password_hash: str, spellings: Spellings) -> None:
    store.hold_email(db, spellings.key)
    found = store.find_login(db, *spellings)
    if found is None and not store.add(db, user, password_hash, spellings.key):
        found = store.find_login(db, *spellings)  # A process of a version before stored them a moment ago.
    user_id = user.user_id if found is None else found.user.user_id
    if found is not None:
        store.set_role(db, user_id, user.role, password_hash)
    journal.append(db, "role_given", user_id, detail=user.role)
