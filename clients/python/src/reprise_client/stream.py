"""What happens: a WebSocket that connects again by itself, and gives each private event exactly once."""

import asyncio
import contextlib
import random
import time
from collections import deque
from collections.abc import AsyncGenerator, Sequence
from datetime import datetime
from typing import Any, Final, Literal, Self, TypeVar

import httpx
import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException

from reprise_client.addresses import is_local
from reprise_client.calls import ASK_AGAIN, ROOT, Calls
from reprise_client.calls import EXPIRED as TOKEN_EXPIRED
from reprise_client.errors import Problem, StreamRefused, Unreachable, problem

PRIVATE: Final = "account"
OPEN_TIMEOUT_S: Final = 10.0
RENEW_EVERY_S: Final = 30.0  # how often is looked whether the token is getting old
MESSAGE_MAX: Final = 16 * 1024 * 1024
PAUSE_S: Final = 0.05
PAUSE_MAX_S: Final = 5.0
EXPIRED: Final = 4401
BROKEN_OFF: Final = 1006
# Closed for a reason that passes: going away, broken off, failed, restarting, busy, slow, asked too much.
COME_BACK: Final = frozenset({1000, 1001, 1005, BROKEN_OFF, 1011, 1012, 1013, 4408, 4429})

Model = TypeVar("Model")


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """What a channel says. kind: a snapshot is how things stand, an update what came since.

    seq: in `account` the event's place among the account's events, without a gap.
    """

    channel: str
    seq: int
    ts: datetime
    kind: Literal["snapshot", "update"] = msgspec.field(name="type")
    data: Any

    def read(self, model: type[Model]) -> Model:
        """Give the data as a type: `AccountUpdate`, `AccountSnapshot`, `Ticker` or `Candle`."""
        return msgspec.convert(self.data, model)


