"""Who may still ask for something over a connection that was signed in a while ago: a WebSocket.

A command over it is believed as one over HTTP is: the session must be going on, or the key not be revoked, as known
SECONDS ago at the oldest; the user's role and the key's scopes are those of now.
"""

from time import monotonic
from typing import Final

from api.app_state import AppState
from api.auth.caller import SignedInUser, refuse_auditor
from api.auth.key_permissions import check_command_scopes
from api.http.problems import SIGNATURE_INVALID, TOKEN_INVALID, ApiError
from api.store import api_keys as key_store
from api.store.known_sessions import SECONDS

TRADE: Final = ("trade",)


class ConnectionCaller:
    """Whoever signed a connection in; used on the loop only."""

    def __init__(self, state: AppState, signed: SignedInUser) -> None:
        self._app = state
        self._signed = signed
        self._looked_at = float("-inf")

    async def may_trade(self) -> SignedInUser:
        """Give who they are now; ApiError where they may send no commands, or are nobody any more."""
        await self._look()
        refuse_auditor(self._signed)
        check_command_scopes(TRADE, self._signed.scopes)
        return self._signed

    async def _look(self) -> None:
        signed = self._signed
        if signed.session_id is not None:
            found = await self._app.sessions.find(signed.session_id, signed.user.user_id)
            if found is None:
                raise ApiError(TOKEN_INVALID, "The session is over")
            self._signed = signed._replace(user=found[0])
        elif monotonic() - self._looked_at > SECONDS:
            began, key_id = monotonic(), signed.key_id
            assert key_id is not None, "who has no session has a key"
            key = await self._app.database.ask(lambda db: key_store.find_in_use(db, key_id))
            if key is None:
                raise ApiError(SIGNATURE_INVALID, "The API key was revoked")
            user = key.user._replace(email="", name=None)
            self._signed, self._looked_at = signed._replace(user=user, scopes=key.scopes), began
