"""The projector reads exactly the log the engine wrote."""

import pytest

from projector.write.chain import BrokenLogError, first_checkpoint, new_entries, read_entry
from tests.projector.streams import Exchange


@pytest.fixture
def exchange() -> Exchange:
    exchange = Exchange(shards=2)
    exchange.open_markets()
    return exchange


def test_every_event_follows_from_the_previous_event(exchange: Exchange) -> None:
    checkpoints = {0: first_checkpoint(0), 1: first_checkpoint(1)}
    entries = exchange.entries()
    assert list(new_entries(checkpoints, entries)) == entries
    assert [checkpoints[shard].seq for shard in (0, 1)] == [len(values) for values in exchange.values]
    assert checkpoints[1].digest == exchange.values[1][-1][-16:]


def test_events_the_tables_already_have_are_left_out(exchange: Exchange) -> None:
    checkpoints = {0: first_checkpoint(0), 1: first_checkpoint(1)}
    entries = exchange.entries()
    list(new_entries(checkpoints, entries[:4]))
    assert list(new_entries(checkpoints, entries)) == entries[4:]


def test_an_event_in_another_shard_breaks_the_chain(exchange: Exchange) -> None:
    astray = read_entry(1, 0, exchange.values[0][0])
    with pytest.raises(BrokenLogError, match="Shard 1, offset 0: the digest of event 1 does not follow"):
        list(new_entries({1: first_checkpoint(1)}, [astray]))


def test_bytes_that_are_no_event_are_refused_with_shard_and_offset() -> None:
    with pytest.raises(BrokenLogError, match="Shard 3, offset 17: the record holds no event"):
        read_entry(3, 17, b"garbage")
