"""How the exchange is asked over HTTP: who is asking, what is asked again and when, and what an answer means.

Longer than 300 lines because what may be sent again, and when, is one question.
"""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any, Final, NamedTuple, TypeVar

import httpx
import msgspec

from reprise_client.errors import NotSignedIn, OutcomeUnknown, Problem, Unreachable, problem
from reprise_client.models import Command, Token

ROOT: Final = "/api/v1"
POSITION: Final = "Ledger-Position"  # `shard:seq` of a reply; a read that brings it sees at least that
VERSION: Final = "ETag"  # of a position
LAG: Final = "Projection-Lag"  # on a read that could not wait for that any longer
CSV: Final = "text/csv"
ZIP: Final = "application/zip"
RENEW_BEFORE_S: Final = 30.0
PAUSE_S: Final = 0.05
PAUSE_MAX_S: Final = 2.0
ACCEPTED: Final = 202
REFUSED: Final = 409
ERRORS: Final = 400
FAILED: Final = 500
BUSY: Final = 503
BEHIND: Final = "PROJECTION_BEHIND"
EXPIRED: Final = "TOKEN_EXPIRED"
# A refusal of one of these says nothing of an earlier attempt whose answer was lost; every other one is the
# command's own outcome, since a command under a known key is answered as it was before.
SAY_NOTHING: Final = frozenset({401, 403, 408, 425, 429, 500, 502, 503, 504})
ASK_AGAIN: Final = frozenset({408, 425, 429, 502, 503, 504})
STILL_RUNNING: Final = "KEY_IN_USE"

Json = dict[str, Any]
Wanted = TypeVar("Wanted")


class Answer(NamedTuple):
    """A reply that is no problem. position: how far the ledger was in it; behind: it is older than what we know of."""

    status: int
    body: Any
    position: str | None
    behind: bool


Attempt = Callable[[], Awaitable[Answer]]


