"""How the brokers are asked: for a bounded time, and with one exception that names them where they do not answer."""

import logging
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeVar

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition
from confluent_kafka.admin import TopicMetadata

from reprise_client.asked_password import asks_for_password
from reprise_client.errors import RepriseError

GROUP: Final = "reprise-client"
POLL_S: Final = 0.5
ASK_S: Final = 1.0  # for the first answer; each next time longer
ASK_MAX_S: Final = 10.0
SILENCE_S: Final = 5.0  # without a message; then the brokers are asked whether they are there
# What librdkafka says of its connections, which it tries again and again, goes to who configures this logger.
_LOGGER: Final = logging.getLogger("reprise_client.kafka")
_LOGGER.addHandler(logging.NullHandler())
NO_LEADER: Final = -1
HOW_TO_LOG_IN: Final = (
    "give the file that the instance writes for its readers, kafka-reader.properties in its folder, "
    "or sasl.* as options"
)
# Their public names in this library begin like this.
_NO_ACCESS: Final = frozenset(
    {
        KafkaError._AUTHENTICATION,  # noqa: SLF001
        KafkaError.SASL_AUTHENTICATION_FAILED,
        KafkaError.TOPIC_AUTHORIZATION_FAILED,
        KafkaError.CLUSTER_AUTHORIZATION_FAILED,
        KafkaError.UNSUPPORTED_SASL_MECHANISM,
        KafkaError.ILLEGAL_SASL_STATE,
    }
)
_NO_TOPIC: Final = frozenset(
    {
        KafkaError.UNKNOWN_TOPIC_OR_PART,
        KafkaError._UNKNOWN_TOPIC,  # noqa: SLF001
        KafkaError._UNKNOWN_PARTITION,  # noqa: SLF001
    }
)
_NO_OFFSET: Final = frozenset({KafkaError.OFFSET_OUT_OF_RANGE, KafkaError._AUTO_OFFSET_RESET})  # noqa: SLF001
_PASSES: Final = frozenset(
    {
        KafkaError._TRANSPORT,  # noqa: SLF001
        KafkaError._ALL_BROKERS_DOWN,  # noqa: SLF001
        KafkaError._RESOLVE,  # noqa: SLF001
        KafkaError._TIMED_OUT,  # noqa: SLF001
    }
)

Answer = TypeVar("Answer")


class Bookmark(NamedTuple):
    """How far a shard was read: keep it with what you made of its events. digest: hex, of the last event."""

    shard: int
    next_offset: int
    seq: int
    digest: str


class LogInterrupted(RepriseError):
    """The log could not be read on. bookmarks: from where to go on, as `after` of `read_events`."""

    def __init__(self, reason: str, bookmarks: Iterable[Bookmark]) -> None:
        super().__init__(reason)
        self.bookmarks = tuple(bookmarks)


class LogUnreachable(LogInterrupted):
    """No broker answered for as long as the patience lasted."""


class LogRefused(LogInterrupted):
    """The brokers do not give the log: it has no such topic, shard or offset, or these credentials may not read it."""


def is_file(brokers: str | Path) -> bool:
    """Whether a file of options is meant, and no addresses: these have no slash but that of PROTOCOL://."""
    return isinstance(brokers, Path) or "/" in brokers.replace("://", "") or Path(brokers).is_file()


def broker_options(file: str | Path) -> dict[str, str]:
    """Read a file of librdkafka's options, NAME=VALUE on a line: where the brokers are, and who logs in.

    LogRefused where it cannot be read, or names no brokers.
    """
    try:
        lines = Path(file).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise LogRefused(f"{file} cannot be read: {error}", ()) from error
    options = dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))
    if "bootstrap.servers" not in options:
        raise LogRefused(f"{file} names no brokers: it has no line bootstrap.servers=HOST:PORT", ())
    return options


