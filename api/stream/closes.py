"""Why the server ends a WebSocket, by code and reason."""

from typing import Final, NamedTuple


class SocketClose(NamedTuple):
    """Why the server ends a socket; also the reason's text."""

    code: int
    reason: str


SIGNED_OUT: Final = SocketClose(4401, "signed out")
REVOKED: Final = SocketClose(4401, "the API key was revoked")
EXPIRED: Final = SocketClose(4401, "sign in again")
SLOW: Final = SocketClose(4408, "too much waits unread")
TOO_MANY_MESSAGES: Final = SocketClose(4429, "too many messages")
TOO_LARGE: Final = SocketClose(1009, "the message is too large")
RESTART: Final = SocketClose(1012, "the server goes down")
