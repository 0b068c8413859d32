"""A reader wakes for the first message, waits for few more after a pause, and gathers a whole pace under load."""

from typing import Any, cast

import pytest
from confluent_kafka import Consumer, Message

from projector.write import pace
from projector.write.pace import GATHER_S, IDLE_S, PacedReader

PACE_S = 0.05


class Clock:
    """Time goes on only where someone waits."""

    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        return self.now


class Records:
    """A consumer of messages that come at given times: it waits as long as it is told, or until it has all it wants."""

    def __init__(self, clock: Clock, *times: float) -> None:
        self._clock = clock
        self._times = list(times)

    def poll(self, timeout: float) -> Any:
        found = self.consume(1, timeout)
        return found[0] if found else None

    def consume(self, most: int, timeout: float) -> list[Any]:
        end = self._clock.now + timeout
        found = [at for at in self._times[:most] if at <= end]
        self._times = self._times[len(found) :]
        self._clock.now = max(self._clock.now, found[-1]) if len(found) == most else end
        return found


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(pace, "time", clock)
    return clock


def reader(clock: Clock, *times: float, most: int = 10) -> PacedReader:
    return PacedReader(cast("Consumer", Records(clock, *times)), most, PACE_S)


def times(messages: list[Message]) -> list[Any]:
    return list(messages)


def test_an_idle_reader_comes_back_without_messages(clock: Clock) -> None:
    assert reader(clock).read() == []
    assert clock.now == 100.0 + IDLE_S


def test_a_message_after_a_pause_waits_for_few_more(clock: Clock) -> None:
    assert times(reader(clock, 100.2, 100.205, 100.22).read()) == [100.2, 100.205]
    assert clock.now == pytest.approx(100.2 + GATHER_S)


def test_a_batch_under_load_ends_a_pace_after_the_one_before(clock: Clock) -> None:
    messages = reader(clock, 100.0, 100.011, 100.04, 100.07)
    assert times(messages.read()) == [100.0]
    assert times(messages.read()) == [100.011, 100.04]
    assert clock.now == pytest.approx(100.0 + GATHER_S + PACE_S)


def test_a_full_batch_waits_for_nothing(clock: Clock) -> None:
    assert times(reader(clock, 100.0, 100.0, 100.001, most=2).read()) == [100.0, 100.0]
    assert clock.now == 100.0
