"""Events that end in the middle of a command are completed by the next owner, with exactly what is missing."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from confluent_kafka import Producer

from bench._workload import accounts_of, opening_day, trading_day
from runtime.kafka import transactional_producer_options
from runtime.settings import Settings
from schemas.codec import decode_event
from schemas.topics import EVENTS
from tests.conftest import SettingsFactory
from tests.kafka.test_shell_frozen import until_frozen
from tests.kafka.test_shell_standby import Pair, running, tell_of_death
from tests.kafka.workers import Client, clock, commands_in, engine, events_in, events_when, executed_in_process
from tests.processes import eventually

SHARD = 1
COMPLETED = "the committed events end in the middle of a command"


def test_an_owner_completes_a_command_of_which_only_the_first_events_are_committed(
    ledger: Settings, client: Client, output: Path
) -> None:
    expected = traded(ledger, client)
    torn = next(torn_places(expected))
    write_as_owner(ledger, expected[:torn])
    with engine(ledger, output) as worker:
        worker.until_live(ledger.shards)
        assert [record.value for record in events_when(ledger, SHARD, len(expected))] == expected
        (line,) = worker.logged(COMPLETED)
        assert (line["shard"], line["watermark"]) == (SHARD, torn)


def test_an_event_in_the_middle_of_a_command_that_is_not_the_replayed_one_freezes_the_shard(
    ledger: Settings, client: Client, output: Path
) -> None:
    expected = traded(ledger, client)
    torn = next(torn_places(expected))
    last = expected[torn - 1]
    write_as_owner(ledger, [*expected[: torn - 1], last[:-1] + bytes([last[-1] ^ 1])])
    with engine(ledger, output) as worker:
        assert "replay came to another ledger" in until_frozen(worker)["error"]
    assert len(events_in(ledger, SHARD)) == torn


@pytest.mark.slow
def test_a_standby_completes_a_command_of_which_its_owner_committed_only_the_first_events(
    settings: SettingsFactory, tmp_path: Path
) -> None:
    pair = Pair(settings, tmp_path)
    ledger = pair.owner_settings
    with running(pair) as (owner, standby):
        pair.market.assert_nothing_lost_or_doubled()
        owner.send(signal.SIGSTOP)
        expected = traded(ledger, pair.market.client)
        standby.until(lambda shards: shards[SHARD]["seq"] == len(expected), "the standby has executed it all")
        first, second = [place for place, _ in zip(torn_places(expected), range(2), strict=False)]
        write_as_owner(ledger, expected[:first])
        # The standby looks at the owner's events every 0.4 s, and meets the tear before it is the owner and after.
        eventually(lambda: standby.shards()[SHARD]["watermark"], first.__eq__)
        write_as_owner(ledger, expected[first:second])
        owner.kill()
        tell_of_death(standby)
        standby.until_live(ledger.shards)
        assert [record.value for record in events_when(ledger, SHARD, len(expected))] == expected


def traded(ledger: Settings, client: Client) -> list[bytes]:
    """Append a day's beginning; the events it leads to."""
    accounts = accounts_of(SHARD, ledger.shards, 2)
    client.append(SHARD, opening_day(SHARD, accounts, clock))
    client.append(SHARD, trading_day(SHARD, accounts, 20, clock))
    return executed_in_process(SHARD, ledger.shards, commands_in(ledger, SHARD))


def torn_places(events: list[bytes]) -> Iterator[int]:
    """How many events there are up to each that is not the last of its command."""
    for number, value in enumerate(events):
        if decode_event(value).index > 0:
            yield number


def write_as_owner(ledger: Settings, events: list[bytes]) -> None:
    """Fence the owner and commit some events in its place."""
    producer = Producer(transactional_producer_options(ledger, f"engine-{SHARD}"))
    producer.init_transactions(15)
    producer.begin_transaction()
    for value in events:
        producer.produce(EVENTS, value, partition=SHARD)
    producer.commit_transaction(15)
