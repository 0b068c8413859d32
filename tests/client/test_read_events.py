"""`read_events` gives each committed event once, continues at a bookmark, and finds altered events."""

from collections.abc import Iterable
from itertools import islice

import pytest

from reprise_client import Bookmark, Event, LogBroken, LogRefused, read_events
from runtime.settings import Settings
from tests.client.log_writer import LogWriter
from tests.conftest import SettingsFactory
from tests.projector.streams import Exchange, busy_exchange

FORGED_SHARD = 1
HOLED_SHARD = 2


@pytest.fixture(scope="module")
def exchange() -> Exchange:
    return busy_exchange(seed=7, accounts=8, rounds=15, orders=4)


def seqs(events: Iterable[Event], shard: int) -> list[int]:
    return [event.fields["seq"] for event in events if event.shard == shard]


def everything(settings: Settings, *after: Bookmark, shards: tuple[int, ...] = (0, 3)) -> list[Event]:
    return list(read_events(settings.kafka_brokers, after=after, shards=shards, verify_digests=True, until_end=True))


def test_a_log_is_read_once_and_checked(settings: SettingsFactory, exchange: Exchange) -> None:
    """One log for all tests: whole in shards 0 and 3, altered in 1, with a gap in 2."""
    made = settings(shards=4)
    forged = list(exchange.values[FORGED_SHARD])
    forged[5] = forged[5][:-20] + bytes([forged[5][-20] ^ 1]) + forged[5][-19:]
    holed = exchange.values[HOLED_SHARD][:4] + exchange.values[HOLED_SHARD][5:]
    writer = LogWriter(made)
    for shard, values in enumerate([exchange.values[0], forged, holed, exchange.values[3]]):
        writer.write(shard, values[:60])

    events = everything(made)
    for shard in (0, 3):
        assert seqs(events, shard) == [event.seq for event in exchange.events[shard][:60]]
        kinds = [event.type for event in events if event.shard == shard]
        assert kinds == [type(event).__name__ for event in exchange.events[shard][:60]]

    goes_on_at_any_bookmark(made, events)
    finds_what_is_wrong(made)

    writer.write(0, exchange.values[0][60:])
    writer.write(3, exchange.values[3][60:])
    ends = {event.shard: event.bookmark for event in events}
    later = everything(made, *ends.values())
    for shard in (0, 3):
        assert seqs(events, shard) + seqs(later, shard) == [event.seq for event in exchange.events[shard]]


def goes_on_at_any_bookmark(settings: Settings, events: list[Event]) -> None:
    before: list[Event] = list(islice(read_events(settings.kafka_brokers, shards=[3]), 17))
    rest = everything(settings, before[-1].bookmark, shards=(3,))
    assert before + rest == [event for event in events if event.shard == 3]
    assert everything(settings, rest[-1].bookmark, shards=(3,)) == []


def finds_what_is_wrong(settings: Settings) -> None:
    with pytest.raises(LogBroken, match="shard 1, event 6: it, or one before it, was altered"):
        everything(settings, shards=(FORGED_SHARD,))
    with pytest.raises(LogBroken, match=r"shard 2 has event 6 at offset .*, where 5 should be"):
        everything(settings, shards=(HOLED_SHARD,))
    with pytest.raises(LogRefused, match="another log"):  # Its bookmark is beyond the end of this one.
        everything(settings, Bookmark(0, 10**9, 7, "00" * 16), shards=(0,))
