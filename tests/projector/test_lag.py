"""What the projector shows of how far the tables are behind the log."""

from collections.abc import Mapping
from threading import Event

from prometheus_client import CollectorRegistry

from reprise.projector.chain import Entry, Position, start_of
from reprise.projector.projection import Projection

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

    def read(self) -> list[Entry]:
        self._stopping.set()
        return []


class EmptyTables:
    """Tables that nothing was written to."""

    def __init__(self) -> None:
        self.positions: dict[int, Position] = {shard: start_of(shard) for shard in range(SHARDS)}
        self.current: list[int] = []

    def load(self) -> None:
        """Nothing is there."""

    def confirm(self, shards: list[int], now: int) -> None:
        assert now > 0
        self.current = shards


def test_the_lag_of_each_shard_is_a_number_of_its_metrics() -> None:
    registry, stopping, tables = CollectorRegistry(), Event(), EmptyTables()
    reader = HaltingReader({0: 3, 1: 5}, {0: 7, 1: 5}, stopping)
    projection = Projection(reader, tables, registry, stopping)  # type: ignore[arg-type]  # Of each only what is used.
    projection.run()
    lags = [registry.get_sample_value("lag_records", {"shard": str(shard)}) for shard in range(SHARDS)]
    assert lags == [4, 0]
    assert [shard["lag"] for shard in projection.status()["shards"]] == [4, 0]
    assert tables.current == [1], "only what is not behind is said to be current"
