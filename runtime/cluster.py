"""Whether the brokers that answer are those of the instance: another cluster at the same address is another ledger.

A broker that asks for passwords is known by them at each connection. One that asks for none is known by the id of its
cluster, and by those of the topics: a topic that was deleted and made again has another. Both are asked for again and
again, at once where a connection was lost.
"""

import threading
from collections.abc import Callable
from typing import Final, NamedTuple

from confluent_kafka import KafkaError, KafkaException, TopicCollection
from confluent_kafka.admin import AdminClient

from runtime.errors import FixableError
from runtime.kafka import FIRST_CONTACT_S, admin_options
from runtime.settings import Settings
from schemas.topics import TOPICS

LOOK_S: Final = 1.0
PAUSE_AWAY_S: Final = 0.1
ANSWER_S: Final = 2.0
HIDDEN: Final = frozenset({KafkaError.TOPIC_AUTHORIZATION_FAILED, KafkaError.UNKNOWN_TOPIC_OR_PART})


class Identity(NamedTuple):
    """What a cluster is known by. topics: the id of each topic that this user may see."""

    cluster: str
    topics: dict[str, str]

    def differs_from(self, other: "Identity") -> str | None:
        """Say in a clause what is another; null where all that both know is the same."""
        if self.cluster != other.cluster:
            return f"it is cluster {self.cluster}, and this instance's is {other.cluster}"
        for name, topic in self.topics.items():
            if other.topics.get(name, topic) != topic:
                return f"its topic {name}, with id {topic}, was made anew: this instance's has {other.topics[name]}"
        return None


class ClusterWatch:
    """Looks who answers at KAFKA_BROKERS, in a thread of its own; where no setting says who should, the first does."""

    def __init__(self, settings: Settings, on_other: Callable[[str], None] = lambda _: None) -> None:
        """on_other: called with the reason each time another cluster answers."""
        self.why: str | None = None
        self._brokers = settings.kafka_brokers
        self._wanted = pinned(settings)
        self._on_other = on_other
        self._is_refused = threading.Event()
        self._ended = threading.Event()
        self._admin = AdminClient(admin_options(settings, "reprise-watch") | {"error_cb": self._hear, "log_level": 0})
        self._thread = threading.Thread(target=self._run, name="cluster watch", daemon=True)

    def require_same(self) -> None:
        """FixableError where another cluster answers; nothing where none does."""
        self._look()
        if self.why is not None:
            raise FixableError(self.why)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def stop(self) -> None:
        """Look no more."""
        self._ended.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        while True:
            answered = self._look()
            if self._ended.wait(LOOK_S if answered else PAUSE_AWAY_S):
                return

    def _look(self) -> bool:
        """Ask once; whether somebody answered."""
        self._is_refused.clear()
        try:
            found = identity_of(self._admin)
        except KafkaException:
            self._admin.poll(0)
            if self._is_refused.is_set():
                self._say(f"The Kafka at {self._brokers} is another one: it does not know this instance's password.")
            return False
        difference = None if self._wanted is None else found.differs_from(self._wanted)
        if self._wanted is None:
            self._wanted = found
        self._say(None if difference is None else f"The Kafka at {self._brokers} is another one: {difference}.")
        return True

    def _say(self, why: str | None) -> None:
        self.why = why
        if why is not None:
            self._on_other(why)

    def _hear(self, error: KafkaError) -> None:
        if error.code() == KafkaError._AUTHENTICATION:  # noqa: SLF001  # Its public name in this library.
            self._is_refused.set()


def identity_of(admin: AdminClient, timeout_s: float = ANSWER_S) -> Identity:
    """Ask a cluster who it is; KafkaException where none answers in time."""
    found = admin.list_topics(timeout=timeout_s)
    names = [topic.name for topic in TOPICS if topic.name in found.topics]
    described = admin.describe_topics(TopicCollection(names), request_timeout=timeout_s) if names else {}
    topics: dict[str, str] = {}
    for name, topic in described.items():
        try:
            # As Kafka's own tools write it.
            topics[name] = str(topic.result(timeout=timeout_s).topic_id).replace("+", "-").replace("/", "_")
        except TimeoutError as error:
            raise KafkaException(KafkaError(KafkaError._TIMED_OUT)) from error  # noqa: SLF001  # Its public name.
        except KafkaException as error:
            if error.args[0].code() not in HIDDEN:
                raise
    return Identity(str(found.cluster_id), topics)


def identity(settings: Settings) -> Identity:
    """Ask the cluster of KAFKA_BROKERS who it is; KafkaException where none answers in time."""
    return identity_of(AdminClient(admin_options(settings)), FIRST_CONTACT_S)


def pinned(settings: Settings) -> Identity | None:
    """Give who the settings say the cluster is; null where they do not."""
    if settings.kafka_cluster_id is None:
        return None
    return Identity(settings.kafka_cluster_id, dict(pair.split("=", 1) for pair in settings.kafka_topic_ids))


def require_same(settings: Settings) -> None:
    """FixableError where the cluster of KAFKA_BROKERS is not the one that the settings name."""
    watch = ClusterWatch(settings)
    watch.require_same()
