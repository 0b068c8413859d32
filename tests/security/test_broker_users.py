"""Who may do what at an instance's own broker: each user just what it works with."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest
from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from runtime.kafka import admin_options, command_producer_options, end_offsets, reader_options
from runtime.kafka import transactional_producer_options as transactional
from runtime.settings import Settings
from runtime.topics import ensure_topics
from schemas.topics import COMMANDS, EVENTS, SNAPSHOTS, TICKS, VENUE_COMMANDS, VENUE_EVENTS
from stack.access import ADMIN, READER, READS, USERS, WRITES, as_user
from stack.instance import InstanceFolder
from stack.new_instance import broker_of
from stack.passwords import passwords_of
from tests.processes import eventually

TOPICS = (TICKS, COMMANDS, EVENTS, SNAPSHOTS, VENUE_COMMANDS, VENUE_EVENTS)
NAMES = [name for name in USERS if name in READS]
TIMEOUT_S = 10.0
REFUSED = {KafkaError.TOPIC_AUTHORIZATION_FAILED, KafkaError._UNKNOWN_TOPIC, KafkaError._MSG_TIMED_OUT}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> InstanceFolder:
    made = InstanceFolder(tmp_path_factory.mktemp("instance"))
    made.make()
    return made


@pytest.fixture(scope="module")
def reached(folder: InstanceFolder) -> Iterator[Settings]:
    with broker_of(folder, Settings(shards=1), print) as settings:
        ensure_topics(settings)
        assert all(writes(settings, topic) for topic in TOPICS)
        yield settings


@pytest.fixture
def user(folder: InstanceFolder, reached: Settings) -> partial[Settings]:
    """`user(user=NAME)`: the settings with which a client is that user."""
    return partial(as_user, reached, reached.kafka_brokers, passwords_of(folder))


def writes(settings: Settings, topic: str) -> bool:
    outcomes: list[KafkaError | None] = []
    # An idempotent one is given up as a whole where it may write nowhere.
    options = {"enable.idempotence": False, "delivery.timeout.ms": 8_000}
    producer = Producer(command_producer_options(settings) | options)
    producer.produce(topic, b"x", b"a key", partition=0, on_delivery=lambda error, _: outcomes.append(error))
    assert producer.flush(TIMEOUT_S) == 0
    (error,) = outcomes
    assert error is None or error.code() in REFUSED, error
    return error is None


def records_of(settings: Settings, topics: tuple[str, ...], wait_s: float) -> set[str]:
    """Of which topics a reader gets the first record; a topic that it may not see is silent."""
    consumer = Consumer(reader_options(settings, "any") | {"enable.partition.eof": False})
    try:
        consumer.assign([TopicPartition(topic, 0, 0) for topic in topics])
        found: set[str] = set()
        deadline = time.monotonic() + wait_s
        while found != set(topics) and time.monotonic() < deadline:
            message = consumer.poll(0.2)
            if message is not None and message.error() is None:
                found.add(str(message.topic()))
        return found
    finally:
        consumer.close()


@pytest.fixture(scope="module")
def read_of_others(folder: InstanceFolder, reached: Settings) -> dict[str, set[str]]:
    """Of which topics beside its own each user gets a record; all wait for them at once."""

    def read(name: str) -> set[str]:
        settings = as_user(reached, reached.kafka_brokers, passwords_of(folder), name)
        return records_of(settings, tuple(topic for topic in TOPICS if topic not in READS[name]), 4.0)

    with ThreadPoolExecutor(len(NAMES)) as pool:
        return dict(zip(NAMES, pool.map(read, NAMES), strict=True))


@pytest.mark.parametrize("name", NAMES)
def test_a_user_reads_and_writes_the_topics_of_its_work_and_no_other(
    user: partial[Settings], read_of_others: dict[str, set[str]], name: str
) -> None:
    settings = user(user=name)
    assert records_of(settings, READS[name], TIMEOUT_S) == set(READS[name])
    assert read_of_others[name] == set()
    # Events and snapshots are written in transactions, which have a test of their own.
    written = {topic for topic in WRITES.get(name, ()) if topic not in {EVENTS, SNAPSHOTS}}
    assert {topic for topic in TOPICS if topic not in {EVENTS, SNAPSHOTS} and writes(settings, topic)} == written
    if name != "engine":
        assert not writes(settings, EVENTS)
        assert not writes(settings, SNAPSHOTS)


def test_only_the_engine_writes_events_in_transactions_and_only_under_its_own_ids(user: partial[Settings]) -> None:
    before = end_offsets(user(), EVENTS)
    engine = Producer(transactional(user(user="engine"), "engine-0"))
    engine.init_transactions(TIMEOUT_S)
    engine.begin_transaction()
    engine.produce(EVENTS, b"an event", partition=0)
    engine.commit_transaction(TIMEOUT_S)
    eventually(lambda: end_offsets(user(), EVENTS), lambda after: after != before)
    for name, transactional_id in (
        ("api", "engine-0"),
        ("venue", "engine-0"),
        ("market-data", "engine-0"),
        (READER, "engine-0"),
        ("engine", "venue-worker"),
        ("engine", "my-streams-app"),
    ):
        with pytest.raises(KafkaException, match="TRANSACTIONAL_ID_AUTHORIZATION_FAILED"):
            Producer(transactional(user(user=name), transactional_id)).init_transactions(TIMEOUT_S)


@pytest.mark.parametrize("name", ["api", "market-data", "projector", "replay", "venue", READER])
def test_only_the_engine_joins_its_group_whose_members_get_the_shards(user: partial[Settings], name: str) -> None:
    consumer = Consumer(reader_options(user(user=name), "engine") | {"enable.partition.eof": False})
    try:
        consumer.subscribe([COMMANDS])
        message = consumer.poll(TIMEOUT_S)
        assert message is not None
        assert message.error() is not None
        assert "GROUP_AUTHORIZATION_FAILED" in str(message.error())
    finally:
        consumer.close()


@pytest.mark.parametrize("name", NAMES)
def test_a_user_makes_no_topic_and_deletes_none(user: partial[Settings], name: str) -> None:
    admin = AdminClient(admin_options(user(user=name)))
    with pytest.raises(KafkaException, match="AUTHORIZATION_FAILED"):
        admin.create_topics([NewTopic("mine", 1, 1)])["mine"].result(TIMEOUT_S)
    with pytest.raises(KafkaException, match="AUTHORIZATION_FAILED"):
        admin.delete_topics([TICKS])[TICKS].result(TIMEOUT_S)


@pytest.mark.parametrize("password", ["", "wrong"])
def test_a_wrong_password_and_none_are_refused(reached: Settings, password: str) -> None:
    wrong = as_user(reached, reached.kafka_brokers, {ADMIN: password or "x"})
    if not password:
        wrong = Settings(kafka_brokers=reached.kafka_brokers, shards=1)
    with pytest.raises(KafkaException):
        AdminClient(admin_options(wrong)).list_topics(timeout=3)
