"""How WebSockets are spoken: by uvicorn's protocol, which logs no address, and gives up who reads nothing."""

import codecs
import logging
import socket
from asyncio import BaseTransport
from typing import TYPE_CHECKING, Any, Final

from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.exceptions import HeaderLineTooLong, RequestLineTooLong, TooManyHeaders
from websockets.frames import CloseCode, Frame, Opcode
from websockets.http11 import Response
from websockets.server import ServerProtocol
from websockets.typing import StatusLike

from runtime.http_config import ServerConfig
from runtime.http_headers import SECURITY_HEADERS
from runtime.http_refusals import HEAD_TOO_LARGE, NOT_HTTP

if TYPE_CHECKING:
    from uvicorn._types import ASGISendEvent

MESSAGE_MAX: Final = 64 * 1024
UNSENT_MAX: Final = 128 * 1024
EARLY_MAX: Final = 2 * MESSAGE_MAX  # bytes that a client says before its handshake is answered
UNREAD_MAX: Final = 4 * 1024 * 1024  # bytes that wait for a reader who goes on sending
FRAMES_MAX: Final = 1_024  # parts of one message
ABORT_S: Final = 30.0  # for the last message to be read
TOO_LARGE: Final = (HeaderLineTooLong, RequestLineTooLong, TooManyHeaders)


class _Strict(ServerProtocol):
    """Gives the library's own answers to a handshake the headers of every answer, and ends a text that is none."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._text: codecs.IncrementalDecoder | None = None

    def recv_frame(self, frame: Frame) -> None:
        """Take a frame; UnicodeDecodeError, which the library ends a connection by, where it is not of a text."""
        super().recv_frame(frame)
        if frame.opcode is Opcode.TEXT:
            self._text = codecs.getincrementaldecoder("utf-8")()
        elif frame.opcode is Opcode.BINARY:
            self._text = None
        elif frame.opcode is not Opcode.CONT:
            return
        if self._text is not None:
            self._text.decode(bytes(frame.data), frame.fin)

    def reject(self, status: StatusLike, text: str) -> Response:
        response = super().reject(status, text)
        response.headers.update(SECURITY_HEADERS)
        return response


class QuietWebSockets(WebSocketsSansIOProtocol):
    """Never writes a path's query into the log: it may hold a ticket or a token."""

    config: ServerConfig

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.logger = logging.getLogger("reprise.websockets")
        self.logger.setLevel(logging.WARNING)
        self.conn = _Strict(max_size=self.config.ws_max_size, logger=self.logger)
        self.conn.debug = False
        self._early = b""

    def connection_made(self, transport: BaseTransport) -> None:
        """Bound what the kernel holds for a slow reader: by itself it would take megabytes a socket."""
        super().connection_made(transport)
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, UNSENT_MAX)

    def connection_lost(self, exc: Exception | None) -> None:
        """Free the connection's place, which it had from before it was a WebSocket."""
        self.config.connections.leave(self.transport)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take what came, from a client that reads its answers to pings, and ends its messages.

        What comes before the handshake is answered waits for that: the library would answer a ping before it.
        """
        if self.transport.is_closing():
            return
        if self.handshake_initiated and not self.handshake_complete:
            self._early += data
            if len(self._early) > EARLY_MAX:
                self.transport.abort()
            return
        super().data_received(data)
        failure = self.conn.handshake_exc
        if failure is not None and not self.handshake_initiated:
            # The library keeps to itself that it cannot read a handshake, and uvicorn waits for it without end.
            refusal = HEAD_TOO_LARGE if isinstance(failure, TOO_LARGE) else NOT_HTTP
            self.transport.write(self.config.refusals.bytes_of(refusal))
            self.transport.close()
        elif self.transport.get_write_buffer_size() > UNREAD_MAX:
            self.transport.abort()
        elif len(self.frames) > FRAMES_MAX:  # Those without content have no other bound.
            self.conn.fail(CloseCode.MESSAGE_TOO_BIG, "too many parts")
            self.handle_parser_exception()

    async def send(self, message: "ASGISendEvent") -> None:
        """Send; what ends a connection is not held up by what its reader has not read.

        ClientDisconnected where the connection has ended while the application had more to say.
        """
        if message["type"] == "websocket.close":
            self.writable.set()
            self.loop.call_later(ABORT_S, self.transport.abort)
        await self.writable.wait()
        if self.handshake_complete and self.transport.is_closing():
            raise ClientDisconnected
        await super().send(message)
        if message["type"] == "websocket.http.response.body" and self.close_sent:
            # A handshake that is refused is complete: else the library would log an error for each.
            self.handshake_complete = True
        if self._early and self.handshake_complete:
            early, self._early = self._early, b""
            self.data_received(early)

    def keepalive_timeout(self) -> None:
        """End a connection whose client is silent, whether it still takes what was sent or not."""
        super().keepalive_timeout()
        self.loop.call_later(ABORT_S, self.transport.abort)
