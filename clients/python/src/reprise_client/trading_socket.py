"""Orders over a WebSocket that connects again by itself: each is answered there, or asked about, and executed once."""

import asyncio
import contextlib
import random
import time
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from itertools import count
from typing import Any, Final

import httpx
import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException

from reprise_client.addresses import is_local
from reprise_client.calls import ASK_AGAIN, ROOT, Answer, Calls, Json
from reprise_client.errors import NotSignedIn, Problem, StreamRefused, Unreachable, problem
from reprise_client.models import Command
from reprise_client.trading import Commands, Trading

IN_FLIGHT_MAX: Final = 256  # what the exchange takes of one socket
OPEN_TIMEOUT_S: Final = 10.0
LOOK_EVERY_S: Final = 30.0  # how often is looked whether the token is getting old
TICKET_EVERY_S: Final = 300.0  # how often who signs shows a new ticket
PAUSE_S: Final = 0.05
PAUSE_MAX_S: Final = 5.0
CLOSE_S: Final = 2.0
MESSAGE_MAX: Final = 16 * 1024 * 1024


class TradingSocket(Trading):
    """The calls of a client that trade, over one socket: many may wait for their outcomes at once.

    Commands of one socket get into the log in the order in which the calls were made, while it stays connected. Where
    it breaks off, each command in flight is asked about under its key over HTTP, and the socket connects again
    meanwhile; until it has, commands go over HTTP too.
    """

    def __init__(self, url: str, calls: Calls, *, timeout_s: float, patience_s: float) -> None:
        self._calls = calls
        self._timeout_s = timeout_s
        self._patience_s = patience_s
        self._url = url.replace("http", "ws", 1) + f"{ROOT}/ws"
        self._over_socket = _OverSocket(calls, self._attempt)
        self._socket: ClientConnection | None = None  # once it is signed in, and until it ends
        self._answers: dict[int, asyncio.Future[Json]] = {}
        self._numbers = count(1)
        self._turns = asyncio.Semaphore(IN_FLIGHT_MAX)
        self._first: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._keeping: asyncio.Task[None] | None = None

    @property
    def is_connected(self) -> bool:
        """Whether commands go over the socket now."""
        return self._socket is not None

    async def begin(self) -> None:
        """Connect and sign in. Unreachable where nobody answers in time, or the Problem that is the answer."""
        self._keeping = asyncio.create_task(self._keep())
        await asyncio.wait((self._first, self._keeping), return_when=asyncio.FIRST_COMPLETED)
        if not self._first.done():
            self._keeping.result()  # What ended it is a defect.
        await self._first

    async def end(self) -> None:
        """Let go of the socket; a call that still waits goes on over HTTP."""
        if self._keeping is not None:
            self._keeping.cancel()
            await asyncio.wait((self._keeping,))
            if not self._keeping.cancelled():
                self._keeping.result()  # What ended it before is a defect, or nothing.

    @property
    def _commands(self) -> Commands:
        return self._over_socket

    async def _attempt(self, method: str, path: str, body: Json | None, key: str, if_match: str | None) -> Answer:
        """Send a command once: over the socket while it is there, else over HTTP."""
        async with self._turns:
            socket = self._socket
            if socket is not None:
                op, args = operation_of(method, path, body)
                members = {"op": op, "args": args, "idempotency_key": key}
                members |= {} if if_match is None else {"if_match": if_match}
                with contextlib.suppress(NotSignedIn):  # Nothing was done; over HTTP the token is renewed.
                    return await self._ask(socket, members)
        return await self._calls.attempt(method, path, body, key, if_match)

    async def _ask(self, socket: ClientConnection, members: Mapping[str, Any]) -> Answer:
        number = next(self._numbers)
        answer: asyncio.Future[Json] = asyncio.get_running_loop().create_future()
        self._answers[number] = answer
        try:
            async with asyncio.timeout(self._timeout_s):
                await socket.send(msgspec.json.encode({"id": number, **members}).decode())
                content = await answer
        except TimeoutError as error:
            raise httpx.ReadTimeout("the exchange did not answer over the socket in time") from error
        except ConnectionClosed as error:
            raise httpx.ReadError(f"the socket ended: {error}") from error
        finally:
            del self._answers[number]
        return self._answer_of(content)

    def _answer_of(self, content: Json) -> Answer:
        """Give an outcome as a reply over HTTP, or raise the refusal it is."""
        position = content["ledger_position"]
        self._calls.note_position(position)
        if content["type"] == "error":
            document = {name: value for name, value in content["error"].items() if value is not None}
            raise problem(document["status"], document, content["retry_after_s"])
        body = content["data"]
        if content["etag"] is not None:
            body["etag"] = content["etag"]
        return Answer(content["status"], body, position, behind=False)

    async def _keep(self) -> None:
        """Connect, and again after each end, until it is ended, or is refused for a reason that does not pass."""
        pause, deadline = PAUSE_S, time.monotonic() + self._patience_s
        while True:
            try:
                async with connect(
                    self._url,
                    open_timeout=OPEN_TIMEOUT_S,
                    close_timeout=CLOSE_S,
                    max_size=MESSAGE_MAX,
                    proxy=None if is_local(self._url) else True,
                ) as socket:
                    async with asyncio.timeout(OPEN_TIMEOUT_S):
                        await self._greet(socket)
                    pause = PAUSE_S
                    await self._listen(socket)
                why: Exception = Unreachable("the exchange closed the socket")
            except Problem as refused:
                why = refused
                # A session that is over may begin again; until then what is sent goes over HTTP, whose answer says so.
                if refused.status not in ASK_AGAIN and not self._first.done():
                    self._tell_first(refused)
                    return
            except InvalidStatus as refused:
                why = refused
                status = refused.response.status_code
                if status not in ASK_AGAIN:
                    self._tell_first(StreamRefused(f"the exchange answered {status}"))
                    return
            except (OSError, TimeoutError, WebSocketException, httpx.TransportError) as error:
                why = error
            self._break_off(why)
            if time.monotonic() > deadline:
                self._tell_first(Unreachable(f"{self._url}: {why!r}"))
            await asyncio.sleep(pause)
            pause = min(PAUSE_MAX_S, pause * random.uniform(1.5, 2.5))  # noqa: S311  # It spreads the comers back.

    async def _greet(self, socket: ClientConnection) -> None:
        """Say who we are, and wait until that is believed."""
        await self._sign_in(socket)
        while True:
            content = msgspec.json.decode(await socket.recv())
            if content["type"] == "error":
                raise problem(content["error"]["status"], content["error"])
            if content["type"] == "ack":
                break
        self._socket = socket
        self._tell_first(None)

    async def _listen(self, socket: ClientConnection) -> None:
        renewing = asyncio.create_task(self._renew_for_ever(socket))
        try:
            async for text in socket:
                content = msgspec.json.decode(text)
                answer = self._answers.get(content.get("id"))
                if answer is not None and not answer.done():
                    answer.set_result(content)
                elif content["type"] == "server_shutdown":
                    self._socket = None  # What is in flight is still answered; what comes next is not taken any more.
        finally:
            renewing.cancel()
            self._break_off(ConnectionError("the socket ended"))

    def _break_off(self, why: Exception) -> None:
        """Let whoever waits for an answer ask in another way."""
        self._socket = None
        for answer in self._answers.values():
            if not answer.done():
                answer.set_exception(httpx.ReadError(f"the socket broke off: {why!r}"))

    def _tell_first(self, error: Exception | None) -> None:
        if self._first.done():
            return
        if error is None:
            self._first.set_result(None)
        else:
            self._first.set_exception(error)

    async def _sign_in(self, socket: ClientConnection) -> str | None:
        token = await self._calls.token()
        if self._calls.signs:
            await _say(socket, op="auth", ticket=await self._calls.ticket())
        elif token is None:
            raise problem(401, {"code": "NOT_AUTHENTICATED", "title": "Sign in first"})
        else:
            await _say(socket, op="auth", token=token)
        return token

    async def _renew_for_ever(self, socket: ClientConnection) -> None:
        """Show a new token, or ticket, before the one before it is over; else the socket ends, and signs in anew."""
        known = self._calls.current_token
        while True:
            await asyncio.sleep(TICKET_EVERY_S if self._calls.signs else LOOK_EVERY_S)
            with contextlib.suppress(httpx.TransportError, Problem, ConnectionClosed):
                if self._calls.signs:
                    await self._sign_in(socket)
                elif await self._calls.token() != known:
                    known = await self._sign_in(socket)


