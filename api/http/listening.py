"""On which addresses the API listens: those of the settings, and the others `localhost` may mean."""

import contextlib
import socket
from typing import Final

from runtime.errors import FixableError
from runtime.http_server import listen
from runtime.settings import Settings

LOOPBACK: Final = "127.0.0.1"
# Some clients, as those on Node 18, try this one for `localhost` where the machine's resolver names it first.
LOOPBACK_6: Final = "::1"


def listening(settings: Settings) -> list[socket.socket]:
    """Listen on API_HOST and PORT, and on the seeds' ports of this machine; FixableError where one is taken.

    Several processes of one exchange share them: the kernel gives each connection to one of them.
    """
    places = [(settings.api_host, settings.port), *((LOOPBACK, port) for port in settings.seed_ports)]
    with contextlib.ExitStack() as opened:
        is_shared = settings.api_workers > 1
        sockets = [opened.enter_context(_listen(host, port, is_shared=is_shared)) for host, port in places]
        for host, port in places:
            if host == LOOPBACK:
                # A machine without IPv6 has only the other.
                with contextlib.suppress(OSError):
                    sockets.append(opened.enter_context(listen(LOOPBACK_6, port, is_shared=is_shared)))
        opened.pop_all()
        return sockets


def _listen(host: str, port: int, *, is_shared: bool) -> socket.socket:
    try:
        return listen(host, port, is_shared=is_shared)
    except OSError as error:
        why = f"The API cannot listen on {host}:{port} ({error.strerror})."
        raise FixableError(f"{why} Choose another PORT.") from error