class Stream:
    """Iterate over it. account_seq: of the last private message given; keep it to go on from there another day."""

    def __init__(
        self, url: str, channels: Sequence[str], calls: Calls, *, after: int | None, patience_s: float
    ) -> None:
        self.account_seq = after
        self._url = url.replace("http", "ws", 1) + f"{ROOT}/ws"
        self._channels = [channel for channel in channels if channel != PRIVATE]
        self._private = PRIVATE in channels
        self._calls = calls
        self._patience_s = patience_s
        self._answered = False  # by whom we are connected to
        self._messages = self._forever()
        self._heard: deque[Message] = deque()  # before anybody iterated
        self._next: asyncio.Future[Message] | None = None
        self._closed = False

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Message:
        """Give the next message. Who stops waiting for it, by a time-out say, misses nothing."""
        if self._closed:
            raise StopAsyncIteration
        if self._heard:
            return self._heard.popleft()
        if self._next is None:
            self._next = asyncio.ensure_future(anext(self._messages))
        coming = self._next
        try:
            await asyncio.wait((coming,))
        except asyncio.CancelledError:
            if coming.cancelled():
                self._next = None
                raise StopAsyncIteration from None
            raise  # What came in the same moment is for who asks next.
        self._next = None
        if coming.cancelled():
            raise StopAsyncIteration
        return coming.result()

    async def begin(self) -> None:
        """Wait until the account is followed: from then on whatever happens is told."""
        while self._private and self.account_seq is None:
            self._heard.append(await anext(self._messages))

    async def close(self) -> None:
        """Let go of the socket; whoever still waits for a message, or asks for one, is told that there is none."""
        self._closed = True
        if self._next is not None:
            self._next.cancel()
            await asyncio.wait((self._next,))
        await self._messages.aclose()

    async def _forever(self) -> AsyncGenerator[Message]:
        """Connect, and again after each end that passes, until nobody answered for as long as the patience lasts."""
        pause = PAUSE_S
        heard = time.monotonic()
        while True:
            try:
                async with (
                    connect(
                        self._url,
                        open_timeout=OPEN_TIMEOUT_S,
                        max_size=MESSAGE_MAX,
                        proxy=None if is_local(self._url) else True,
                    ) as socket,
                    contextlib.aclosing(self._session(socket)) as messages,
                ):
                    async for message in messages:
                        pause = PAUSE_S
                        yield message
                why: Exception = Unreachable("the exchange closed the stream")
            except ConnectionClosed as closed:
                why = closed
                await self._understand(closed)
            except Problem as refused:
                why = refused
                if refused.code == TOKEN_EXPIRED:
                    await self._renew_token()
                elif refused.status not in ASK_AGAIN:
                    raise
            except InvalidStatus as refused:
                why = refused
                status = refused.response.status_code
                if status not in ASK_AGAIN:
                    raise StreamRefused(f"the exchange answered {status}") from refused
            except (OSError, TimeoutError, WebSocketException, httpx.TransportError, Unreachable) as error:
                why = error
            if self._answered:
                self._answered, heard = False, time.monotonic()
            if time.monotonic() - heard > self._patience_s:
                raise Unreachable(f"{self._url}: {why!r}") from why
            await asyncio.sleep(pause)
            pause = min(PAUSE_MAX_S, pause * random.uniform(1.5, 2.5))  # noqa: S311  # It spreads the comers back.

    async def _understand(self, closed: ConnectionClosed) -> None:
        """Do what a close asks for, or raise where coming back would change nothing."""
        code = closed.rcvd.code if closed.rcvd is not None else BROKEN_OFF
        if code == EXPIRED:
            await self._renew_token()
        elif code not in COME_BACK:
            reason = closed.rcvd.reason if closed.rcvd is not None else ""
            raise StreamRefused(reason or "the exchange closed the stream", code) from closed

    async def _renew_token(self) -> None:
        """Have another token before we come back; a time without network is no reason to give up yet."""
        if self._calls.signs:
            return  # What we come back with is a new ticket.
        with contextlib.suppress(httpx.TransportError):
            await self._calls.renew(self._calls.current_token)

    async def _session(self, socket: ClientConnection) -> AsyncGenerator[Message]:
        """Give the messages of one connection."""
        token = await self._greet(socket)
        look_at = time.monotonic() + RENEW_EVERY_S
        asked_behind: int | None = None
        while True:
            if time.monotonic() >= look_at:
                token = await self._renew(socket, token)
                look_at = time.monotonic() + RENEW_EVERY_S
            try:
                async with asyncio.timeout(max(0.0, look_at - time.monotonic())):
                    content = msgspec.json.decode(await socket.recv())
                self._answered = True
            except TimeoutError:
                continue
            if "channel" not in content or content.get("type") not in {"snapshot", "update"}:
                _refuse_error(content)
                continue
            message = msgspec.convert(content, Message)
            if message.channel != PRIVATE:
                yield message
            elif message.kind == "snapshot":
                if message.seq < (self.account_seq or 0):
                    self._answered = False
                    raise Unreachable("what answers now is behind what was heard")
                self.account_seq = message.seq
                yield message
            elif self.account_seq is None or message.seq == self.account_seq + 1:
                self.account_seq = message.seq
                yield message
            elif message.seq > self.account_seq + 1 and asked_behind != self.account_seq:
                # Something is missing. What came too early is left out, and asked for with the rest.
                asked_behind = self.account_seq
                await _say(socket, op="resume", channel=PRIVATE, after=self.account_seq)

    async def _greet(self, socket: ClientConnection) -> str | None:
        """Say who we are, and what we want to hear; what was heard of `account` before goes on behind it."""
        token = await self._calls.token()
        if self._calls.signs:
            await _say(socket, op="auth", ticket=await self._calls.ticket())
        elif token is not None:
            await _say(socket, op="auth", token=token)
        fresh = [PRIVATE] if self._private and self.account_seq is None else []
        if self._channels or fresh:
            await _say(socket, op="subscribe", channels=[*self._channels, *fresh], id="1")
        if self._private and not fresh:
            await _say(socket, op="resume", channel=PRIVATE, after=self.account_seq)
        return token

    async def _renew(self, socket: ClientConnection, known: str | None) -> str | None:
        """Show a new token in place of one that is getting old."""
        token = await self._calls.token()
        if token is not None and token != known:
            await _say(socket, op="auth", token=token)
        return token


async def _say(socket: ClientConnection, **content: Any) -> None:
    await socket.send(msgspec.json.encode(content).decode())


def _refuse_error(content: dict[str, Any]) -> None:
    """Raise what the exchange says is wrong with what we asked."""
    if content.get("type") == "error":
        said = content["error"]
        raise problem(said["status"], said)
