"""A transaction of somebody who may not write hides events of the venue: nothing is written or sent twice."""

import pytest
from confluent_kafka import Producer

from runtime.kafka import transactional_producer_options
from schemas.topics import OTHER_PARTITIONS, VENUE_EVENTS
from tests.processes import eventually
from tests.venue.testnet import Testnet
from tests.venue.venue_setup import VenueSetup

WAITS = "a foreign transaction is open in venue.events/"


@pytest.mark.slow
def test_a_worker_waits_for_the_end_of_a_foreign_transaction_among_its_events_and_sends_no_order_twice(
    venue: VenueSetup, testnet: Testnet
) -> None:
    with venue.worker("first") as worker:
        trader = venue.trader()
        first = venue.place(trader)
        venue.wait_for(trader, first, "filled")
        foreign = foreign_transaction(venue)
        hidden = venue.place(trader)
        eventually(lambda: testnet.market.placed[hidden], lambda count: count == 1, 60)
        worker.kill()
    assert hidden not in venue.orders(trader), "its events are hidden"
    with venue.worker("second") as worker:
        eventually(lambda: worker.log, lambda text: WAITS in text, 60)
        foreign.abort_transaction(15)
        venue.wait_for(trader, hidden, "filled")
        venue.wait_for(trader, venue.place(trader), "filled")
    venue.events()  # Each partition's are numbered without a gap.
    assert set(testnet.market.placed.values()) == {1}


def foreign_transaction(venue: VenueSetup) -> Producer:
    """Begin a transaction, with a record in each partition."""
    options = transactional_producer_options(venue.settings, "somebody-who-must-not")
    producer = Producer(options | {"transaction.timeout.ms": 300_000})
    producer.init_transactions(15)
    producer.begin_transaction()
    for partition in range(OTHER_PARTITIONS):
        producer.produce(VENUE_EVENTS, b"no event", partition=partition)
    assert producer.flush(15) == 0
    return producer
