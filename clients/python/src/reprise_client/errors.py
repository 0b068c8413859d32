"""What can go wrong when the exchange is asked, and what each says about what happened."""

from collections.abc import Mapping
from typing import Any


class RepriseError(Exception):
    """Anything this client raises of its own."""


class Unreachable(RepriseError):
    """Nobody answered, and nothing was changed: it was a question."""


class ClientClosed(RepriseError):
    """The client was closed; a command that still waited may have been executed."""


class OutcomeUnknown(RepriseError):
    """A command was sent, and nobody said in time what became of it: it may have been executed, or may yet be.

    Sent again under the same `key`, with the same content, it is executed at most once.
    """

    def __init__(self, key: str, command_id: str | None, why: str) -> None:
        super().__init__(f"what became of the command with key {key!r} is not known: {why}")
        self.key = key
        self.command_id = command_id


class Problem(RepriseError):
    """The exchange said no, in a problem document (RFC 9457). code: the refusal's name, e.g. INSUFFICIENT_MARGIN.

    retry_after_s: when to ask again, where it said so. document: everything it said.
    """

    def __init__(self, status: int, document: Mapping[str, Any], retry_after_s: float | None = None) -> None:
        self.status = status
        self.document = dict(document)
        self.code = str(document.get("code") or f"HTTP_{status}")
        self.detail = str(document.get("detail") or document.get("title") or "")
        self.retry_after_s = retry_after_s
        super().__init__(f"{self.code}: {self.detail}" if self.detail else self.code)


class NotSignedIn(Problem):
    """401: there are no credentials, or they are not good any more."""


class Forbidden(Problem):
    """403: these credentials may not do this."""


class NotFound(Problem):
    """404: there is no such thing, or it is not yours."""


class Refused(Problem):
    """409: the exchange's rules say no; nothing was changed."""


class Changed(Problem):
    """412: it is not any more as it was when its `etag` was read; read it again."""


class Malformed(Problem):
    """400 or 422: the request itself is wrong; `document["errors"]` names the fields."""


class TooMany(Problem):
    """429: asked too often; `retry_after_s` says when to go on."""


class Unavailable(Problem):
    """5xx: the exchange cannot answer now."""


class StreamRefused(RepriseError):
    """The WebSocket was closed or answered in a way that asking again does not change. code: the close code, if any."""

    def __init__(self, reason: str, code: int | None = None) -> None:
        super().__init__(reason if code is None else f"{reason} ({code})")
        self.code = code


_BY_STATUS = {
    400: Malformed,
    401: NotSignedIn,
    403: Forbidden,
    404: NotFound,
    409: Refused,
    412: Changed,
    422: Malformed,
    429: TooMany,
}
SERVER_ERRORS = 500


def problem(status: int, document: Mapping[str, Any], retry_after_s: float | None = None) -> Problem:
    """Give the error of a status."""
    kind = _BY_STATUS.get(status, Unavailable if status >= SERVER_ERRORS else Problem)
    return kind(status, document, retry_after_s)