class Calls:
    """One user's calls. patience_s: for how long a command or question is tried again. signs: by an API key."""

    def __init__(self, http: httpx.AsyncClient, patience_s: float, *, signs: bool = False) -> None:
        self.signs = signs
        self._http = http
        self._address = str(http.base_url).rstrip("/") + ROOT
        self._patience_s = patience_s
        self._token: str | None = None
        self._renew_at = 0.0
        self._position: str | None = None
        self._renewing = asyncio.Lock()

    @property
    def current_token(self) -> str | None:
        """The access token, whatever its age."""
        return self._token

    async def read(self, path: str, wanted: type[Wanted], **parameters: Any) -> Wanted:
        """Ask a question; it may be asked again without harm."""
        return msgspec.convert((await self._asked(path, parameters)).body, wanted)

    async def text(self, path: str, **parameters: Any) -> str:
        """Ask a question whose answer is text."""
        return str((await self._asked(path, parameters)).body)

    async def content(self, path: str, **parameters: Any) -> bytes:
        """Ask a question whose answer is a file."""
        found: bytes = (await self._asked(path, parameters)).body
        return found

    async def _asked(self, path: str, parameters: Mapping[str, Any]) -> Answer:
        given = {name: value for name, value in parameters.items() if value is not None}
        deadline, pause = time.monotonic() + self._patience_s, PAUSE_S
        while True:
            try:
                answer = await self._call("GET", path, parameters=given)
                if not answer.behind:
                    return answer
                wait_s = pause
                if time.monotonic() + wait_s > deadline:
                    raise problem(BUSY, {"code": BEHIND, "title": "What is told is older than what was done"})
            except httpx.TransportError as error:
                if time.monotonic() + pause > deadline:
                    raise Unreachable(f"GET {self._address}{path}: {error!r}") from error
                wait_s = pause
            except Problem as refused:
                wait_s = max(pause, refused.retry_after_s or 0.0)
                if refused.status not in ASK_AGAIN or time.monotonic() + wait_s > deadline:
                    raise
            await asyncio.sleep(wait_s)
            pause = _longer(pause)

    async def command(
        self,
        method: str,
        path: str,
        body: Json | None,
        key: str,
        if_match: str | None = None,
        *,
        accepts_waiting: bool = False,
        attempt: Attempt | None = None,
    ) -> Answer | Command:
        """Have something done once, however often it must be sent: the key makes all attempts one command.

        Gives the reply, or, where the outcome had to be asked for, the command. Raises the refusal that is its
        outcome, or OutcomeUnknown when nobody told it in time. accepts_waiting: 202 is the reply, of what the exchange
        has stored and says again by itself until it is done. attempt: sends it once, by another way than HTTP.
        """
        attempt = attempt or partial(self.attempt, method, path, body, key, if_match)
        deadline = time.monotonic() + self._patience_s
        pause = PAUSE_S
        command_id: str | None = None
        lost = False  # whether an attempt may have been executed without our knowing
        while True:
            try:
                answer = await attempt()
                if answer.status != ACCEPTED or accepts_waiting:
                    return answer
                lost = True
                # Of several commands under one key the same again tells how far they are.
                command_id = answer.body.get("command_id")
                settled = None if command_id is None else await self._settled(command_id, deadline)
                if settled is not None:
                    return settled
                wait_s, why = pause, "it is undecided"
            except httpx.TransportError as error:
                lost = lost or not isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout)
                wait_s, why = pause, repr(error)
                if time.monotonic() + wait_s > deadline and not lost:
                    raise Unreachable(f"{method} {self._address}{path}: {error!r}; it was not sent") from error
            except Problem as refused:
                wait_s, why = max(pause, refused.retry_after_s or 0.0), str(refused)
                running = refused.code == STILL_RUNNING
                if refused.status not in SAY_NOTHING and not running:
                    raise
                # A server that failed in the middle may have sent it on.
                lost = lost or running or refused.status in {FAILED, 502, 504}
                goes_on = refused.status in ASK_AGAIN or refused.status == FAILED or running
                if not goes_on or time.monotonic() + wait_s > deadline:
                    if lost:
                        raise OutcomeUnknown(key, command_id, why) from refused
                    raise
            if time.monotonic() + wait_s > deadline:
                raise OutcomeUnknown(key, command_id, why)
            await asyncio.sleep(wait_s)
            pause = _longer(pause)

    async def attempt(self, method: str, path: str, body: Json | None, key: str, if_match: str | None) -> Answer:
        """Send a command once, over HTTP."""
        headers = {"Idempotency-Key": key} | ({} if if_match is None else {"If-Match": if_match})
        return await self._call(method, path, body=body, headers=headers)

    def note_position(self, position: str | None) -> None:
        """Let reads see at least this place of the ledger, where a reply named one; of a shard the furthest counts."""
        if position is not None and _is_further(position, self._position):
            self._position = position

    async def send(self, method: str, path: str, body: Json | None = None) -> Any:
        """Do once what has no key; it is not sent again."""
        try:
            return (await self._call(method, path, body=body)).body
        except httpx.TransportError as error:
            raise Unreachable(f"{method} {self._address}{path}: {error!r}; whether it was done is not known") from error

    async def sign_in(self, email: str, password: str) -> None:
        """Begin a session; the refresh token is in a cookie."""
        self._token = None
        self._http.cookies.clear()
        deadline = time.monotonic() + self._patience_s
        pause = PAUSE_S
        while True:
            try:
                answer = await self._request("POST", "/auth/login", {"email": email, "password": password})
            except httpx.TransportError as error:
                if time.monotonic() + pause > deadline:
                    raise Unreachable(f"POST {self._address}/auth/login: {error!r}") from error
            else:
                self._believe(answer.body)
                return
            # A second session does no harm where the first one's answer was lost.
            await asyncio.sleep(pause)
            pause = _longer(pause)

    async def sign_out(self, path: str = "/auth/logout") -> None:
        """End the session, or by another path more than it."""
        await self.send("POST", path)
        self._forget()

    async def delete_user(self) -> int:
        """Delete the user who is signed in, and with them the session; gives how many positions are left to close."""
        left = await self.send("DELETE", "/auth/me")
        self._forget()
        return int(left["open_positions"])

    def _forget(self) -> None:
        self._token = self._position = None
        self._http.cookies.clear()

    async def renew(self, instead_of: str | None) -> None:
        """Get another access token, once for all who found the same one too old."""
        async with self._renewing:
            if self._token == instead_of:
                self._believe((await self._request("POST", "/auth/refresh")).body)

    async def token(self) -> str | None:
        """Give an access token that is still good for a while; null without a login."""
        if self._token is not None and time.monotonic() > self._renew_at:
            await self.renew(self._token)
        return self._token

    async def ticket(self) -> str:
        """Get a ticket, which says once who we are where a request cannot be signed: on a WebSocket."""
        return str((await self._call("POST", "/ws-ticket")).body["ticket"])

    async def _settled(self, command_id: str, deadline: float) -> Command | None:
        """Ask what became of a command until it is settled; null where nobody knows, and it may be sent again."""
        pause = PAUSE_S
        while True:
            try:
                answer = await self._call("GET", f"/commands/{command_id}")
                command = msgspec.convert(answer.body, Command)
                if command.status == "done":
                    return command
                if command.status == "rejected":
                    title = "The command was refused"
                    raise problem(REFUSED, {"code": command.code, "title": title, "command_id": command_id})
                if command.status == "unknown":
                    return None
            except httpx.TransportError:
                pass  # Asked again below; the command itself is not touched by a lost answer.
            except Problem as refused:
                if refused.status == 404:  # noqa: PLR2004  # Another process answers, which never heard of it.
                    return None
                if refused.status not in ASK_AGAIN:
                    raise
            if time.monotonic() + pause > deadline:
                return None
            await asyncio.sleep(pause)
            pause = _longer(pause)

    async def _call(
        self,
        method: str,
        path: str,
        *,
        body: Json | None = None,
        parameters: Json | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Send once; a second time only where the token was too old, since nothing was done then."""
        token = await self.token()
        try:
            answer = await self._request(method, path, body, parameters, headers)
        except NotSignedIn as refused:
            if token is None or refused.code != EXPIRED:
                raise
            await self.renew(token)
            answer = await self._request(method, path, body, parameters, headers)
        self.note_position(answer.position)
        return answer

    async def _request(
        self,
        method: str,
        path: str,
        body: Json | None = None,
        parameters: Json | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        own = {} if self._token is None else {"Authorization": f"Bearer {self._token}"}
        if self._position is not None:
            own[POSITION] = self._position
        given = own | dict(headers or {})
        return _answer(await self._http.request(method, ROOT + path, json=body, params=parameters, headers=given))

    def _believe(self, body: Any) -> None:
        token = msgspec.convert(body, Token)
        self._token = token.access_token
        self._renew_at = time.monotonic() + max(token.expires_in - RENEW_BEFORE_S, token.expires_in / 2)


def _answer(reply: httpx.Response) -> Answer:
    """Give a reply's content, or raise the problem it is."""
    if reply.status_code < ERRORS:
        body = _content(reply)
        if isinstance(body, dict) and VERSION in reply.headers:
            body["etag"] = reply.headers[VERSION]
        return Answer(reply.status_code, body, reply.headers.get(POSITION), LAG in reply.headers)
    try:
        document = msgspec.json.decode(reply.content, type=dict[str, Any])
    except msgspec.MsgspecError:
        # Something in between answered, not the exchange.
        document = {"detail": reply.text[:200]}
    after = reply.headers.get("Retry-After", "")
    raise problem(reply.status_code, document, float(after) if after.isdigit() else None)


def _content(reply: httpx.Response) -> Any:
    if reply.headers.get("Content-Type", "").startswith(CSV):
        return reply.text
    if reply.headers.get("Content-Type", "").startswith(ZIP):
        return reply.content
    return msgspec.json.decode(reply.content) if reply.content else None


def _longer(pause: float) -> float:
    """Wait longer each time, and not all at the same moment."""
    return min(PAUSE_MAX_S, pause * random.uniform(1.5, 2.5))  # noqa: S311  # It spreads retries; nothing is guessed.


def _is_further(position: str, than: str | None) -> bool:
    """Say whether `shard:seq` is behind another one of the shard; replies to calls at once come in any order."""
    shard, _, seq = position.partition(":")
    before, _, known = (than or "").partition(":")
    return before != shard or not (seq.isdigit() and known.isdigit()) or int(seq) >= int(known)
