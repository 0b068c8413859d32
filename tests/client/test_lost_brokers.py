"""`read_events` without its brokers: one exception in bounded time, with their names and with where to go on."""

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import Final, NamedTuple

import pytest
from confluent_kafka import KafkaError, KafkaException

from reprise_client import Bookmark, Event, LogRefused, LogUnreachable, log, read_events
from reprise_client.brokers import Brokers
from runtime.settings import Settings
from runtime.topics import ensure_topics
from stack.kafka import prepare_broker, wait_for_broker
from stack.ports import LOOPBACK, free_ports
from tests.client.log_writer import LogWriter
from tests.exchange_processes import ManagedProcess
from tests.projector.streams import Exchange, busy_exchange

pytestmark = pytest.mark.timeout(180)

SHARD: Final = 2
SHORT_S: Final = 2.0
SIGNED_IN: Final = {"security.protocol": "SASL_PLAINTEXT", "sasl.mechanism": "PLAIN", "sasl.username": "ada"}
LISTENER: Final = """
sasl.enabled.mechanisms=PLAIN
listener.name.sasl.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required user_ada="s";
"""


class OwnBroker(NamedTuple):
    """A broker that a test may stop, with a log of one shard. asking: where it asks for a password."""

    process: ManagedProcess
    settings: Settings
    asking: str
    exchange: Exchange

    @property
    def written(self) -> list[int]:
        return [event.seq for event in self.exchange.events[SHARD]]

    def read(self, *after: Bookmark, patience_s: float = 60.0, until_end: bool = True) -> Iterator[Event]:
        brokers = self.settings.kafka_brokers
        return read_events(brokers, after=after, shards=[SHARD], until_end=until_end, patience_s=patience_s)


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnBroker]:
    folder = tmp_path_factory.mktemp("broker")
    port, controller, asking = free_ports(3)
    command = prepare_broker(folder, port, controller, print, small=True)
    properties = folder / "server.properties"
    text = properties.read_text(encoding="utf-8")
    text = text.replace("listeners=PLAINTEXT://", f"listeners=SASL://{LOOPBACK}:{asking},PLAINTEXT://", 1)
    text = text.replace("advertised.listeners=", f"advertised.listeners=SASL://{LOOPBACK}:{asking},")
    text = text.replace("protocol.map=", "protocol.map=SASL:SASL_PLAINTEXT,")
    properties.write_text(text + LISTENER, encoding="utf-8")
    process = ManagedProcess(
        "broker", command, folder / "output", ready=lambda is_running: wait_for_broker(port, is_running)
    )
    process.start()
    settings = Settings.model_validate({"data": folder, "kafka_brokers": f"{LOOPBACK}:{port}", "shards": 4})
    ensure_topics(settings)
    exchange = busy_exchange(seed=7, accounts=8, rounds=15, orders=4)
    LogWriter(settings).write(SHARD, exchange.values[SHARD])
    yield OwnBroker(process, settings, f"{LOOPBACK}:{asking}", exchange)
    process.stop()


def seqs(events: Iterator[Event]) -> list[int]:
    return [event.fields["seq"] for event in events]


def test_brokers_that_are_dead_are_named_in_one_exception_in_bounded_time() -> None:
    (port,) = free_ports(1)
    mark = Bookmark(3, 17, 9, "00" * 16)
    began = time.monotonic()
    with pytest.raises(
        LogUnreachable, match=rf"no broker of 127\.0\.0\.1:{port} answered within 1 s: .*refused"
    ) as raised:
        list(read_events(f"127.0.0.1:{port}", after=[mark], patience_s=1.0))
    assert time.monotonic() - began < 15
    assert raised.value.bookmarks == (mark,)


def test_a_reading_of_dead_brokers_writes_nothing_beside_its_exception() -> None:
    (port,) = free_ports(1)
    program = (
        "from reprise_client import LogUnreachable, read_events\n"
        f"try: list(read_events('127.0.0.1:{port}', patience_s=1.0))\n"
        "except LogUnreachable: print('unreachable')"
    )
    source = str(Path(__file__).parents[2] / "clients" / "python" / "src")
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={"PYTHONPATH": source},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.stdout, done.stderr) == ("unreachable\n", "")


