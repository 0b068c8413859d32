"""A transaction of somebody who may not write hides events, or what comes among commands; no event is written twice."""

from pathlib import Path
from typing import Any

from confluent_kafka import Producer

from audit.log.cluster import open_cluster
from bench._workload import accounts_of, opening_day, trading_day
from runtime.kafka import transactional_producer_options
from runtime.settings import Settings
from schemas.codec import encode_command
from schemas.topics import COMMANDS, EVENTS
from tests.kafka.test_shell_frozen import assert_that_another_shard_executes, deposit
from tests.kafka.workers import Client, clock, commands_in, engine, events_in, events_when, executed_in_process

SHARD = 1
HINDERED = "a shard cannot be taken over yet"


def test_a_successor_waits_for_the_end_of_a_foreign_transaction_among_the_events_and_writes_no_event_twice(
    ledger: Settings, client: Client, output: Path
) -> None:
    accounts = accounts_of(SHARD, ledger.shards, 2)
    with engine(ledger, output) as worker:
        worker.until_live(ledger.shards)
        client.append(SHARD, opening_day(SHARD, accounts, clock))
        before = len(executed_in_process(SHARD, ledger.shards, commands_in(ledger, SHARD)))
        events_when(ledger, SHARD, before)
        foreign = foreign_transaction(ledger, EVENTS, b"no event")
        client.append(SHARD, trading_day(SHARD, accounts, 20, clock))
        expected = executed_in_process(SHARD, ledger.shards, commands_in(ledger, SHARD))
        worker.until(lambda shards: shards[SHARD]["seq"] == len(expected), "everything is executed")
        worker.kill()
    assert len(events_in(ledger, SHARD)) == before, "the rest is hidden"
    with engine(ledger, output) as worker:
        worker.until(is_hindered, "the shard waits, and the others are live")
        assert_that_another_shard_executes(ledger, client)
        foreign.abort_transaction(15)
        worker.until_live(ledger.shards)
        assert worker.shards()[SHARD]["error"] is None
        client.append(SHARD, [deposit("after it")])
        expected = executed_in_process(SHARD, ledger.shards, commands_in(ledger, SHARD))
        assert [record.value for record in events_when(ledger, SHARD, len(expected))] == expected
        assert worker.logged(HINDERED)


def test_a_foreign_transaction_that_is_open_among_the_commands_hides_no_command_from_a_recovery_or_the_audit(
    ledger: Settings, client: Client, output: Path
) -> None:
    client.append(SHARD, [deposit("before")])
    foreign = foreign_transaction(ledger, COMMANDS, encode_command(deposit("in a transaction")))
    client.append(SHARD, [deposit("after its begin")])
    for _ in range(2):
        with engine(ledger, output) as worker:
            worker.until_live(ledger.shards)
            assert worker.shards()[SHARD]["next_offset"] == 3
            events_when(ledger, SHARD, 3)
            worker.kill()
    assert open_cluster(ledger).extent(SHARD).commands == 3
    foreign.abort_transaction(15)


def is_hindered(shards: dict[int, dict[str, Any]]) -> bool:
    states = {number: shard["state"] for number, shard in shards.items()}
    return states == {0: "live", SHARD: "taking_over", 2: "live", 3: "live"} and "is open in exchange.events/1" in str(
        shards[SHARD]["error"]
    )


def foreign_transaction(ledger: Settings, topic: str, value: bytes) -> Producer:
    """Begin a transaction, with a record in the log."""
    producer = Producer(
        transactional_producer_options(ledger, "somebody-who-must-not") | {"transaction.timeout.ms": 300_000}
    )
    producer.init_transactions(15)
    producer.begin_transaction()
    producer.produce(topic, value, partition=SHARD)
    assert producer.flush(15) == 0
    return producer
