"""Which port of this machine a server gets."""

import errno
import fcntl
import os
import socket
import tempfile
from contextlib import ExitStack, suppress
from pathlib import Path
from random import randrange
from typing import Final, Self

from runtime.errors import FixableError

LOOPBACK: Final = "127.0.0.1"
LOOPBACKS: Final = ((socket.AF_INET, LOOPBACK), (socket.AF_INET6, "::1"))
NO_SUCH_ADDRESS: Final = (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)
ATTEMPTS: Final = 100
# Below those that kernels give connections: on a busy machine one of them could take a port before its server does.
CHOSEN: Final = (20_000, 32_000)


class PortClaims:
    """Keeps other starts of this user off the ports that one has chosen, until its servers have bound them.

    A claim is a lock on a byte of one file, which the kernel gives back when this process ends.
    """

    def __init__(self) -> None:
        file = Path(tempfile.gettempdir()) / f"reprise-ports-{os.geteuid()}.lock"
        self._file = os.open(file, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        if os.fstat(self._file).st_uid != os.geteuid():
            os.close(self._file)
            raise FixableError(f"{file} is another user's, who may keep ports from you. Remove it, or set TMPDIR.")
        self._claimed: set[int] = set()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._file)

    def claim(self, port: int) -> bool:
        """Claim a port; false where a server has it, or another start has chosen it, or this one has already."""
        if port in self._claimed or not is_free(port):
            return False
        try:
            fcntl.lockf(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, port)
        except OSError as error:
            if error.errno in (errno.EACCES, errno.EAGAIN):
                return False
            raise
        # Between the look and the claim the other start may have bound it, and given its claim back.
        if not is_free(port):
            return False
        self._claimed.add(port)
        return True

    def preferred(self, port: int | None) -> int:
        """Claim the preferred one if that can be had, else any."""
        return port if port is not None and self.claim(port) else self.any()

    def any(self) -> int:
        """Claim a free one."""
        return next(port for port in (free_ports(1)[0] for _ in range(ATTEMPTS)) if self.claim(port))


def is_free(port: int) -> bool:
    """Whether a server could listen on it now, at each address that `localhost` means."""
    return all(error_of_listening(host, port, family) in (None, *NO_SUCH_ADDRESS) for family, host in LOOPBACKS)


def error_of_listening(host: str, port: int, family: socket.AddressFamily) -> int | None:
    """The number of the error a server would get that listens there now; null for none."""
    try:
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            # As the servers do: the last connections of a server that just stopped do not keep its port.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
    except OSError as error:
        return error.errno or errno.EADDRNOTAVAIL
    return None


def free_ports(count: int) -> list[int]:
    """So many different free ports. Another process could take one before its server does; the start says so then."""
    with ExitStack() as probes:
        return [_bound_port(probes) for _ in range(count)]


def _bound_port(probes: ExitStack) -> int:
    for _ in range(ATTEMPTS):
        probe = probes.enter_context(socket.socket(socket.AF_INET, socket.SOCK_STREAM))
        port = randrange(*CHOSEN)  # noqa: S311  # It guards nothing.
        with suppress(OSError):
            probe.bind((LOOPBACK, port))
            return port
    raise OSError(errno.EADDRINUSE, f"none of {ATTEMPTS} ports of {LOOPBACK} could be had")


def accepts_connections(port: int) -> bool:
    """Whether something accepts connections there."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as client:
        client.settimeout(0.5)
        return client.connect_ex((LOOPBACK, port)) == 0
