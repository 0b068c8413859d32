"""A way to the API that loses what a test wants, and an address where a test of another language asks for that."""

import select
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Final

PART: Final = 65_536
LOOPBACK: Final = "127.0.0.1"
ORDER: Final = b"POST /api/v1/orders "


class LossyLink:
    """Passes connections on to a port. orders_to_lose: of so many orders the answer is cut off."""

    def __init__(self, port: int) -> None:
        self.orders_to_lose = 0
        self.lost = 0
        self._port = port
        self._open: set[socket.socket] = set()
        self._listener = socket.create_server((LOOPBACK, 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        """End every connection there is."""
        for each in tuple(self._open):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Listen no more."""
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.cut()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._pass, args=(client,), daemon=True).start()

    def _pass(self, client: socket.socket) -> None:
        with client, suppress(OSError), socket.create_connection((LOOPBACK, self._port)) as server:
            self._open |= {client, server}
            losing = False
            while True:
                ready, _, _ = select.select([client, server], [], [])
                if client in ready:
                    part = client.recv(PART)
                    losing = losing or (self.orders_to_lose > 0 and part.startswith(ORDER))
                    server.sendall(part)
                else:
                    part = server.recv(PART)
                    if losing:
                        self.orders_to_lose -= 1
                        self.lost += 1
                        break
                    client.sendall(part)
                if not part:
                    break
            self._open -= {client, server}


@contextmanager
def controlled(deeds: Mapping[str, Callable[[], None]]) -> Iterator[str]:
    """Give the address at which `POST /NAME` does a deed, and answers when it is done."""

    class Control(BaseHTTPRequestHandler):
        def do_POST(self) -> None:  # The library's own name.
            deeds[self.path.removeprefix("/")]()
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Write nothing."""

    # One thread for all deeds: a process that a deed starts ends with the thread that started it.
    server = HTTPServer((LOOPBACK, 0), Control)
    serving = threading.Thread(target=server.serve_forever, daemon=True)
    serving.start()
    try:
        yield f"http://{LOOPBACK}:{server.server_port}"
    finally:
        server.shutdown()
        serving.join()
        server.server_close()
