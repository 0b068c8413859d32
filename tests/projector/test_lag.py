"""The projector shows how far the tables are behind the log."""

from collections.abc import Mapping
from threading import Event

import pytest
from prometheus_client import CollectorRegistry

from projector.write import projection as projection_module
from projector.write.chain import ChainEntry, Checkpoint, first_checkpoint
from projector.write.projection import Projection

SHARDS = 2


class HaltingReader:
    """A reader that got some way into the log, and whose first read is the last."""

    def __init__(self, reached: dict[int, int], ends: dict[int, int], stopping: Event) -> None:
        self.reached = reached
        self._ends = ends
        self._stopping = stopping

    def start(self, next_offsets: Mapping[int, int]) -> None:
        assert dict(next_offsets) == {0: 0, 1: 0}

    def ends(self) -> dict[int, int]:
        return self._ends

    def read(self) -> list[ChainEntry]:
        self._stopping.set()
        return []


class EmptyTables:
    """Tables that nothing was written to."""

    def __init__(self) -> None:
        self.checkpoints: dict[int, Checkpoint] = {shard: first_checkpoint(shard) for shard in range(SHARDS)}
        self.current: list[dict[int, int]] = []

    def load(self) -> None:
        """Nothing is there."""

    def confirm(self, current: Mapping[int, int]) -> None:
        self.current.append(dict(current))


def test_the_lag_of_each_shard_is_a_metric() -> None:
    registry, stopping, tables = CollectorRegistry(), Event(), EmptyTables()
    reader = HaltingReader({0: 3, 1: 5}, {0: 7, 1: 5}, stopping)
    projection = Projection(reader, tables, registry, stopping)  # type: ignore[arg-type]  # Of each only what is used.
    projection.run()
    lags = [registry.get_sample_value("lag_records", {"shard": str(shard)}) for shard in range(SHARDS)]
    assert lags == [4, 0]
    assert [shard["lag"] for shard in projection.status()["shards"]] == [4, 0]
    (current,) = tables.current
    assert list(current) == [1], "only what is not behind is said to be current"
    assert current[1] > 0


class BusyReader(HaltingReader):
    """A reader of a log that has always gone on: it never has all there is, and soon all there was."""

    def __init__(self, stopping: Event) -> None:
        super().__init__({0: 0, 1: 0}, {0: 0, 1: 0}, stopping)
        self._reads = 0

    def ends(self) -> dict[int, int]:
        return {0: self.reached[0] + 5, 1: 1_000}

    def read(self) -> list[ChainEntry]:
        self._reads += 1
        self.reached = {0: 10 * self._reads, 1: self._reads}
        if self._reads == 4:
            self._stopping.set()
        return []


def test_a_busy_shard_is_current_as_of_the_last_observed_end_the_tables_have_passed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(projection_module, "CHECK_INTERVAL_S", 0.0)
    stopping, tables = Event(), EmptyTables()
    Projection(BusyReader(stopping), tables, CollectorRegistry(), stopping).run()  # type: ignore[arg-type]  # As above.
    assert [list(current) for current in tables.current] == [[], [0], [0], [0]]
    times = [current[0] for current in tables.current[1:]]
    assert sorted(set(times)) == times, "each of another look around"
