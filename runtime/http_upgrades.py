"""Which upgrade of a connection is taken: the one to a WebSocket, where the server has any; others are ignored."""

import asyncio
from typing import Any, Final, cast

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

WEBSOCKET: Final = b"websocket"
UPGRADE: Final = b"upgrade"


class UpgradingHttp(HttpToolsProtocol):
    """uvicorn's protocol, which by itself drops the body of a request whose upgrade it ignores, and what follows.

    Its parser ends where a request asks for an upgrade. As RFC 9110 (7.8) says, one that is ignored changes nothing: a
    new parser reads the same head without it, and goes on with what came behind.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._ignores_upgrade = False

    def data_received(self, data: bytes) -> None:
        """Parse what came, also behind requests whose upgrade is ignored, and behind a handshake."""
        self._unset_keepalive_if_required()
        rest: bytes | None = data
        try:
            while rest is not None:
                rest = self._parsed(rest)
        except httptools.HttpParserError:
            message = "Invalid HTTP request received."
            self.logger.warning(message)
            self.send_400_response(message)

    def on_message_begin(self) -> None:
        self._ignores_upgrade = False
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Begin the request, unless its head is to be read again; HttpParserError where it asks for a tunnel."""
        if self.parser.should_upgrade() and not self._should_upgrade():
            if self.parser.get_method() == b"CONNECT":
                raise httptools.HttpParserError("no tunnels")
            self._ignores_upgrade = True
        else:
            super().on_headers_complete()

    def on_message_complete(self) -> None:
        if not self._ignores_upgrade:
            super().on_message_complete()

    def _should_upgrade(self) -> bool:
        """Say whether a request is the handshake of a WebSocket; of several upgrades, it is the one there is."""
        if not self._should_upgrade_to_ws() or self.parser.get_http_version() != "1.1":
            return False
        asked = b",".join(value for name, value in self.headers if name == UPGRADE)
        return WEBSOCKET in (name.strip().lower() for name in asked.split(b","))

    def _parsed(self, data: bytes) -> bytes | None:
        """Parse up to a request that asks for an upgrade; gives what is behind it, null where all is parsed."""
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as end:
            rest = data[end.args[0] :]
            if self._ignores_upgrade:
                self._read_again()
                return rest
            self.headers[:] = [field for field in self.headers if field[0] != UPGRADE] + [(UPGRADE, WEBSOCKET)]
            self.handle_websocket_upgrade()
            if rest:
                cast("asyncio.Protocol", self.transport.get_protocol()).data_received(rest)
        return None

    def _read_again(self) -> None:
        """Parse the head again, without its upgrade."""
        fields = [b"%b: %b\r\n" % field for field in self.headers if field[0] != UPGRADE]
        version = self.parser.get_http_version().encode()
        line = b"%b %b HTTP/%b\r\n" % (self.parser.get_method(), self.url, version)
        self.parser = httptools.HttpRequestParser(self)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)
        self.parser.feed_data(b"%b%b\r\n" % (line, b"".join(fields)))
