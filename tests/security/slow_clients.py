"""Clients of HTTP that say too much, too little, or nothing, over plain sockets."""

import contextlib
import socket
import time
from collections.abc import Iterator

LOOPBACK = "127.0.0.1"


@contextlib.contextmanager
def connections(port: int, count: int, said: bytes = b"", source: str = LOOPBACK) -> Iterator[list[socket.socket]]:
    """That many connections that said something, or nothing, and say no more."""
    with contextlib.ExitStack() as stack:
        made = []
        for _ in range(count):
            made.append(stack.enter_context(connection(port, source)))
            if said:
                made[-1].sendall(said)
        yield made


@contextlib.contextmanager
def connection(port: int, source: str = LOOPBACK) -> Iterator[socket.socket]:
    made = socket.create_connection((LOOPBACK, port), timeout=15, source_address=(source, 0))
    with made:
        yield made


def answer_to(port: int, request: bytes, source: str = LOOPBACK) -> bytes:
    """What a server answers, up to the end of the connection; empty where it ended without an answer."""
    with connection(port, source) as sent:
        with contextlib.suppress(OSError):
            sent.sendall(request)
        return read_to_the_end(sent)


def read_to_the_end(sent: socket.socket) -> bytes:
    parts = []
    with contextlib.suppress(OSError):
        while part := sent.recv(65_536):
            parts.append(part)
    return b"".join(parts)


def flood(port: int, first: bytes, piece: bytes, size: int) -> tuple[int, bytes]:
    """Send a beginning, then a piece again and again up to a size; what was taken of it, and the answer."""
    taken = 0
    with connection(port) as sent:
        with contextlib.suppress(OSError):
            sent.sendall(first)
            while taken < size:
                sent.sendall(piece)
                taken += len(piece)
        return taken, read_to_the_end(sent)


def seconds_until_ended(sent: socket.socket, timeout_s: float = 30.0) -> float:
    """How long a server keeps a connection on which nothing more is said."""
    began = time.monotonic()
    sent.settimeout(timeout_s)
    with contextlib.suppress(ConnectionError):
        while sent.recv(65_536):
            pass
    return time.monotonic() - began


def is_open(sent: socket.socket) -> bool:
    """Whether the other side has neither ended nor answered a connection."""
    sent.setblocking(False)
    try:
        return sent.recv(1, socket.MSG_PEEK) == b"never"
    except BlockingIOError:
        return True
    except ConnectionError:
        return False
    finally:
        sent.setblocking(True)


def status_of(answer: bytes) -> int:
    """The status of an answer; 0 where there is none."""
    line = answer.split(b"\r\n", 1)[0].split()
    return int(line[1]) if len(line) > 1 else 0


def statuses(answers: bytes) -> list[int]:
    """The status of each of several answers."""
    return [status_of(b"HTTP/1.1 " + answer) for answer in answers.split(b"HTTP/1.1 ")[1:]]
