"""The recorded feed: a recording played at its own pace, some times faster, or as fast as it is consumed."""

import asyncio
from collections.abc import AsyncIterator, Collection, Iterator
from pathlib import Path
from typing import Final

import msgspec

from market_data.bars import BPS_OF_BOTH_SIDES, Walk
from market_data.clock import Clock
from market_data.feed import FeedEnded, FeedItem, FeedQuote
from market_data.heartbeats import HeartbeatTimer
from market_data.ledger import FollowedLedger
from market_data.recording import Recording
from market_data.source_times import SHOWABLE_MAX
from runtime.errors import FixableError
from runtime.setting_values import speed_of
from schemas.units import INT64_MAX
from schemas.words import FeedName

MICROS_PER_SECOND: Final = 1_000_000
LATE_MAX_S: Final = 1.0
LOOP_PAUSE_US: Final = 1_000_000  # between the last quote of a round and the first of the next
YIELD_EVERY: Final = 100  # quotes without a pause, so that the rest of the process gets its turn
SHOWN: Final = 10  # symbols


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
        summary = recording.check()
        self._held = set(summary.symbols)
        if summary.is_whole and not self._held & ledger.followed.keys():
            raise FixableError(no_quote_of(recording.file, summary.symbols, ledger.followed))

    async def items(self) -> AsyncIterator[FeedItem]:
        """Give the file's quotes, and heartbeats of every symbol between them; at its end say so, and why it came."""
        first: FeedQuote | None = None
        start = self._clock.monotonic()
        heartbeats = HeartbeatTimer(self._clock)
        try:
            for count, quote in enumerate(self._quotes()):
                if count % YIELD_EVERY == 0:
                    await asyncio.sleep(0)
                self._held.add(quote.symbol)
                if quote.symbol not in self._ledger.followed:
                    continue
                if first is None:
                    first, start = quote, self._clock.monotonic()
                    heartbeats = HeartbeatTimer(self._clock)
                elif self._speed is not None:
                    due = start + (quote.source_time - first.source_time) / MICROS_PER_SECOND / self._speed
                    while (wait := due - self._clock.monotonic()) > 0:
                        await self._clock.sleep(min(wait, heartbeats.due_in_s()))
                        for heartbeat in heartbeats.take_due(self._held):
                            yield heartbeat
                    # A process that was stopped for a while goes on from where it was, without a burst.
                    start += max(0.0, -wait - LATE_MAX_S)
                yield quote
        except FixableError as error:
            yield FeedEnded(failure=str(error))
            return
        if first is None:
            yield FeedEnded(failure=no_quote_of(self._recording.file, self._held, self._ledger.followed))
        else:
            yield FeedEnded(notice=self._recording.notice)

    def _quotes(self) -> Iterator[FeedQuote]:
        """All rounds' quotes; each round's times and update ids go on where the last one's ended."""
        later = above = 0
        while True:
            times: list[int] = []
            ids: list[int] = []
            for quote in self._recording.quotes():
                # Only the least and the greatest are of use, and a recording may be long.
                times = [min((*times, quote.source_time)), max((*times, quote.source_time))]
                ids = [min((*ids, quote.update_id)), max((*ids, quote.update_id))]
                yield msgspec.structs.replace(
                    quote, source_time=quote.source_time + later, update_id=quote.update_id + above
                )
            if not self._loop or not self._held & self._ledger.followed.keys():
                return
            later += times[1] - times[0] + LOOP_PAUSE_US
            above += ids[1] - ids[0] + 1
            if times[1] + later > SHOWABLE_MAX or ids[1] + above > INT64_MAX:
                raise FixableError(f"{self._recording.file} was repeated until its times were beyond the year 9998.")


def no_quote_of(file: Path, held: Collection[str], followed: Collection[str]) -> str:
    """Say that a recording has nothing to play, and what it has."""
    return (
        f"{file} has no quote of {', '.join(followed)}; it has {', '.join(sorted(held)[:SHOWN])}. If it is of one of "
        "these all the same, name that with --symbol (FEED_SYMBOL); else define its market with --instruments FILE: "
        "docs/instruments.md."
    )


def read_speed(text: str) -> float | None:
    """Read `max`, which is null, or how many times the recorded pace."""
    try:
        return speed_of(text)
    except ValueError as error:
        raise FixableError(f"The speed {text!r} is neither `max` nor a number above 0, like 1, 10 or 0.5.") from error


def open_recording(file: Path, spread_bps: int, speed: float | None, symbol: str | None = None) -> Recording:
    """Open a file to be played at a speed: paced bars are spread so that a tick comes every second or sooner."""
    if not spread_bps < BPS_OF_BOTH_SIDES:
        raise FixableError(
            f"The spread of recorded bars is {spread_bps} bps; below {BPS_OF_BOTH_SIDES} bids are above 0."
        )
    step_us = None if speed is None else max(1, int(speed)) * MICROS_PER_SECOND
    return Recording(file, Walk(spread_bps, step_us), symbol)
