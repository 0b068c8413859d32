"""Under which key a request's command is sent, and whether it waits for the outcome."""

import re
from typing import Annotated, Final, NamedTuple
from uuid import uuid4

from fastapi import Depends, Header

from api.dispatch.turns import SendingTurn
from api.http.problems import malformed
from api.http.times import now
from api.log.command_producer import DEADLINE_S
from schemas.ids import keyed_command_id
from schemas.units import SECOND

RESPOND_ASYNC: Final = "respond-async"
KEY: Final = r"[!-~]([ -~]{0,253}[!-~])?"
_KEY: Final = re.compile(KEY, re.ASCII)


class RequestOptions(NamedTuple):
    """The caller's key, without the quotes it may come in, and whether to answer at once.

    turn: the command's place among those that came over the same connection, where these keep their order.
    """

    key: str | None
    respond_async: bool
    turn: SendingTurn | None = None

    def under(self, fallback: str | None) -> "RequestOptions":
        """Take another key where the caller named none."""
        return self if self.key is not None else self._replace(key=fallback)

    def command_id(self, account_id: str) -> str:
        """Give the command's id: always the same for a key, a new one without."""
        return str(uuid4()) if self.key is None else keyed_command_id(account_id, self.key)


async def key_of(
    idempotency_key: Annotated[
        str | None,
        Header(
            description="the same key with the same content is executed once, for ever",
            pattern=f"^{KEY}$",
        ),
    ] = None,
) -> str | None:
    """Read the key a request may come with."""
    return read_key("Idempotency-Key", idempotency_key)


IdempotencyKey = Annotated[str | None, Depends(key_of)]


async def request_options(
    key: IdempotencyKey,
    prefer: Annotated[str | None, Header(description="`respond-async` answers 202 at once")] = None,
) -> RequestOptions:
    """Read the headers a command may come with."""
    return RequestOptions(key, prefers_async(prefer))


def prefers_async(prefer: str | None) -> bool:
    """Say whether who asks does not want to wait for the outcome."""
    wishes = {wish.split(";")[0].strip().lower() for wish in (prefer or "").split(",")}
    return RESPOND_ASYNC in wishes


def deadline() -> int:
    """Give the time until which a command sent now may be appended, in µs."""
    return now() + DEADLINE_S * SECOND


def read_key(pointer: str, value: str | None) -> str | None:
    """Read a key. A structured field's string has quotes; most clients send the bare text."""
    if value is None:
        return None
    key = value.strip()
    if len(key) > len('""') and key[0] == key[-1] == '"':
        key = key[1:-1]
    if not _KEY.fullmatch(key):
        raise malformed(pointer, "must be 1 to 255 printable ASCII characters")
    return key


OptionsDep = Annotated[RequestOptions, Depends(request_options)]
