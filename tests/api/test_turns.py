"""The commands of one connection are sent in the order in which they came, whatever each waits for before."""

import asyncio
import random

import pytest

from api.dispatch.turns import SendingTurns


@pytest.mark.parametrize("seed", range(20))
def test_turns_come_in_the_order_in_which_they_were_taken(seed: int) -> None:
    asyncio.run(turns_in_order(random.Random(seed)))


async def turns_in_order(chance: random.Random) -> None:
    turns, sent = SendingTurns(), list[int]()

    async def command(number: int) -> None:
        turn = turns.take()
        try:
            for _ in range(chance.randrange(5)):
                await asyncio.sleep(0)
            if chance.random() < 0.2:
                return  # Refused before it is sent.
            await turn.come()
            sent.append(number)
            turn.end()
            await asyncio.sleep(0)
        finally:
            turn.end()

    await asyncio.gather(*(command(number) for number in range(40)))
    assert sent == sorted(sent)
    assert len(sent) > 20
    assert turns.first is None


def test_a_turn_that_ended_early_lets_no_later_turn_pass_an_earlier_one() -> None:
    asyncio.run(that_ended_early_lets_nobody_pass_those_before_it())


async def that_ended_early_lets_nobody_pass_those_before_it() -> None:
    turns = SendingTurns()
    first, second, third = turns.take(), turns.take(), turns.take()
    second.end()
    waiting = asyncio.create_task(third.come())
    await asyncio.sleep(0)
    assert not waiting.done()
    first.end()
    await asyncio.wait_for(waiting, 1)


def test_a_turn_whose_waiting_was_cancelled_does_not_hold_up_the_next_turn() -> None:
    asyncio.run(whose_waiting_was_cancelled_holds_nobody_up())


async def whose_waiting_was_cancelled_holds_nobody_up() -> None:
    turns = SendingTurns()
    first, second, third = turns.take(), turns.take(), turns.take()
    cancelled = asyncio.create_task(second.come())
    await asyncio.sleep(0)
    cancelled.cancel()
    await asyncio.wait((cancelled,))
    second.end()
    first.end()
    await asyncio.wait_for(third.come(), 1)
