"""A way to the broker on which the request that ends a transaction can be made to arrive in the middle of the next."""

import socket
import struct
import threading
import time
from contextlib import suppress
from typing import Final, NamedTuple

from stack.ports import LOOPBACK

PRODUCE: Final = 0
INIT_PRODUCER_ID: Final = 22
END_TXN: Final = 26
FIRST_PROTOCOL_MAX: Final = 3  # of EndTxn; from version 5 on each transaction has an epoch of its own
WAIT_S: Final = 20.0
# The broker answers the end of a transaction before it writes the mark.
MARK_S: Final = 0.5


class Request(NamedTuple):
    """What the header of a request says."""

    api: int
    version: int
    correlation: int
    client: bytes


class LateRequestLink:
    """Forwards connections to a broker's port; one request of one client it holds, and cuts that client's connection.

    The client asks again, and that passes. The first request goes on when the second part of the next transaction
    comes: what was produced before it is in the log by then, and what comes after waits for the broker's answer.
    """

    def __init__(self, port: int, target: int) -> None:
        self._target = target
        self._sockets: list[socket.socket] = []
        self.forget()
        self._listening = socket.create_server((LOOPBACK, port))
        threading.Thread(target=self._accept, daemon=True).start()

    def forget(self) -> None:
        """Hold nothing, and begin anew."""
        self.initialized: list[bytes] = []
        self.late_answer: int | None = None  # the broker's error code, 0 for none
        self.is_released = threading.Event()
        self._client: bytes | None = None
        self._held: tuple[bytes, Request, socket.socket] | None = None
        self._is_retried = False
        self._first_part: int | None = None
        self._first_part_written = threading.Event()

    def hold_next_end(self, client: str) -> None:
        """Hold the next request of this client that ends a transaction."""
        self._client = client.encode()
        self.initialized.clear()

    def close(self) -> None:
        """Accept nothing more, and break what is left."""
        for one in (self._listening, *self._sockets):
            _close(one)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listening.accept()
            except OSError:
                return  # Closed.
            try:
                server = socket.create_connection((LOOPBACK, self._target))
            except OSError:
                _close(client)  # The broker is not there yet, or no more.
                continue
            self._sockets += [client, server]
            for one in (client, server):
                one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for forward in (self._forward_requests, self._forward_answers):
                threading.Thread(target=forward, args=(client, server), daemon=True).start()

    def _forward_requests(self, client: socket.socket, server: socket.socket) -> None:
        with suppress(OSError):
            while (frame := _read_frame(client)) is not None:
                request = _request_of(frame)
                if request.api == INIT_PRODUCER_ID:
                    self.initialized.append(request.client)
                if request.client == self._client and self._is_held_or_released(request, frame, server):
                    _close(client)
                    return  # The broker's side stays open for the held request.
                server.sendall(frame)
        _close(server)

    def _is_held_or_released(self, request: Request, frame: bytes, server: socket.socket) -> bool:
        """Hold the request if it is the one; let it go before this one if it is time."""
        if request.api == END_TXN:
            if self._held is None:
                assert request.version <= FIRST_PROTOCOL_MAX, "the client speaks the first protocol of transactions"
                self._held = (frame, request, server)
                return True
            self._is_retried = True
        elif request.api == PRODUCE and self._is_retried:
            if self._first_part is None:
                self._first_part = request.correlation
            elif not self.is_released.is_set():
                assert self._first_part_written.wait(WAIT_S), "the broker did not take the first part"
                self.release()
        return False

    def release(self) -> None:
        """Let the held request arrive now."""
        assert self._held is not None, "only what is held is released"
        frame, _, server = self._held
        server.sendall(frame)
        assert self.is_released.wait(WAIT_S), "the broker did not answer the late request"
        time.sleep(MARK_S)

    def _forward_answers(self, client: socket.socket, server: socket.socket) -> None:
        with suppress(OSError):
            while (frame := _read_frame(server)) is not None:
                (correlation,) = struct.unpack_from(">i", frame, 4)
                if self._held is not None and self._held[2] is server:
                    if correlation == self._held[1].correlation:
                        (self.late_answer,) = struct.unpack_from(">h", frame, 12)
                        self.is_released.set()
                    continue  # Its client is gone.
                if correlation == self._first_part:
                    self._first_part_written.set()
                client.sendall(frame)
        _close(client)


def _read_frame(source: socket.socket) -> bytes | None:
    """Read one message with its length; null at the end of the connection."""
    head = _read(source, 4)
    if head is None:
        return None
    body = _read(source, int.from_bytes(head))
    return None if body is None else head + body


def _read(source: socket.socket, count: int) -> bytes | None:
    found = bytearray()
    while len(found) < count:
        some = source.recv(count - len(found))
        if not some:
            return None
        found += some
    return bytes(found)


def _request_of(frame: bytes) -> Request:
    api, version, correlation, length = struct.unpack_from(">hhih", frame, 4)
    return Request(api, version, correlation, frame[14 : 14 + max(0, length)])


def _close(one: socket.socket) -> None:
    with suppress(OSError):  # It was not connected any more.
        one.shutdown(socket.SHUT_RDWR)
    one.close()
