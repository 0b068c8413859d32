"""Which profile a start may have: the one its ledger has been under, unless another is meant."""

from typing import Final

from sqlalchemy import text

from runtime.errors import FixableError
from stack.one_connection import one_connection

# The journal notes each profile that the API was started with.
LAST: Final = text("SELECT detail FROM auth.journal WHERE act = 'profile' ORDER BY number DESC LIMIT 1")


def require_same_profile(profile: str, database_url: str, *, change: bool) -> None:
    """Raise FixableError where the instance's API was started with the other profile last, and no change is meant."""
    if change:
        return
    with one_connection(database_url) as connection:
        last = connection.execute(LAST).scalar_one_or_none()
    if last == "production" and profile == "demo":
        raise FixableError(
            "This instance is of the production profile, and this start is of the demo profile, in which users bring "
            "in money by themselves. Set REPRISE_PROFILE=production and the secrets of its starts before, or say "
            "--change-profile if you mean it."
        )
    if last == "demo" and profile == "production":
        raise FixableError(
            "This instance is of the demo profile: its users brought in money by themselves. Begin production in "
            "another folder, with --data, or say --change-profile if this ledger is to go on."
        )
