"""Whether a broker asks who somebody is: librdkafka says of one that does only that it hung up."""

import socket
import struct
from typing import Final

TIMEOUT_S: Final = 2.0
SASL_HANDSHAKE: Final = 17  # of Kafka's protocol, in version 1
UNSUPPORTED_SASL_MECHANISM: Final = 33
NO_MECHANISM: Final = b"NONE"
PORT: Final = 9092  # where none is named, as librdkafka has it


def asks_for_password(brokers: str) -> bool:
    """Whether one of these, which were named for clients without a password, takes nobody without one."""
    return any(_asks(address.strip().rpartition("://")[2]) for address in brokers.split(","))


def _asks(address: str) -> bool:
    """Name no mechanism of any broker: one that asks for passwords says which it has, another that it has none."""
    host, _, port = address.rpartition(":") if ":" in address else (address, "", "")
    body = struct.pack(">hhihh", SASL_HANDSHAKE, 1, 0, -1, len(NO_MECHANISM)) + NO_MECHANISM
    try:
        with socket.create_connection((host.strip("[]"), int(port or PORT)), timeout=TIMEOUT_S) as broker:
            broker.sendall(struct.pack(">i", len(body)) + body)
            with broker.makefile("rb") as answer:
                _, _, code = struct.unpack(">iih", answer.read(10))
    except (OSError, ValueError, struct.error):
        return False
    return bool(code == UNSUPPORTED_SASL_MECHANISM)