class _OverSocket:
    """Sends commands over a socket where it can."""

    def __init__(
        self, calls: Calls, attempt: Callable[[str, str, Json | None, str, str | None], Awaitable[Answer]]
    ) -> None:
        self._calls = calls
        self._attempt = attempt

    async def command(
        self, method: str, path: str, body: Json | None, key: str, if_match: str | None = None
    ) -> Answer | Command:
        """Have something done once; see `Calls.command`."""
        attempt = partial(self._attempt, method, path, body, key, if_match)
        return await self._calls.command(method, path, body, key, if_match, attempt=attempt)


def operation_of(method: str, path: str, body: Json | None) -> tuple[str, Json]:
    """Give the operation, and its arguments, that a request of REST is over the socket."""
    match (method, path.split("/")[1:]):
        case "POST", ["orders"]:
            return "order.place", body or {}
        case "POST", ["positions", "close-all"]:
            return "order.close_all", {}
        case "PATCH", ["positions", position_id]:
            return "order.amend", {"position_id": position_id, **(body or {})}
        case "POST", ["positions", position_id, "close"]:
            op = "order.close" if body is None else "order.reduce"
            return op, {"position_id": position_id, **(body or {})}
        case _:
            raise AssertionError(f"{method} {path} is no order")


async def _say(socket: ClientConnection, **content: Any) -> None:
    await socket.send(msgspec.json.encode(content).decode())
