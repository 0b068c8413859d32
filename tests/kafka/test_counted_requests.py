"""The requests a broker gets are counted exactly, by kind, on a real broker."""

import pytest
from confluent_kafka import Producer

from bench._cpu import broker
from bench._requests import KINDS, counted_requests
from bench._worker import make_topic
from runtime.kafka import command_producer_options, transactional_producer_options
from runtime.settings import Settings
from stack.temporary import temporary_broker

TOPIC = "counted"


@pytest.mark.usefixtures("kafka")
def test_each_produced_record_and_each_transaction_is_counted_under_its_kind() -> None:
    """Beside another broker that this process has started: that one's requests are not counted."""
    with temporary_broker(small=True) as brokers:
        settings = Settings().model_copy(update={"kafka_brokers": brokers})
        make_topic(settings, TOPIC)
        plain = Producer(command_producer_options(settings, "counted"))
        transactional = Producer(transactional_producer_options(settings, "counted"))
        transactional.init_transactions(30)
        produce(plain, 1)
        java = broker()["kafka"]
        with counted_requests(java) as one_by_one:
            for _ in range(7):
                produce(plain, 1)
        with counted_requests(java) as in_transactions:
            for _ in range(3):
                transactional.begin_transaction()
                produce(transactional, 1)
                transactional.commit_transaction(30)
        with counted_requests(java) as nothing:
            pass
    assert one_by_one.keys() == nothing.keys() == {*KINDS, "other"}
    assert (one_by_one["produce"], one_by_one["end_transaction"]) == (7, 0)
    assert (in_transactions["produce"], in_transactions["end_transaction"]) == (3, 3)
    assert in_transactions["add_partitions"] >= 6, "the client's, and the broker's own"
    assert nothing["produce"] == nothing["end_transaction"] == 0


def produce(producer: Producer, count: int) -> None:
    for _ in range(count):
        producer.produce(TOPIC, b"a record", partition=0)
        assert producer.flush(30) == 0
