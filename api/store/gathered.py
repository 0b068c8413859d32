"""Questions of many requests that are asked together: what comes while one is being answered is the next one."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

Item = TypeVar("Item")
Answer = TypeVar("Answer")


class Gathered(Generic[Item, Answer]):
    """Alone, a question is asked at once; under load one asks for all that wait. Used on the loop only.

    ask_all: gives an answer for each item, in their order; what it raises is raised to whoever asked for one of them.
    most: so many items are asked for at once.
    """

    def __init__(self, ask_all: Callable[[Sequence[Item]], Awaitable[Sequence[Answer]]], most: int) -> None:
        self._ask_all = ask_all
        self._most = most
        self._waiting: deque[tuple[Item, asyncio.Future[Answer]]] = deque()
        self._asking: asyncio.Task[None] | None = None

    async def ask(self, item: Item) -> Answer:
        """Give the answer for one item, by a question that begins after this call."""
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, answer))
        if self._asking is None:
            self._asking = asyncio.create_task(self._ask_while_some_wait())
        return await answer

    async def _ask_while_some_wait(self) -> None:
        try:
            while self._waiting:
                asked = [self._waiting.popleft() for _ in range(min(self._most, len(self._waiting)))]
                await self._answer(asked)
        finally:
            self._asking = None

    async def _answer(self, asked: "list[tuple[Item, asyncio.Future[Answer]]]") -> None:
        asking = asyncio.ensure_future(self._ask_all([item for item, _ in asked]))  # noqa: RUF006  # Awaited here.
        await asyncio.wait((asking,))
        waiting = [answer for _, answer in asked]
        error = asking.exception()
        if error is not None:
            for answer in waiting:
                if not answer.done():  # Who was cancelled meanwhile wants none.
                    answer.set_exception(error)
            return
        for answer, found in zip(waiting, asking.result(), strict=True):
            if not answer.done():
                answer.set_result(found)
