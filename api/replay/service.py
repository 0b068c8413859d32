"""Whose replay may be asked for: one's own, and by those who see what administrators see, anybody's."""

from api.auth.caller import ADMIN_READERS, SignedInUser
from api.http.problems import FORBIDDEN, SCOPE_MISSING, ApiError


def account_for(caller: SignedInUser, account: str | None) -> str:
    """Give the account whose replay is asked for; a refusal says nothing of whether there is such an account."""
    if account is None or account == caller.account_id:
        return caller.account_id
    if caller.session_id is None:
        raise ApiError(SCOPE_MISSING, "An API key may replay its own account only; sign in")
    if caller.user.role not in ADMIN_READERS:
        raise ApiError(FORBIDDEN, "Only administrators and auditors may replay an account that is not theirs")
    return account
