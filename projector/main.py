"""What the projector consists of, and how it is started and stopped."""

import signal
from threading import Event
from types import FrameType
from typing import Final

from prometheus_client import REGISTRY

from projector.database import RETRY_S, TRANSIENT_ERRORS, connect, retried
from projector.migrate import migrate
from projector.write.projection import Projection
from projector.write.reader import EventReader
from projector.write.venue_projection import VenueProjection
from projector.write.writer import Writer
from runtime.errors import FixableError
from runtime.garbage import collect_seldom
from runtime.logging import configure
from runtime.pages import Pages
from runtime.settings import Settings

# While the rows of a batch are made, none is garbage: looking through them took a third of the time.
YOUNG_OF_A_BATCH: Final = 50_000


def main(settings: Settings) -> None:
    """Project until SIGTERM or SIGINT. A second projector beside it is harmless: each batch is written once."""
    configure("projector", settings.log_level)
    collect_seldom(YOUNG_OF_A_BATCH)
    stopping = Event()

    def stop(number: int, frame: FrameType | None) -> None:
        del number, frame
        stopping.set()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    try:
        retried(lambda: migrate(settings.database_url), TRANSIENT_ERRORS, stopping)
    except TRANSIENT_ERRORS as error:
        raise FixableError(f"PostgreSQL did not answer for {RETRY_S:.0f} s; is DATABASE_URL right? {error}") from error
    engine = connect(settings.database_url)
    reader = EventReader(settings)
    projection = Projection(reader, Writer(engine, settings.shards), REGISTRY, stopping)
    pages = Pages(settings.projector_host, settings.projector_port, projection.readiness, projection.status)
    venue_engine = connect(settings.database_url)
    venue = VenueProjection(settings, venue_engine, stopping)
    pages.start()
    venue.start()
    try:
        projection.run()
    finally:
        pages.stop()
        reader.close()
        try:
            venue.stop()
        finally:
            engine.dispose()
            venue_engine.dispose()