@pytest.mark.slow
def test_brokers_without_the_topic_or_the_shard_refuse_at_once(
    broker: OwnBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(LogRefused, match=r"has the shards \[0, 1, 2, 3\], and not \[9\]"):
        list(read_events(broker.settings.kafka_brokers, shards=[9]))
    monkeypatch.setattr(log, "TOPIC", "another.events")
    with pytest.raises(LogRefused, match=f"{broker.settings.kafka_brokers} have no topic another.events"):
        list(read_events(broker.settings.kafka_brokers))


@pytest.mark.slow
def test_credentials_that_the_brokers_do_not_know_are_refused_and_right_ones_read(broker: OwnBroker) -> None:
    with pytest.raises(LogRefused, match=f"{broker.asking} refuse these credentials"):
        list(read_events(broker.asking, options=SIGNED_IN | {"sasl.password": "wrong"}))
    events = read_events(broker.asking, shards=[SHARD], until_end=True, options=SIGNED_IN | {"sasl.password": "s"})
    assert seqs(events) == broker.written


@pytest.mark.slow
def test_brokers_that_ask_for_a_password_are_named_with_the_file_to_log_in_by_soon(broker: OwnBroker) -> None:
    began = time.monotonic()
    with pytest.raises(LogRefused, match=rf"{broker.asking} ask for a password: give .* kafka-reader\.properties"):
        list(read_events(broker.asking))
    assert time.monotonic() - began < 15


@pytest.mark.slow
def test_a_path_as_text_is_read_as_a_file_and_a_missing_one_is_refused_soon(broker: OwnBroker, tmp_path: Path) -> None:
    file = tmp_path / "kafka-reader.properties"
    with pytest.raises(LogRefused, match=f"{file} cannot be read: .*No such file"):
        list(read_events(str(file)))
    file.write_text(f"bootstrap.servers={broker.settings.kafka_brokers}\n", encoding="utf-8")
    assert seqs(read_events(str(file), shards=[SHARD], until_end=True)) == broker.written


def test_a_topic_that_needs_a_password_is_refused_without_words_of_credentials_that_were_not_given(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    refusal = KafkaException(KafkaError(KafkaError.TOPIC_AUTHORIZATION_FAILED))

    def refuse(_brokers: Brokers, _timeout_s: float) -> None:
        raise refusal

    monkeypatch.setattr(Brokers, "_metadata", refuse)
    with pytest.raises(LogRefused, match=r"do not give exchange\.events without a password; the open .* prices only"):
        list(read_events("127.0.0.1:9"))
    with pytest.raises(LogRefused, match="refuse these credentials"):
        list(read_events("127.0.0.1:9", options=SIGNED_IN | {"sasl.password": "wrong"}))


@pytest.mark.slow
def test_a_reading_goes_on_where_it_was_when_the_broker_comes_back_in_time(broker: OwnBroker) -> None:
    events = broker.read()
    first = list(islice(events, 3))
    broker.process.kill()
    with ThreadPoolExecutor(1) as pool:
        reading = pool.submit(list, events)
        broker.process.start()  # Not in the other thread: a process ends with the thread that started it.
        rest = reading.result(120)
    assert [event.fields["seq"] for event in first + rest] == broker.written


@pytest.mark.slow
@pytest.mark.parametrize("how", ["killed", "frozen"])
def test_a_reading_that_loses_its_broker_says_from_where_to_go_on(broker: OwnBroker, how: str) -> None:
    events = broker.read(patience_s=SHORT_S, until_end=False)
    first = list(islice(events, len(broker.written)))
    if how == "killed":
        broker.process.kill()
    else:
        broker.process.send(signal.SIGSTOP)
    began = time.monotonic()
    with pytest.raises(LogUnreachable, match=f"no broker of {broker.settings.kafka_brokers} answered") as raised:
        next(events)
    assert time.monotonic() - began < SHORT_S + 20
    assert raised.value.bookmarks == (first[-1].bookmark,)
    if how == "killed":
        broker.process.start()
    else:
        broker.process.send(signal.SIGCONT)
    assert list(broker.read(*raised.value.bookmarks)) == []
    assert list(broker.read(first[2].bookmark)) == first[3:]


@pytest.mark.slow
def test_a_bookmark_of_another_log_is_refused_with_its_place(broker: OwnBroker) -> None:
    mark = Bookmark(SHARD, 10**9, 7, "00" * 16)
    with pytest.raises(LogRefused, match=f"shard {SHARD}, offset .* another log") as raised:
        list(broker.read(mark))
    assert raised.value.bookmarks == (mark,)
