"""What waits to be sent to one reader: in order and never dropped, or only the last of each kind."""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Final

BYTES_MAX: Final = 1024 * 1024


class Overflow(Exception):  # Named in the past tense, as events are.
    """More waits than a reader may leave behind."""


class SocketOutbox:
    """Filled without waiting by those who send, emptied by one reader: `async for text in outbox`.

    Beyond the limit (texts, or their bytes) what is put is no longer taken, and the reading ends with Overflow.
    """

    def __init__(self, limit: int, bytes_max: int = BYTES_MAX, on_overflow: Callable[[], None] | None = None) -> None:
        """on_overflow: called at once, for the reader may be stuck in sending what came before."""
        self._limit = limit
        self._on_overflow = on_overflow
        self._bytes_max = bytes_max
        self._texts: deque[str] = deque()
        self._size = 0
        self._latest: dict[tuple[str, int], str] = {}
        self._changed = asyncio.Event()
        self._overflowed = False
        self._ended = False
        self.conflated = 0

    def __len__(self) -> int:
        return len(self._texts) + len(self._latest)

    @property
    def overflowed(self) -> bool:
        """Whether more was put than may wait."""
        return self._overflowed

    def put(self, text: str) -> None:
        """Put a message that must arrive, behind those put before."""
        if self._overflowed or self._ended:
            return
        # A text that is large by itself is taken where it is the only one.
        if len(self._texts) >= self._limit or (self._texts and self._size + len(text) > self._bytes_max):
            self._overflowed = True
            self._texts.clear()
            self._latest.clear()
            if self._on_overflow is not None:
                self._on_overflow()
        else:
            self._texts.append(text)
            self._size += len(text)
        self._changed.set()

    def replace(self, channel: str, text: str, part: int = 0) -> None:
        """Put a message in place of one of the same channel and part that still waits; sent behind what must arrive."""
        if self._overflowed or self._ended:
            return
        key = (channel, part)
        if key in self._latest:
            self.conflated += 1
        elif len(self._latest) >= self._limit:
            self._latest.pop(next(iter(self._latest)))
            self.conflated += 1
        self._latest[key] = text
        self._changed.set()

    def drop(self, channel: str) -> None:
        """Drop the replaceable messages of a channel that wait."""
        for key in [key for key in self._latest if key[0] == channel]:
            del self._latest[key]

    def end(self) -> None:
        """Take no more: the reading ends behind what waits."""
        self._ended = True
        self._changed.set()

    def __aiter__(self) -> "SocketOutbox":
        return self

    async def __anext__(self) -> str:
        """Give what is to be sent next; waits for it."""
        while True:
            if self._overflowed:
                raise Overflow
            if self._texts:
                text = self._texts.popleft()
                self._size -= len(text)
                return text
            if self._latest:
                return self._latest.pop(next(iter(self._latest)))
            if self._ended:
                raise StopAsyncIteration
            self._changed.clear()
            await self._changed.wait()
