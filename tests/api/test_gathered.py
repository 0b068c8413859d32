"""Questions of many requests are asked together, and each request gets its own answer."""

import asyncio
from collections.abc import Sequence

import pytest

from api.store.gathered import Gathered


class Numbers:
    """Doubles numbers, when it may, and hangs at 7; notes which were asked for at once."""

    def __init__(self, most: int = 100) -> None:
        self.asked: list[list[int]] = []
        self.may_answer, self.may_go_on = asyncio.Event(), asyncio.Event()
        self.gathered = Gathered[int, int](self.double, most)

    async def double(self, numbers: Sequence[int]) -> list[int]:
        self.asked.append(list(numbers))
        await self.may_answer.wait()
        if 7 in numbers:
            await self.may_go_on.wait()
        if 13 in numbers:
            raise ValueError("13")
        return [2 * number for number in numbers]


async def begun(numbers: Numbers, *items: int) -> "list[asyncio.Task[int]]":
    tasks = [asyncio.create_task(numbers.gathered.ask(item)) for item in items]
    for _ in range(3):
        await asyncio.sleep(0)
    return tasks


def test_a_question_alone_begins_at_once_and_those_that_come_meanwhile_are_gathered() -> None:
    async def scene() -> None:
        numbers = Numbers()
        first = await begun(numbers, 1)
        others = await begun(numbers, 2, 3)
        others += await begun(numbers, 4)
        assert numbers.asked == [[1]]
        numbers.may_answer.set()
        assert await asyncio.gather(*first, *others) == [2, 4, 6, 8]
        assert numbers.asked == [[1], [2, 3, 4]]
        assert await numbers.gathered.ask(5) == 10
        assert numbers.asked[-1] == [5]

    asyncio.run(scene())


def test_a_bound_of_questions_is_gathered_at_once() -> None:
    async def scene() -> None:
        numbers = Numbers(most=2)
        tasks = await begun(numbers, 1, 2, 3, 4, 5, 6)
        numbers.may_answer.set()
        assert await asyncio.gather(*tasks) == [2, 4, 6, 8, 10, 12]
        assert max(map(len, numbers.asked)) == 2

    asyncio.run(scene())


def test_an_error_reaches_the_requests_it_is_of_and_the_next_question_begins_anew() -> None:
    async def scene() -> None:
        numbers = Numbers()
        tasks = await begun(numbers, 1, 2, 13)
        numbers.may_answer.set()
        found = await asyncio.gather(*tasks, return_exceptions=True)
        assert [type(each) for each in found] == [int, ValueError, ValueError]
        assert await numbers.gathered.ask(8) == 16

    asyncio.run(scene())


def test_a_request_that_is_cancelled_leaves_the_others_their_answer() -> None:
    async def scene() -> None:
        numbers = Numbers()
        first, second, third = [*await begun(numbers, 1), *await begun(numbers, 2, 3)]
        first.cancel()
        second.cancel()
        numbers.may_answer.set()
        assert await third == 6
        with pytest.raises(asyncio.CancelledError):
            await first

    asyncio.run(scene())


def test_a_question_that_hangs_holds_the_others_up_for_a_moment_only() -> None:
    async def scene() -> None:
        numbers = Numbers()
        numbers.may_answer.set()
        (hanging,) = await begun(numbers, 7)
        assert await asyncio.wait_for(numbers.gathered.ask(1), 5) == 2
        assert not hanging.done()
        numbers.may_go_on.set()
        assert await hanging == 14
        assert numbers.asked == [[7], [1]]

    asyncio.run(scene())
