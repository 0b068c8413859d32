"""How the topics of the table come to exist, and what is refused about those that do already."""

import time
from concurrent.futures import Future
from typing import Final, NamedTuple

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import (
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewTopic,
    OffsetSpec,
    ResourceType,
)

from runtime.errors import FixableError
from runtime.kafka import (
    FIRST_CONTACT_S,
    RETRY_PAUSE_S,
    TRANSIENT,
    admin_options,
    listed_offset,
    partition_count,
    reader_options,
    why_unread,
)
from runtime.settings import Settings
from schemas.topics import REPLICATED, TOPICS, Topic, partitions_of

TIMEOUT_S: Final = 15.0
NO_LEADER_YET: Final = TRANSIENT | {KafkaError._NOENT}  # noqa: SLF001  # Its public name in this library.


class TopicReport(NamedTuple):
    """What was found or done: `created`, `changed` or `unchanged`."""

    name: str
    partitions: int
    outcome: str


def ensure_topics(settings: Settings) -> list[TopicReport]:
    """Create what is missing, mend settings that differ, and refuse a ledger of another number of shards."""
    admin = AdminClient(admin_options(settings))
    existing = _existing_partitions(admin, settings)
    _refuse_other_shards(existing, settings)
    missing = [topic for topic in TOPICS if topic.name not in existing]
    _create(admin, missing, settings)
    changed = _mend_configs(admin, [topic for topic in TOPICS if topic.name in existing], settings)
    created = {topic.name for topic in missing}
    return [
        TopicReport(
            topic.name,
            existing.get(topic.name, partitions_of(topic, settings.shards)),
            "created" if topic.name in created else "changed" if topic.name in changed else "unchanged",
        )
        for topic in TOPICS
    ]


def require_topics(settings: Settings, *names: str) -> None:
    """Raise FixableError where a sharded topic cannot be read, or has another number of partitions."""
    consumer = Consumer(reader_options(settings, "reprise-topics"))
    try:
        for name in names:
            try:
                partitions = partition_count(consumer, name)
            except KafkaException as error:
                why = why_unread(error, settings.kafka_brokers)
                raise FixableError(
                    f"Topic {name} cannot be read at {settings.kafka_brokers}: {why}. "
                    "Start the broker, and make the topics with `reprise topics`."
                ) from error
            refuse_other_count(name, partitions, settings.shards)
    finally:
        consumer.close()


def refuse_other_count(name: str, partitions: int, shards: int) -> None:
    """Raise FixableError where a sharded topic has another number of partitions than the ledger has shards."""
    if partitions != shards:
        raise FixableError(
            f"Topic {name} has {partitions} partitions, and REPRISE_SHARDS says {shards}: the number of shards is "
            f"fixed for ever. Set REPRISE_SHARDS={partitions}, or use another cluster or data folder."
        )


def config_of(topic: Topic, settings: Settings) -> dict[str, str]:
    """A topic's settings on this cluster: with copies, the rules for copies too."""
    return topic.config | (REPLICATED if settings.replication_factor > 1 else {})


def _existing_partitions(admin: AdminClient, settings: Settings) -> dict[str, int]:
    try:
        found = admin.list_topics(timeout=FIRST_CONTACT_S).topics
    except KafkaException as error:
        raise FixableError(
            f"No Kafka broker answers at {settings.kafka_brokers}, which KAFKA_BROKERS names. Correct it, or leave it "
            "out: `./reprise up` then starts a broker of its own."
        ) from error
    return {name: len(topic.partitions) for name, topic in found.items() if topic.error is None}


def _refuse_other_shards(existing: dict[str, int], settings: Settings) -> None:
    for topic in TOPICS:
        if topic.sharded and topic.name in existing:
            refuse_other_count(topic.name, existing[topic.name], settings.shards)


def _create(admin: AdminClient, topics: list[Topic], settings: Settings) -> None:
    if not topics:
        return
    wanted = [
        NewTopic(
            topic.name,
            num_partitions=partitions_of(topic, settings.shards),
            replication_factor=settings.replication_factor,
            config=config_of(topic, settings),
        )
        for topic in topics
    ]
    for future in admin.create_topics(wanted, operation_timeout=TIMEOUT_S).values():
        try:
            future.result(timeout=TIMEOUT_S)
        except KafkaException as error:
            # Another start of the same command got there first: what it made comes from the same table.
            if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
                raise
    _wait_for_leaders(
        settings,
        [TopicPartition(topic.name, n) for topic in topics for n in range(partitions_of(topic, settings.shards))],
    )


def _wait_for_leaders(settings: Settings, partitions: list[TopicPartition]) -> None:
    """Return when every partition answers: a topic is named by the cluster a moment before it can be used."""
    deadline = time.monotonic() + TIMEOUT_S
    while True:
        # A client that has once seen a topic without leaders goes on believing it for a while; a new one asks.
        admin = AdminClient(admin_options(settings))
        latest: OffsetSpec = OffsetSpec.latest()  # type: ignore[no-untyped-call]
        answers = admin.list_offsets(dict.fromkeys(partitions, latest), request_timeout=TIMEOUT_S)
        try:
            for answer in answers.values():
                listed_offset(answer, TIMEOUT_S)
        except KafkaException as error:
            if error.args[0].code() not in NO_LEADER_YET or time.monotonic() > deadline:
                raise
            time.sleep(RETRY_PAUSE_S)
        else:
            return


def _mend_configs(admin: AdminClient, topics: list[Topic], settings: Settings) -> set[str]:
    """Set what differs from the table, and only that; the names of the topics that were changed."""
    if not topics:
        return set()
    differing: list[ConfigResource] = []
    for topic in topics:
        current = _described(admin, topic.name)
        entries = [
            ConfigEntry(key, value, incremental_operation=AlterConfigOpType.SET)
            for key, value in config_of(topic, settings).items()
            if current.get(key) != value
        ]
        if entries:
            differing.append(ConfigResource(ResourceType.TOPIC, topic.name, incremental_configs=entries))
    if differing:
        for change in admin.incremental_alter_configs(differing).values():
            change.result(timeout=TIMEOUT_S)
    return {resource.name for resource in differing}


def _described(admin: AdminClient, name: str) -> dict[str, str | None]:
    resource = ConfigResource(ResourceType.TOPIC, name)
    answer: Future[dict[str, ConfigEntry]] = admin.describe_configs([resource])[resource]
    return {key: entry.value for key, entry in answer.result(timeout=TIMEOUT_S).items()}
