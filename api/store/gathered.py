"""Questions of many requests that are asked together: what comes while one is being answered is the next one."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, Generic, TypeVar

Item = TypeVar("Item")
Answer = TypeVar("Answer")

SLOW_S: Final = 0.05  # so long the others wait for a question that hangs
AT_ONCE: Final = 4


class Gathered(Generic[Item, Answer]):
    """Alone, a question is asked at once; under load one asks for all that wait. Used on the loop only.

    ask_all: gives an answer for each item, in their order; what it raises is raised to whoever asked for one of them.
    most: so many items are asked for at once.
    """

    def __init__(self, ask_all: Callable[[Sequence[Item]], Awaitable[Sequence[Answer]]], most: int) -> None:
        self._ask_all = ask_all
        self._most = most
        self._waiting: list[tuple[Item, asyncio.Future[Answer]]] = []
        self._asking: set[asyncio.Future[Sequence[Answer]]] = set()

    async def ask(self, item: Item) -> Answer:
        """Give the answer for one item, by a question that begins after this call."""
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, answer))
        if not self._asking:
            self._begin()
        return await answer

    def _begin(self) -> None:
        """Ask for those that wait; a moment later for those that come meanwhile, where the answer is not there."""
        if not self._waiting or len(self._asking) >= AT_ONCE:
            return
        asked, self._waiting = self._waiting[: self._most], self._waiting[self._most :]
        asking = asyncio.ensure_future(self._ask_all([item for item, _ in asked]))  # noqa: RUF006  # Kept in the next line.
        self._asking.add(asking)
        slow = asyncio.get_running_loop().call_later(SLOW_S, self._begin)

        def end(_: asyncio.Future[Sequence[Answer]]) -> None:
            slow.cancel()
            self._asking.discard(asking)
            _tell(asking, [answer for _, answer in asked])
            self._begin()

        asking.add_done_callback(end)


def _tell(asking: asyncio.Future[Sequence[Answer]], waiting: list[asyncio.Future[Answer]]) -> None:
    """Give everybody their answer, or what kept it from coming; who was cancelled meanwhile wants none."""
    error = None if asking.cancelled() else asking.exception()
    for number, answer in enumerate(waiting):
        if answer.done():
            continue
        if asking.cancelled():
            answer.cancel()
        elif error is not None:
            answer.set_exception(error)
        else:
            answer.set_result(asking.result()[number])
