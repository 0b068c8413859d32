"""How a command gets into the log, and how its sender learns whether it did."""

import asyncio
import contextlib
import threading
from collections.abc import Callable
from typing import Final

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from api.log.outcomes import NotAppended, Waiter
from api.log.sent_commands import SentCommands
from runtime.cluster import ClusterWatch
from runtime.kafka import command_producer_options
from runtime.settings import Settings
from schemas.codec import encode_command
from schemas.commands import (
    AccountCommand,
    ActivateRules,
    DefineInstruments,
    SetAccountLimits,
    SetClock,
    SetMarketStatus,
)
from schemas.topics import COMMANDS

BroadcastCommand = DefineInstruments | SetMarketStatus | ActivateRules | SetClock | SetAccountLimits

DEADLINE_S: Final = 10
POLL_S: Final = 0.1
FLUSH_S: Final = 5.0
# What says for certain that a record is not in the log; anything else leaves it open.
_NEVER_APPENDED: Final = (
    KafkaError.MSG_SIZE_TOO_LARGE,
    KafkaError.INVALID_MSG_SIZE,
    KafkaError.TOPIC_AUTHORIZATION_FAILED,
    KafkaError.CLUSTER_AUTHORIZATION_FAILED,
    KafkaError.UNKNOWN_TOPIC_OR_PART,
    KafkaError._UNKNOWN_TOPIC,  # noqa: SLF001  # Their public names in this library.
    KafkaError._UNKNOWN_PARTITION,  # noqa: SLF001
    KafkaError._PURGE_QUEUE,  # noqa: SLF001
)


class CommandProducer:
    """An idempotent producer; a thread of its own takes the acknowledgements."""

    def __init__(self, settings: Settings, sent: SentCommands, cluster: ClusterWatch) -> None:
        # A command is not tried beyond its deadline: it would only be refused.
        options = command_producer_options(settings, "reprise-api") | {"delivery.timeout.ms": DEADLINE_S * 1000}
        self._producer = Producer(options)
        self._sent = sent
        self._cluster = cluster
        self._ended = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = threading.Thread(target=self._poll, name="acknowledgements", daemon=True)

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Begin to take acknowledgements."""
        self._loop = loop
        self._thread.start()

    def stop(self) -> None:
        """Send what waits, for a bounded time."""
        self._producer.flush(FLUSH_S)
        self._ended.set()
        self._thread.join()

    def send(self, command: AccountCommand, waiter: Waiter) -> None:
        """Put a client's command into its account's shard, or raise NotAppended; the waiter hears the rest."""
        self._sent.note(command)
        self._produce(encode_command(command), self._acknowledge(waiter), key=command.account_id.encode())

    def send_broadcast(self, command: BroadcastCommand, waiter: Waiter) -> None:
        """Put a broadcast's command into the shard it names, or raise NotAppended."""
        self._produce(encode_command(command), self._acknowledge(waiter), partition=command.shard)

    def _produce(
        self,
        value: bytes,
        acknowledge: Callable[[KafkaError | None, Message], None],
        *,
        key: bytes | None = None,
        partition: int = -1,
    ) -> None:
        if self._cluster.why is not None:
            raise NotAppended(self._cluster.why)
        try:
            self._producer.produce(COMMANDS, value=value, key=key, partition=partition, on_delivery=acknowledge)
        except (BufferError, KafkaException) as error:
            raise NotAppended(str(error)) from error

    def _acknowledge(self, waiter: Waiter) -> Callable[[KafkaError | None, Message], None]:
        loop = self._loop
        assert loop is not None, "started with a loop"

        def acknowledged(error: KafkaError | None, message: Message) -> None:
            # At the end of the process the loop may be closed already, and nobody waits any more.
            with contextlib.suppress(RuntimeError):
                if error is None:
                    offset = message.offset()
                    loop.call_soon_threadsafe(waiter.appended, -1 if offset is None else offset)
                elif error.code() in _NEVER_APPENDED:
                    loop.call_soon_threadsafe(waiter.failed, error.str())

        return acknowledged

    def _poll(self) -> None:
        while not self._ended.is_set():
            if self._cluster.why is not None:
                # What waits for its own brokers must not go to others.
                self._producer.purge(in_flight=False)
            self._producer.poll(POLL_S)
