"""How WebSockets are spoken: by uvicorn's protocol, which logs no address, and gives up who reads nothing."""

import logging
import socket
from asyncio import BaseTransport
from typing import TYPE_CHECKING, Any, Final

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

if TYPE_CHECKING:
    from uvicorn._types import ASGISendEvent

MESSAGE_MAX: Final = 64 * 1024
UNSENT_MAX: Final = 128 * 1024
ABORT_S: Final = 30.0  # for the last message to be read


class QuietWebSockets(WebSocketsSansIOProtocol):
    """Never writes a path's query into the log: it may hold a ticket or a token."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.logger = logging.getLogger("reprise.websockets")
        self.logger.setLevel(logging.WARNING)
        self.conn.logger = self.logger
        self.conn.debug = False

    def connection_made(self, transport: BaseTransport) -> None:
        """Bound what the kernel holds for a slow reader: by itself it would take megabytes a socket."""
        super().connection_made(transport)
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, UNSENT_MAX)

    async def send(self, message: "ASGISendEvent") -> None:
        """Send; what ends a connection is not held up by what its reader has not read."""
        if message["type"] == "websocket.close":
            self.writable.set()
            self.loop.call_later(ABORT_S, self.transport.abort)
        await super().send(message)
        if message["type"] == "websocket.http.response.body" and self.close_sent:
            # A handshake that is refused is complete: else the library would log an error for each.
            self.handshake_complete = True

    def keepalive_timeout(self) -> None:
        """End a connection whose client is silent, whether it still takes what was sent or not."""
        super().keepalive_timeout()
        self.loop.call_later(ABORT_S, self.transport.abort)
