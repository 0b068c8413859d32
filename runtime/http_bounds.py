"""What one client may take of an HTTP server: the bytes and seconds of a request, and connections."""

import asyncio
from typing import Any, Final, Literal, TypeVar, cast

from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from runtime.http_config import ServerConfig
from runtime.http_connections import Connections
from runtime.http_refusals import HEAD_TOO_LARGE, NOT_HTTP, REQUEST_TOO_SLOW, TOO_MANY_CONNECTIONS, HttpRefusal
from runtime.http_upgrades import UpgradingHttp

HEAD_MAX: Final = 32 * 1024  # bytes of a request's line, its headers and its trailers
FIELDS_MAX: Final = 128
# What a request may be in all: its body has a smaller limit of its own, but not how it is cut into chunks.
REQUEST_MAX: Final = 1024 * 1024
PIPELINED_MAX: Final = 16  # requests that wait for the answer to the one before
UNREAD_S: Final = 30.0  # in which a client must have read some of its answer
LINGER_S: Final = 2.0  # in which a refused client may read why

Phase = Literal["head", "body", "idle"]
Made = TypeVar("Made")


class BoundedHttp(UpgradingHttp):
    """uvicorn's protocol, which by itself takes headers without end and waits for a request as long as it takes.

    A connection waits on its client while a head or a body is not whole, and between requests; such a one gives way
    where another needs its place. One that gets no place is refused once its head says which page sends it.
    """

    config: ServerConfig

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._bounds: Connections = self.config.connections
        self._timer: asyncio.TimerHandle | None = None
        self._unread: asyncio.TimerHandle | None = None
        self._phase: Phase | None = None
        self._in_head, self._begun, self._over = True, True, False
        self._received = self._size = self._fields = 0
        self._refusal = NOT_HTTP
        self._last_words: bytes | None = None
        self._at_work: RequestResponseCycle | None = None
        self._newest: RequestResponseCycle | None = None  # null until its head is whole
        self._has_place = True
        self._serve = self.app
        self.app = self._serve_or_leave

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the connection where there is room for it."""
        super().connection_made(cast("asyncio.Transport", transport))
        address = _address_of(self.client)
        self._has_place = self._bounds.enter(self.transport, address, self._give_way)
        if not self._has_place:
            self._refusal = TOO_MANY_CONNECTIONS
        if self._has_place or self._bounds.refuse(self.transport):
            self._look()
        else:
            self._over = True
            self.transport.write(self._refusal_bytes(TOO_MANY_CONNECTIONS))
            self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """Free its place; uvicorn itself lets only the last of several requests know."""
        self._bounds.leave(self.transport)
        self._stop_timers()
        self._leave_answering()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse what came, unless it is of a client that was refused already."""
        self._begun = True
        self._received += len(data)
        if not self._over:
            super().data_received(data)
            if self.transport.get_protocol() is self:
                self._judge()
            else:  # It has become a WebSocket, whose bounds are its own.
                self._stop_timers()
                self._bounds.works(self.transport)
        elif self._received > REQUEST_MAX:
            self.transport.abort()

    async def _serve_or_leave(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request; one that a stop cuts off gets no answer: what became of it is not known."""
        try:
            await self._serve(scope, receive, send)
        except asyncio.CancelledError:
            self.transport.abort()
            raise

    def _judge(self) -> None:
        """Refuse what grows beyond its bound; what the parser holds of a header it has not passed on yet counts too."""
        if not self._over and self._received > (HEAD_MAX if self._in_head else REQUEST_MAX):
            self._refuse(HEAD_TOO_LARGE)
        self._look()

    def on_message_begin(self) -> None:
        """Count anew; what came before is not of this request."""
        super().on_message_begin()
        self._in_head, self._begun = True, True
        self._received = self._size = self._fields = 0
        self._newest = None

    def on_url(self, url: bytes) -> None:
        self._count(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header; what stands behind the body would be another's by now, and is dropped."""
        self._fields += 1
        self._count(len(name) + len(value))
        if self._in_head:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        if not self._has_place:
            raise _Refused
        self._in_head = False
        if len(self.pipeline) >= PIPELINED_MAX:
            raise _Refused
        before = _or_none(self.cycle)
        super().on_headers_complete()
        if self.cycle is not before:
            self._newest = self.cycle
        elif self._answering() is not None and not self._ignores_upgrade:
            raise _Refused  # The handshake of a WebSocket begins no request, and would be answered before this one.

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._at_work = cycle
        super()._start_asgi_task(cycle, app)

    def on_message_complete(self) -> None:
        self._in_head, self._begun = True, False
        self._received = 0
        super().on_message_complete()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.transport.is_closing():
            self._abort_if_unread()
        elif self._last_words is not None and self._answering() is None:
            self._end_with(self._last_words)
        self._look()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._unread = self.loop.call_later(UNREAD_S, self.transport.abort)

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._unread is not None:
            self._unread.cancel()

    def timeout_keep_alive_handler(self) -> None:
        super().timeout_keep_alive_handler()
        self._abort_if_unread()

    def send_400_response(self, msg: str) -> None:
        """Refuse what the parser would not read, in the form of every error."""
        del msg
        self._refuse(self._refusal)

    def _count(self, size: int) -> None:
        """Add to a request's head; _Refused ends the parsing."""
        self._size += size
        if self._size > HEAD_MAX or self._fields > FIELDS_MAX:
            self._refusal = HEAD_TOO_LARGE
            raise _Refused

    def _phase_now(self) -> Phase | None:
        if self._over:
            return None
        if not self._in_head:
            return "body"
        if self._answering() is not None:
            return None
        return "head" if self._begun else "idle"

    def _look(self) -> None:
        """Begin to count the seconds of what is waited for now."""
        phase = self._phase_now()
        if phase == self._phase:
            return
        self._phase = phase
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if phase is None:
            self._bounds.works(self.transport)
            return
        self._bounds.waits(self.transport)
        if phase != "idle":  # Between requests uvicorn's own time-out counts.
            self._timer = self.loop.call_later(self._seconds_of(phase), self._expire)

    def _seconds_of(self, phase: Phase) -> float:
        if not self._has_place:
            return LINGER_S
        return self.config.head_timeout_s if phase == "head" else self.config.body_timeout_s

    def _expire(self) -> None:
        assert self._phase is not None, "nothing is counted while nothing is waited for"
        if self._phase == "body" and self.flow.read_paused:
            # It is the application that does not read on.
            self._timer = self.loop.call_later(self._seconds_of(self._phase), self._expire)
        elif not self._has_place:
            self._refuse(TOO_MANY_CONNECTIONS)
        elif _or_none(self.scope) is None:
            self.transport.abort()  # It has begun no request, and is owed nothing.
        else:
            self._refuse(REQUEST_TOO_SLOW)

    def _give_way(self) -> None:
        self._over = True
        self._stop_timers()
        self.transport.abort()

    def _refuse(self, refusal: HttpRefusal) -> None:
        """Write why, once the requests before are answered; where the answer has begun already, end the connection."""
        self._over = True
        self._look()
        if self.transport.is_closing():
            return
        refused = None if self._in_head else self._newest
        if refused is not None and refused.response_started:
            self._leave_answering()
            self.transport.abort()
            return
        if refused is not None and refused is self._at_work:
            self._leave_answering()
        elif refused is not None:
            self.pipeline.popleft()  # It is the last that waits.
        last_words = self._refusal_bytes(refusal)
        if self._answering() is None:
            self._end_with(last_words)
        else:
            self._last_words = last_words

    def _end_with(self, last_words: bytes) -> None:
        """Write the last of a connection, and let the client read it: data that is not read resets it away."""
        self.flow.resume_reading()
        self.transport.write(last_words)
        self.transport.write_eof()
        self._timer = self.loop.call_later(LINGER_S, self.transport.abort)

    def _leave_answering(self) -> None:
        """End the answer that is due: what is still written of it goes nowhere."""
        answering = self._answering()
        if answering is not None:
            answering.disconnected = True
            answering.message_event.set()

    def _refusal_bytes(self, refusal: HttpRefusal) -> bytes:
        """Write a refusal as the answer to the request that came, as far as it did."""
        scope = _or_none(self.scope)
        if scope is None:
            return self.config.refusals.bytes_of(refusal)
        path = scope.get("path") or self.url.partition(b"?")[0].decode("latin-1")
        return self.config.refusals.bytes_of(refusal, path, self.headers)

    def _answering(self) -> RequestResponseCycle | None:
        """Give the request that is being answered, if one is."""
        cycle = self._at_work
        return None if cycle is None or cycle.response_complete or cycle.disconnected else cycle

    def _abort_if_unread(self) -> None:
        if self.transport.get_write_buffer_size():
            self.loop.call_later(UNREAD_S, self.transport.abort)

    def _stop_timers(self) -> None:
        for timer in (self._timer, self._unread):
            if timer is not None:
                timer.cancel()


def _or_none(made: Made | None) -> Made | None:
    """Say what uvicorn's types leave out: before the first request there is none."""
    return made


def _address_of(client: tuple[str, int] | None) -> str:
    return "" if client is None else client[0]


class _Refused(Exception):
    """The parser is to read no further."""