class Brokers:
    """Those of one reading. marks: how far each shard was read, which the reader keeps up to date."""

    def __init__(self, topic: str, options: Mapping[str, Any], patience_s: float, marks: dict[int, Bookmark]) -> None:
        self._names = str(options["bootstrap.servers"])
        self._topic = topic
        self._patience_s = patience_s
        self._marks = marks
        self._theirs = options.get("error_cb")
        self._is_anonymous = str(options.get("security.protocol", "plaintext")).lower() == "plaintext"
        self._said: KafkaError | None = None
        self._heard = time.monotonic()
        self._consumer = Consumer(
            {
                "group.id": GROUP,
                "isolation.level": "read_committed",
                "enable.auto.commit": False,
                "enable.partition.eof": True,
                "auto.offset.reset": "error",
                "allow.auto.create.topics": False,
                **options,
                "error_cb": self._note,
            },
            logger=_LOGGER,
        )

    def close(self) -> None:
        """Let go of the connections."""
        self._consumer.close()

    def shards(self) -> set[int]:
        """Give the partitions there are."""
        return set(self._ask(self._metadata, self._hear_errors).partitions)

    def end(self, shard: int) -> int:
        """Give the offset behind the last record of a shard."""

        def ask(timeout_s: float) -> int:
            extent = self._consumer.get_watermark_offsets(TopicPartition(self._topic, shard), timeout=timeout_s)
            if extent is None:
                raise KafkaException(KafkaError(KafkaError._TIMED_OUT))  # noqa: SLF001
            return extent[1]

        return self._ask(ask, self._hear_errors)

    def assign(self) -> None:
        """Read each shard from its mark on."""
        self._consumer.assign([TopicPartition(self._topic, mark.shard, mark.next_offset) for mark in self.marks])

    @property
    def marks(self) -> tuple[Bookmark, ...]:
        """How far each shard was read."""
        return tuple(self._marks.values())

    def next(self) -> Message | None:
        """Give the next record, or the mark that a shard's end was reached; null where there is none just now."""
        message = self._consumer.poll(POLL_S)
        error = None if message is None else message.error()
        if message is not None and (error is None or is_end(message)):
            self._heard = time.monotonic()
            return message
        if error is not None:
            self._note(error)
            self._refuse(error, message)
        self._refuse(self._said)
        if time.monotonic() - self._heard > min(SILENCE_S, self._patience_s / 2):
            self._look()
        return None

    def _look(self) -> None:
        """Ask, in a long silence, whether the brokers and every shard's leader are there."""
        found = self._ask(self._metadata, lambda: None, since=self._heard)
        missing = sorted(
            shard for shard in self._marks if shard in found.partitions and found.partitions[shard].leader == NO_LEADER
        )
        if not missing:
            self._heard = time.monotonic()
            self._said = None
        elif time.monotonic() - self._heard > self._patience_s:
            raise LogUnreachable(f"{self._topic} has no broker that leads shard {missing[0]}", self.marks)

    def _metadata(self, timeout_s: float) -> TopicMetadata:
        found: TopicMetadata = self._consumer.list_topics(self._topic, timeout=timeout_s).topics[self._topic]
        if found.error is not None:
            raise KafkaException(found.error)
        return found

    def _ask(
        self, question: Callable[[float], Answer], hear_errors: Callable[[], None], since: float | None = None
    ) -> Answer:
        """Ask until there is an answer, or nobody gave one for as long as the patience lasts."""
        deadline = (time.monotonic() if since is None else since) + self._patience_s
        timeout_s = ASK_S
        while True:
            try:
                return question(max(0.1, min(timeout_s, deadline - time.monotonic())))
            except KafkaException as error:
                (why,) = error.args
                hear_errors()
                self._refuse(why)
                self._refuse(self._said)
                if why.code() not in _PASSES and not why.retriable():
                    raise
                if self._is_anonymous and time.monotonic() < deadline and asks_for_password(self._names):
                    raise LogRefused(
                        f"the brokers {self._names} ask for a password: {HOW_TO_LOG_IN}", self.marks
                    ) from error
                if time.monotonic() >= deadline:
                    raise LogUnreachable(
                        f"no broker of {self._names} answered within {self._patience_s:g} s: {self._said or why}",
                        self.marks,
                    ) from error
            timeout_s = min(ASK_MAX_S, 2 * timeout_s)

    def _hear_errors(self) -> None:
        """Have what librdkafka noted told to `_note`; before anything is assigned there are no records to lose."""
        assert self._consumer.poll(0) is None, "nothing is assigned yet"

    def _note(self, error: KafkaError) -> None:
        """Keep what says most: that all brokers are down says least, and that access is refused most."""
        if self._theirs is not None:
            self._theirs(error)
        if self._said is None or (
            self._said.code() not in _NO_ACCESS and error.code() != KafkaError._ALL_BROKERS_DOWN  # noqa: SLF001
        ):
            self._said = error

    def _refuse(self, error: KafkaError | None, message: Message | None = None) -> None:
        """Raise what waiting does not change."""
        code = None if error is None else error.code()
        place = "" if message is None else f" (shard {message.partition()}, offset {message.offset()})"
        if code in _NO_ACCESS and self._is_anonymous:
            reason = (
                f"the brokers {self._names} do not give {self._topic} without a password; the open listener of an "
                f"instance has prices only. Log in: {HOW_TO_LOG_IN}"
            )
        elif code in _NO_ACCESS:
            reason = f"the brokers {self._names} refuse these credentials: {error}"
        elif code in _NO_TOPIC:
            reason = f"the brokers {self._names} have no topic {self._topic}{place}: they keep no exchange's log"
        elif code in _NO_OFFSET:
            reason = f"{self._topic} does not have what was asked for{place}: the bookmark is of another log"
        else:
            return
        raise LogRefused(reason, self.marks) from KafkaException(error)


def is_end(message: Message) -> bool:
    """Whether it is no record but the mark that a shard's end was reached."""
    error = message.error()
    return error is not None and error.code() == KafkaError._PARTITION_EOF  # noqa: SLF001
