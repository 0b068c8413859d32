"""The recorded feed: a recording played at its own pace, some times faster, or as fast as it is consumed."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Final

import msgspec

from market_data.bars import CORNERS_ONLY_STEP_S
from market_data.clock import Clock
from market_data.feed import FeedEnded, FeedItem, FeedQuote
from market_data.heartbeats import HeartbeatTimer
from market_data.ledger import FollowedLedger
from market_data.recording import Recording
from runtime.errors import FixableError
from schemas.messages import FeedName

MICROS_PER_SECOND: Final = 1_000_000
LATE_MAX_S: Final = 1.0
LOOP_PAUSE_US: Final = 1_000_000  # between the last quote of a round and the first of the next
YIELD_EVERY: Final = 100  # quotes without a pause, so that the rest of the process gets its turn


class RecordedFeed:
    """Plays the symbols of a recording that the ledger follows, also those that come while it plays.

    speed: times the recorded pace, None as fast as it is consumed.
    """

    name: FeedName = "recorded"
    live = False

    def __init__(
        self, run: str, recording: Recording, ledger: FollowedLedger, speed: float | None, clock: Clock, *, loop: bool
    ) -> None:
        self.run = run
        self._recording = recording
        self._speed = speed
        self._loop = loop
        self._clock = clock
        self._ledger = ledger
        self._held = recording.check()
        if not self._held & ledger.followed.keys():
            raise FixableError(f"{recording.file} has no quote of {', '.join(ledger.followed)}.")

    async def items(self) -> AsyncIterator[FeedItem]:
        """Give the file's quotes, and heartbeats of every symbol between them; at its end say so."""
        quotes = self._quotes()
        first = next(quotes)
        yield first
        start = self._clock.monotonic()
        heartbeats = HeartbeatTimer(self._clock)
        for count, quote in enumerate(quotes, 1):
            if count % YIELD_EVERY == 0:
                await asyncio.sleep(0)
            if self._speed is not None:
                due = start + (quote.source_time - first.source_time) / MICROS_PER_SECOND / self._speed
                while (wait := due - self._clock.monotonic()) > 0:
                    await self._clock.sleep(min(wait, heartbeats.due_in_s()))
                    for heartbeat in heartbeats.take_due(self._held):
                        yield heartbeat
                # A process that was stopped for a while goes on from where it was, without a burst.
                start += max(0.0, -wait - LATE_MAX_S)
            yield quote
        yield FeedEnded()

    def _quotes(self) -> Iterator[FeedQuote]:
        """All rounds' quotes; each round's times and update ids go on where the last one's ended."""
        later = above = 0
        while True:
            times: list[int] = []
            ids: list[int] = []
            for quote in self._recording.quotes():
                if quote.symbol not in self._ledger.followed:
                    continue
                # Only the least and the greatest are of use, and a recording may be long.
                times = [min((*times, quote.source_time)), max((*times, quote.source_time))]
                ids = [min((*ids, quote.update_id)), max((*ids, quote.update_id))]
                yield msgspec.structs.replace(
                    quote, source_time=quote.source_time + later, update_id=quote.update_id + above
                )
            if not self._loop:
                return
            later += times[1] - times[0] + LOOP_PAUSE_US
            above += ids[1] - ids[0] + 1


def read_speed(text: str) -> float | None:
    """Read `max`, or how many times the recorded pace: 1, 10, x10, 0.5."""
    if text == "max":
        return None
    try:
        speed = float(text.lower().strip("x"))
    except ValueError:
        speed = 0.0
    if not 0 < speed < float("inf"):
        raise FixableError(f"The speed {text!r} is neither `max` nor a number above 0, like 1, 10 or 0.5.")
    return speed


def open_recording(file: Path, spread_bps: int, speed: float | None) -> Recording:
    """Open a file to be played at a speed: paced bars are spread so that a tick comes every second or sooner."""
    return Recording(
        file, spread_bps, CORNERS_ONLY_STEP_S if speed is None else max(1, int(min(speed, CORNERS_ONLY_STEP_S)))
    )
