"""Whatever bytes a client sends as frames, its WebSocket ends with the right code, and no error is logged."""

import json
import re
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import pytest

from tests.api.exchange import Exchange
from tests.processes import eventually
from tests.security.slow_clients import answer_to, connection, read_to_the_end, statuses

UPGRADE: Final = (
    b"Host: here\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
)
HANDSHAKE: Final = b"GET /api/v1/ws HTTP/1.1\r\n" + UPGRADE + b"\r\n"
ERRORS: Final = re.compile(r'"level": ?"(error|critical)"|Traceback|Exception|Error\b')
CONT, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
FIN: Final = 0x80
SUBSCRIBE: Final = json.dumps({"op": "subscribe", "channels": ["tickers"]}).encode()


def frame(opcode: int, data: bytes = b"", bits: int = FIN, length: bytes | None = None) -> bytes:
    """A masked frame, whose mask changes nothing. bits: FIN and the reserved ones; length: as it is written."""
    if length is None:
        size = len(data)
        length = bytes([size]) if size < 126 else b"\x7e" + struct.pack(">H", size)
    return bytes([bits | opcode, length[0] | 0x80]) + length[1:] + bytes(4) + data


def closing(code: int, reason: bytes = b"") -> bytes:
    return frame(CLOSE, struct.pack(">H", code) + reason)


