"""Fixtures of the venue's tests: a testnet, a worker, and the projection of its events, for a module."""

from collections.abc import Iterator
from threading import Event

import pytest

from projector.database import connect
from projector.write.venue_projection import VenueProjection
from runtime.settings import Settings
from stack.ports import free_ports
from tests.conftest import empty_topics, new_database
from tests.venue.testnet import Testnet
from tests.venue.venue_setup import ENCRYPTION_KEY, VenueSetup, prepare

WINDOW_MS = 1_000
GIVE_UP_MS = 1_500


@pytest.fixture(scope="module")
def testnet() -> Iterator[Testnet]:
    with Testnet(seed=7) as testnet:
        yield testnet


@pytest.fixture(scope="module")
def venue(
    kafka: str, postgres: str, testnet: Testnet, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[VenueSetup]:
    """Empty topics, a database of its own, and the projection running; no worker."""
    folder = tmp_path_factory.mktemp("venue")
    with new_database(postgres) as database_url:
        settings = Settings.model_validate(
            {
                "data": folder / "data",
                "kafka_brokers": kafka,
                "database_url": database_url,
                "encryption_key": ENCRYPTION_KEY,
                "log_level": "DEBUG",
                "venue_port": free_ports(1)[0],
                "binance_api_url": testnet.url,
                "binance_ws_url": testnet.ws_url,
                "venue_receive_window_ms": WINDOW_MS,
                "venue_reconcile_interval_ms": 1_000,
                "venue_give_up_ms": GIVE_UP_MS,
            }
        )
        empty_topics(settings)
        prepare(settings)
        engine = connect(database_url)
        projection = VenueProjection(settings, engine, Event())
        projection.start()
        venue = VenueSetup(settings, testnet, folder)
        try:
            yield venue
        finally:
            venue.close()
            projection.stop()
            engine.dispose()
