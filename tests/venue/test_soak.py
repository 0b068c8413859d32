"""The worker through many bad minutes: what is promised holds at the end of each."""

import random
import time

import pytest

from schemas.venue_messages import VenueReset
from tests.processes import eventually
from tests.venue.soak import Load, assert_consistent, failing_testnet
from tests.venue.venue_setup import VenueSetup


@pytest.mark.slow
def test_through_faults_a_kill_and_a_reset_no_order_is_doubled_or_left_pending_and_positions_agree(
    venue: VenueSetup,
) -> None:
    with venue.worker("soak") as worker:
        load = Load(venue, seed=11, traders=3)
        load.begin()
        with failing_testnet(venue):
            load.run(1.5, pause_s=0.04)
            worker.kill()
            worker.restart()
            venue.testnet.reset()
            load.run(1.5, pause_s=0.04)
        assert_consistent(venue, load, timeout_s=150)
    assert any(isinstance(event, VenueReset) for event in venue.events())
    assert venue.testnet.banned == 0


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("seed", range(3))
def test_for_two_minutes_of_faults_and_kills_no_order_is_doubled_or_left_pending_and_positions_agree(
    venue: VenueSetup, seed: int
) -> None:
    dice = random.Random(seed)
    with venue.worker(f"soak-{seed}") as worker:
        load = Load(venue, seed=seed, traders=6)
        load.begin()
        with failing_testnet(venue):
            for _ in range(6):
                load.run(dice.uniform(10, 20), pause_s=0.05)
                venue.testnet.use_up()
                load.run(1, pause_s=0.05)
                worker.kill()
                time.sleep(dice.uniform(0, 2))
                worker.restart()
                if dice.random() < 0.4:
                    venue.testnet.reset()
        # The limit is as high as ever again, and what waits for a worker's look is many minutes of the lower one.
        worker.kill()
        worker.restart()
        assert_consistent(venue, load, timeout_s=120)
    assert venue.testnet.limited_requests > 0
    assert venue.testnet.banned == 0


@pytest.mark.slow
def test_a_second_worker_takes_over_and_the_first_worker_ends(venue: VenueSetup) -> None:
    with venue.worker("first") as first:
        trader = venue.trader()
        venue.wait_for(trader, venue.place(trader), "filled", timeout_s=30)
        with venue.worker("second") as second:
            eventually(lambda: second.log, lambda log: "venue worker took over" in log, 30)
            order_id = venue.place(trader)
            venue.wait_for(trader, order_id, "filled", timeout_s=30)
            eventually(first.process.poll, lambda code: code not in (None, 0), 30)
            assert venue.testnet.market.placed[order_id] == 1
