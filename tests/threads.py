"""A server of a test in a thread of the test's own process."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn

from tests.processes import eventually


@contextmanager
def serving(config: uvicorn.Config) -> Iterator[None]:
    """Serve until the end of the block."""
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        eventually(lambda: server.started, bool)
        yield
    finally:
        server.should_exit = True
        thread.join()
