"""How records go to Kafka in order, with a bound on those it has not confirmed."""

from typing import Final

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from market_data.clock import Clock

UNACKNOWLEDGED_MAX: Final = 1_000
ANY_PARTITION: Final = -1
POLL_EVERY_S: Final = 0.05
PAUSE_S: Final = 0.001


class PriceOutbox:
    """One idempotent producer: what is sent first stands first in its partition. A record that is lost is fatal.

    All of it runs in one thread, callbacks included, so nothing runs between `wait_for_room` and the next `send`.
    """

    def __init__(self, producer: Producer, clock: Clock) -> None:
        self._producer = producer
        self._clock = clock
        self._failure: KafkaError | None = None
        self.unacknowledged = 0

    async def wait_for_room(self, records: int) -> None:
        """Wait until so many more records stay within the bound; KafkaException when one was lost."""
        self._poll()
        while self.unacknowledged + records > UNACKNOWLEDGED_MAX:
            await self._clock.sleep(PAUSE_S)
            self._poll()

    def send(self, topic: str, value: bytes, *, key: bytes | None = None, partition: int = ANY_PARTITION) -> None:
        """Hand over a record, after `wait_for_room`."""
        self.unacknowledged += 1
        self._producer.produce(topic, value, key, partition, on_delivery=self._delivered)

    async def wait_until_confirmed(self) -> None:
        """Wait until Kafka has confirmed every record; KafkaException when one was lost."""
        self._poll()
        while self.unacknowledged:
            await self._clock.sleep(PAUSE_S)
            self._poll()

    async def poll_periodically(self) -> None:
        """Take delivery reports, also while nothing is sent."""
        while True:
            await self._clock.sleep(POLL_EVERY_S)
            self._poll()

    def flush(self, timeout_s: float) -> int:
        """Wait for delivery reports at the end; gives how many records have none yet."""
        return self._producer.flush(timeout_s)

    def _poll(self) -> None:
        self._producer.poll(0)
        if self._failure is not None:
            raise KafkaException(self._failure)

    def _delivered(self, error: KafkaError | None, message: Message) -> None:
        del message
        self.unacknowledged -= 1
        if error is not None:
            self._failure = error
