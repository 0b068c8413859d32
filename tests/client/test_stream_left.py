"""Who stops waiting for a message of the stream misses nothing, also where it comes in that very moment."""

import asyncio
from collections.abc import AsyncGenerator
from datetime import UTC, datetime
from typing import Any, cast

from reprise_client import Message
from reprise_client.stream import Stream


def test_a_message_that_comes_as_its_reader_stops_waiting_is_given_to_the_next_one() -> None:
    async def heard() -> list[int]:
        comes = asyncio.Event()

        async def messages() -> AsyncGenerator[Message]:
            for seq in (1, 2):
                await comes.wait()
                yield Message(channel="account", seq=seq, ts=datetime.now(UTC), kind="update", data={})

        stream = Stream("http://here", ["account"], cast("Any", None), after=0, patience_s=1)
        await stream._messages.aclose()
        stream._messages = messages()
        reading = asyncio.create_task(anext(stream))
        await asyncio.sleep(0)
        coming = stream._next
        assert coming is not None
        coming.add_done_callback(lambda _: reading.cancel())
        comes.set()
        (cut_off,) = await asyncio.gather(reading, return_exceptions=True)
        assert isinstance(cut_off, asyncio.CancelledError)
        found = [(await anext(stream)).seq for _ in range(2)]
        await stream.close()
        return found

    assert asyncio.run(heard()) == [1, 2]
