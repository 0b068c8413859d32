"""A way to the broker that can be made slow, or cut, while it is used."""

import socket
import threading
import time
from contextlib import suppress
from typing import Final

from stack.ports import LOOPBACK

CHUNK: Final = 65_536


class SlowLink:
    """Forwards connections to a port; each piece of data waits `delay_s` before it goes on, in both directions."""

    def __init__(self, port: int, target: int) -> None:
        self.delay_s = 0.0
        self._target = target
        self._listening = socket.create_server((LOOPBACK, port))
        self._sockets: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        """Break every connection there is; new ones go through."""
        sockets, self._sockets = self._sockets, []
        for one in sockets:
            _close(one)

    def close(self) -> None:
        """Accept nothing more, and break what is left."""
        _close(self._listening)
        self.cut()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listening.accept()
            except OSError:
                return  # Closed.
            try:
                server = socket.create_connection((LOOPBACK, self._target), timeout=5)
            except OSError:
                _close(client)  # The broker is away.
                continue
            server.settimeout(None)
            self._sockets += [client, server]
            for source, target in ((client, server), (server, client)):
                threading.Thread(target=self._forward, args=(source, target), daemon=True).start()

    def _forward(self, source: socket.socket, target: socket.socket) -> None:
        try:
            while data := source.recv(CHUNK):
                if self.delay_s:
                    time.sleep(self.delay_s)
                target.sendall(data)
        except OSError:
            pass  # Cut, or one of the two went away; the other learns it below.
        _close(source)
        _close(target)


def _close(one: socket.socket) -> None:
    with suppress(OSError):  # It was not connected any more.
        one.shutdown(socket.SHUT_RDWR)
    one.close()
