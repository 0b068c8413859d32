"""A thread of its own with an event loop, for programs that have none."""

import asyncio
import threading
from collections.abc import Coroutine
from concurrent.futures import CancelledError
from typing import Any, TypeVar

from reprise_client.errors import ClientClosed

Result = TypeVar("Result")


class LoopThread:
    """A thread with an event loop, in which coroutines of other threads run."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._lock = threading.Lock()  # What begins before the end is cancelled by it; nothing begins after it.
        self._ended = False
        self._thread = threading.Thread(target=self._work, name="reprise-client", daemon=True)
        self._thread.start()

    def run(self, asked: Coroutine[Any, Any, Result]) -> Result:
        """Wait for a coroutine's result; who is interrupted while waiting cancels it."""
        with self._lock:
            if self._ended:
                asked.close()
                raise ClientClosed("the client is closed")
            coming = asyncio.run_coroutine_threadsafe(asked, self._loop)
        try:
            return coming.result()
        except CancelledError:
            raise ClientClosed("the client was closed before the answer came") from None
        finally:
            coming.cancel()

    def end(self) -> None:
        """Cancel what still runs, and end the thread."""
        with self._lock:
            if not self._ended:
                self._ended = True
                self._loop.call_soon_threadsafe(self._loop.stop)
        if threading.current_thread() is not self._thread:
            self._thread.join()

    def _work(self) -> None:
        try:
            self._loop.run_forever()
            left = asyncio.all_tasks(self._loop)
            for task in left:
                task.cancel()
            if left:
                self._loop.run_until_complete(asyncio.wait(left))
            self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        finally:
            self._loop.close()
