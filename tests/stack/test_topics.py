"""The command `reprise topics` makes missing topics, restores settings and refuses another number of shards."""

import time

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource, ResourceType

from runtime.errors import FixableError
from runtime.kafka import (
    LogRecord,
    admin_options,
    command_producer_options,
    end_offsets,
    read_back,
    transactional_producer_options,
)
from runtime.settings import Settings
from runtime.topics import ensure_topics
from schemas.topics import COMMANDS, EVENTS, SNAPSHOTS, TICKS
from tests.conftest import SettingsFactory


def test_existing_topics_are_left_unchanged_by_a_second_run(settings: SettingsFactory) -> None:
    made = settings()
    reports = ensure_topics(made)
    assert {report.outcome for report in reports} == {"unchanged"}
    assert {report.name: report.partitions for report in reports} == {
        TICKS: 4,
        COMMANDS: 4,
        EVENTS: 4,
        SNAPSHOTS: 4,
        "venue.commands": 4,
        "venue.events": 4,
    }


def test_the_commands_topic_has_the_broker_s_append_time(settings: SettingsFactory) -> None:
    assert described(settings(), COMMANDS)["message.timestamp.type"] == "LogAppendTime"


def test_a_topic_setting_changed_by_hand_is_restored(settings: SettingsFactory) -> None:
    made = settings()
    entry = ConfigEntry("retention.ms", "1000", incremental_operation=AlterConfigOpType.SET)
    resource = ConfigResource(ResourceType.TOPIC, COMMANDS, incremental_configs=[entry])
    admin = AdminClient(admin_options(made))
    admin.incremental_alter_configs([resource])[resource].result(timeout=10)
    while described(made, COMMANDS)["retention.ms"] != "1000":
        time.sleep(0.01)  # The controller has it; the broker learns it a moment later.
    outcomes = {report.name: report.outcome for report in ensure_topics(made)}
    assert outcomes[COMMANDS] == "changed"
    assert outcomes[EVENTS] == "unchanged"
    while described(made, COMMANDS)["retention.ms"] != "-1":
        time.sleep(0.01)


def test_another_number_of_shards_is_refused_with_the_remedy(settings: SettingsFactory) -> None:
    settings(shards=2)
    with pytest.raises(FixableError, match="REPRISE_SHARDS=2"):
        ensure_topics(settings(shards=3))


def test_an_absent_broker_gets_a_one_line_error(settings: SettingsFactory) -> None:
    nowhere = settings().model_copy(update={"kafka_brokers": "127.0.0.1:1"})
    with pytest.raises(FixableError, match=r"No Kafka broker answers at 127\.0\.0\.1:1"):
        ensure_topics(nowhere)


def test_the_last_committed_records_are_read_back_through_control_records_and_aborts(settings: SettingsFactory) -> None:
    made = settings()
    assert read_back(made, EVENTS, 1, 5) == []
    producer = Producer(transactional_producer_options(made, "engine-1"))
    producer.init_transactions(10)
    for number in range(20):  # Each takes two offsets, its own and its commit's.
        producer.begin_transaction()
        producer.produce(EVENTS, str(number).encode(), partition=1)
        producer.commit_transaction(10)
    for _ in range(20):
        producer.begin_transaction()
        producer.produce(EVENTS, b"aborted", partition=1)
        producer.flush(10)
        producer.abort_transaction(10)
    assert values(read_back(made, EVENTS, 1, 3)) == ["17", "18", "19"]
    assert values(read_back(made, EVENTS, 1, 1)) == ["19"]
    assert len(read_back(made, EVENTS, 1, 1000)) == 20
    assert end_offsets(made, EVENTS) == [0, 80, 0, 0]


def test_a_command_goes_to_the_shard_that_java_s_murmur2_gives(settings: SettingsFactory) -> None:
    made = settings()
    producer = Producer(command_producer_options(made))
    producer.produce(COMMANDS, b"x", key=b"account-1")
    assert producer.flush(10) == 0
    assert [end for end in end_offsets(made, COMMANDS) if end] == [1]


def described(settings: Settings, topic: str) -> dict[str, str | None]:
    resource = ConfigResource(ResourceType.TOPIC, topic)
    admin = AdminClient(admin_options(settings))
    return {
        name: entry.value for name, entry in admin.describe_configs([resource])[resource].result(timeout=10).items()
    }


def values(records: list[LogRecord]) -> list[str]:
    return [record.value.decode() for record in records]
