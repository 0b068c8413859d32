"""How an account's user data stream is followed over the venue's WebSocket API, and again after every break."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, Literal
from uuid import uuid4

import msgspec
import structlog
from sqlalchemy.exc import SQLAlchemyError
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidHandshake, WebSocketException

from runtime.addresses import is_local
from runtime.venue_keys import VenueKeys
from venue.backoff import backoff_pauses
from venue.binance import NotSent
from venue.signing import signed_message

OPEN_TIMEOUT_S: Final = 5.0
ANSWER_TIMEOUT_S: Final = 5.0
CLOSE_TIMEOUT_S: Final = 1.0
CHECK_NEEDED_S: Final = 30.0  # how often `needed` is checked
END_EVENTS: Final = frozenset({"eventStreamTerminated", "serverShutdown"})
OK: Final = 200

log = structlog.get_logger(__name__)


class StreamEnded(Exception):
    """The venue ended the stream, or did not begin it; the text says how."""


class UserDataStream:
    """Follows one account while it is needed. `connected` is called after each subscription: something was missed."""

    def __init__(
        self,
        url: str,
        account_id: str,
        keys: Callable[[], Awaitable[VenueKeys | None]],
        now_ms: Callable[[], Awaitable[int]],
        connected: Callable[[], None],
        execution: Callable[[Mapping[str, Any]], None],
        needed: Callable[[], bool],
    ) -> None:
        self._url = url
        self._account_id = account_id
        self._keys = keys
        self._now_ms = now_ms
        self._connected = connected
        self._execution = execution
        self._needed = needed

    async def follow(self) -> None:
        """Follow until it is not needed any more; a break costs a pause."""
        pauses = backoff_pauses()
        while self._needed():
            try:
                keys = await self._keys()
                if keys is not None:
                    await self._follow_once(keys)
                    pauses = backoff_pauses()
            except (
                OSError,
                ImportError,  # A SOCKS proxy is set, for which the library needs a package that is not installed.
                TimeoutError,
                WebSocketException,
                InvalidHandshake,
                StreamEnded,
                NotSent,
                SQLAlchemyError,
                msgspec.DecodeError,
            ) as error:
                log.info("stream broken", account_id=self._account_id, why=type(error).__name__)
            if self._needed():
                await asyncio.sleep(next(pauses))

    async def _follow_once(self, keys: VenueKeys) -> None:
        proxy: Literal[True] | None = None if is_local(self._url) else True
        async with connect(
            self._url, open_timeout=OPEN_TIMEOUT_S, close_timeout=CLOSE_TIMEOUT_S, proxy=proxy, max_size=1 << 20
        ) as connection:
            await self._subscribe(connection, keys)
            self._connected()
            while self._needed():
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(CHECK_NEEDED_S):
                        self._dispatch(await connection.recv())

    async def _subscribe(self, connection: ClientConnection, keys: VenueKeys) -> None:
        parameters: dict[str, str | int] = {"apiKey": keys.api_key, "timestamp": await self._now_ms()}
        request = {
            "id": str(uuid4()),
            "method": "userDataStream.subscribe.signature",
            "params": signed_message(parameters, keys.secret),
        }
        await connection.send(msgspec.json.encode(request).decode())
        async with asyncio.timeout(ANSWER_TIMEOUT_S):
            answer = msgspec.json.decode(await connection.recv())
        if answer.get("status") != OK:
            code = answer.get("error", {}).get("code")
            log.warning("the venue refused the stream", account_id=self._account_id, code=code)
            raise StreamEnded(f"refused with {code}")

    def _dispatch(self, message: str | bytes) -> None:
        event = msgspec.json.decode(message).get("event", {})
        kind = event.get("e")
        if kind in END_EVENTS:
            raise StreamEnded(str(kind))
        if kind == "executionReport":
            self._execution(event)