BAD_UTF8: Final = (b"\xff\xff", b"\xc0\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"a\xe2\x82")
# What is sent after the handshake, and the code of the server's close.
ENDS: Final = {
    **{f"a text of the bytes {text.hex()}": (frame(TEXT, text), 1007) for text in BAD_UTF8},
    "a text that is none in its second part": (frame(TEXT, b"a", 0) + frame(CONT, b"\xff"), 1007),
    "a text whose parts are none before the last": (frame(TEXT, b"\xff", 0), 1007),
    "a text whose letter does not end": (frame(TEXT, b"\xe2", 0) + frame(CONT, b"\x82", 0) + frame(CONT), 1007),
    "a text that is none, then a close": (frame(TEXT, b"\xff") + closing(1000), 1007),
    "two texts that are none": (frame(TEXT, b"\xff") * 2, 1007),
    "a text that is none amid pings": (frame(PING) + frame(TEXT, b"\xff") + frame(PING), 1007),
    **{f"the opcode {opcode}": (frame(opcode), 1002) for opcode in (3, 7, 11, 15)},
    "a ping in parts": (frame(PING, bits=0), 1002),
    "a close in parts": (frame(CLOSE, bits=0), 1002),
    "a long ping": (frame(PING, b"a" * 126), 1002),
    "a long close": (frame(CLOSE, b"\x03\xe8" + b"a" * 124), 1002),
    "no mask": (b"\x81\x02{}", 1002),
    **{f"the reserved bit {bit:#x}": (frame(TEXT, b"{}", FIN | bit), 1002) for bit in (0x40, 0x20, 0x10)},
    "a part of nothing": (frame(CONT, b"a"), 1002),
    "a message amid another": (frame(TEXT, b"a", 0) + frame(TEXT, b"a"), 1002),
    "a close amid a message": (frame(TEXT, b"a", 0) + closing(1000), 1002),
    "a close of one byte": (frame(CLOSE, b"\x03"), 1002),
    **{f"a close with {code}": (closing(code), 1002) for code in (0, 999, 1004, 1005, 1006, 1015, 2999, 5000, 65535)},
    "a close whose reason is no text": (closing(1000, b"\xff"), 1007),
    "a close that is accepted": (closing(1000, b"bye"), 1000),
    "a close with a code of its own": (closing(4999), 4999),
    "a close without a code": (frame(CLOSE), 1005),
    "two closes": (closing(1000) + closing(1001), 1000),
    "a frame that is too long": (frame(TEXT, length=b"\x7f" + struct.pack(">Q", 1 << 20)), 1009),
    "a frame of more bytes than there are": (frame(BINARY, length=b"\x7f" + b"\xff" * 8), 1009),
    "parts that are too long": (frame(TEXT, b"a" * 65_000, 0) + frame(CONT, b"a" * 1_000), 1009),
    "a request": (b"GET /healthz HTTP/1.1\r\nHost: here\r\n\r\n", 1002),
}


@pytest.fixture(scope="module")
def exchange(bounded: Exchange) -> Exchange:
    """The one with small bounds."""
    return bounded


@contextmanager
def no_errors(exchange: Exchange) -> Iterator[None]:
    """The API logs no error in this block, nor as an answer to what was sent in it."""
    before = len(exchange.services["api"].log)
    yield
    eventually(exchange.readiness, lambda seen: seen[0] == 200, 10)
    assert [line for line in exchange.services["api"].log[before:].splitlines() if ERRORS.search(line)] == []


def frames_of(answer: bytes) -> tuple[int, list[tuple[int, bytes]]]:
    """The status of a handshake's answer, and the frames behind it."""
    head, _, rest = answer.partition(b"\r\n\r\n")
    found = []
    while rest:
        opcode, size = rest[0] & 0x0F, rest[1]
        start = 2
        if size == 126:
            size, start = struct.unpack(">H", rest[2:4])[0], 4
        found.append((opcode, rest[start : start + size]))
        rest = rest[start + size :]
    return statuses(head)[0], found


def close_code(answer: bytes) -> int:
    """With what code a connection ended, after a handshake that was accepted; 0 where no close frame came."""
    status, frames = frames_of(answer)
    assert status == 101
    if not frames or frames[-1][0] != CLOSE:
        return 0
    data = frames[-1][1]
    return struct.unpack(">H", data[:2])[0] if data else 1005


@pytest.mark.parametrize("what", ENDS)
def test_frames_of_any_bytes_end_a_websocket_with_the_right_code_and_log_no_error(
    exchange: Exchange, what: str
) -> None:
    sent, code = ENDS[what]
    port = exchange.settings.port
    with no_errors(exchange):
        with connection(port) as socket:
            socket.sendall(HANDSHAKE)
            accepted = socket.recv(65_536)
            socket.sendall(sent)
            assert close_code(accepted + read_to_the_end(socket)) == code
        # In the handshake's own segment, where they may come before the handshake is answered.
        assert close_code(answer_to(port, HANDSHAKE + sent)) == code


def test_frames_behind_a_handshake_are_answered_after_the_handshake(exchange: Exchange) -> None:
    with no_errors(exchange):
        sent = HANDSHAKE + frame(PING, b"early") + frame(TEXT, SUBSCRIBE) + frame(PING, b"late") + closing(1000)
        status, frames = frames_of(answer_to(exchange.settings.port, sent))
    assert status == 101
    assert [data for opcode, data in frames if opcode == PONG] == [b"early", b"late"]
    assert frames[-1][0] == CLOSE


@pytest.mark.parametrize("size", [60_000, 200_000])
def test_bytes_before_the_answer_to_a_handshake_are_bounded(exchange: Exchange, size: int) -> None:
    with no_errors(exchange):
        answer = answer_to(exchange.settings.port, HANDSHAKE + frame(PING) * (size // 6) + closing(1000))
    assert statuses(answer) in ([], [101])


def test_a_flood_of_pings_that_nobody_reads_logs_no_error(exchange: Exchange) -> None:
    with no_errors(exchange), connection(exchange.settings.port) as socket:
        socket.sendall(HANDSHAKE)
        socket.settimeout(2)
        try:
            for _ in range(400):
                socket.sendall(frame(PING, b"a" * 125) * 500)
        except OSError:
            pass


def test_a_client_that_reads_nothing_and_ends_with_a_bad_frame_logs_no_error(exchange: Exchange) -> None:
    with no_errors(exchange), connection(exchange.settings.port) as socket:
        socket.sendall(HANDSHAKE + frame(TEXT, SUBSCRIBE))
        time.sleep(0.1)
        socket.sendall(frame(PING, b"a" * 125) * 8_000 + frame(TEXT, b"\xff"))
        for bid in range(5):
            exchange.confirmed_price("BTC_USDC", f"{49_990 + bid}.0", "50000.0")
            time.sleep(0.1)


@pytest.mark.parametrize(
    "path", [b"/api/v1/ws\xff", b"/api/v1/ws?\xc3\xa9", b"/api/v1/%ff", b"http://[::1/ws", b"*", b"//", b"/?token=%00"]
)
def test_a_handshake_at_an_absurd_address_is_refused_and_logs_no_error(exchange: Exchange, path: bytes) -> None:
    with no_errors(exchange):
        answer = answer_to(exchange.settings.port, b"GET " + path + b" HTTP/1.1\r\n" + UPGRADE + b"\r\n")
    assert statuses(answer)[0] in {400, 401, 403, 404}


@pytest.mark.parametrize(
    "field",
    [
        *(b"X: \xff\xfe", b"Origin: \xff", b"Origin: a\r\nOrigin: b", b"Cookie: \xff=\xff", b"Host: \xff"),
        *(b"Sec-WebSocket-Protocol: \xff", b"Sec-WebSocket-Protocol: ,,;", b"Sec-WebSocket-Extensions: ;;=\xff"),
        *(b"Sec-WebSocket-Key: \xff", b"Sec-WebSocket-Version: \xff", b"Connection: \xff", b"Connection: ;"),
        *(b"Upgrade: \xff", b"Authorization: Bearer \xff", b"Transfer-Encoding: \xff", b"Content-Length: 0"),
    ],
)
def test_a_handshake_with_an_absurd_header_logs_no_error(exchange: Exchange, field: bytes) -> None:
    with no_errors(exchange):
        sent = b"GET /api/v1/ws HTTP/1.1\r\n" + UPGRADE + field + b"\r\n\r\n" + closing(1000)
        assert statuses(answer_to(exchange.settings.port, sent))[0] in {101, 400, 403}
