"""Which port of this machine a server gets."""

import errno
import socket
from typing import Final

LOOPBACK: Final = "127.0.0.1"
LOOPBACKS: Final = ((socket.AF_INET, LOOPBACK), (socket.AF_INET6, "::1"))
NO_SUCH_ADDRESS: Final = (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)


def is_free(port: int) -> bool:
    """Whether a server could listen on it now, at each address that `localhost` means."""
    return all(_is_free(family, host, port) for family, host in LOOPBACKS)


def _is_free(family: int, host: str, port: int) -> bool:
    try:
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            # As the servers do: the last connections of a server that just stopped do not keep its port.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
    except OSError as error:
        # A machine without that address has nobody listening there.
        return error.errno in NO_SUCH_ADDRESS
    return True


def free_ports(count: int) -> list[int]:
    """So many different free ports. Another process could take one before its server does; the start says so then."""
    probes = [socket.socket(socket.AF_INET, socket.SOCK_STREAM) for _ in range(count)]
    try:
        for probe in probes:
            probe.bind((LOOPBACK, 0))
        return [probe.getsockname()[1] for probe in probes]
    finally:
        for probe in probes:
            probe.close()


def preferred_port(preferred: int) -> int:
    """The preferred one if it is free, else any."""
    return preferred if is_free(preferred) else free_ports(1)[0]


def accepts_connections(port: int) -> bool:
    """Whether something accepts connections there."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as client:
        client.settimeout(0.5)
        return client.connect_ex((LOOPBACK, port)) == 0
