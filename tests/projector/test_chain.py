"""The projector reads exactly the log the engine wrote."""

import pytest

from projector.write.chain import BrokenLogError, entry, follow, start_of
from tests.projector.streams import Exchange


@pytest.fixture
def exchange() -> Exchange:
    exchange = Exchange(shards=2)
    exchange.open_markets()
    return exchange


def test_every_event_follows_from_the_previous_event(exchange: Exchange) -> None:
    positions = {0: start_of(0), 1: start_of(1)}
    entries = exchange.entries()
    assert list(follow(positions, entries)) == entries
    assert [positions[shard].seq for shard in (0, 1)] == [len(values) for values in exchange.values]
    assert positions[1].digest == exchange.values[1][-1][-16:]


def test_events_the_tables_already_have_are_left_out(exchange: Exchange) -> None:
    positions = {0: start_of(0), 1: start_of(1)}
    entries = exchange.entries()
    list(follow(positions, entries[:4]))
    assert list(follow(positions, entries)) == entries[4:]


def test_an_event_in_another_shard_breaks_the_chain(exchange: Exchange) -> None:
    astray = entry(1, 0, exchange.values[0][0])
    with pytest.raises(BrokenLogError, match="Shard 1, offset 0: the digest of event 1 does not follow"):
        list(follow({1: start_of(1)}, [astray]))


def test_bytes_that_are_no_event_are_refused_with_shard_and_offset() -> None:
    with pytest.raises(BrokenLogError, match="Shard 3, offset 17: the record holds no event"):
        entry(3, 17, b"garbage")
