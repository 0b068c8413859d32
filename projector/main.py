"""What the projector consists of, and how it is started and stopped."""

import gc
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
from runtime.logging import configure
from runtime.pages import Pages
from runtime.settings import Settings

# A batch's events and rows are freed by their reference counts. The default of 700 would look through all of them again
# and again while they are made: a third of the projector's time.
GC_THRESHOLDS: Final = (50_000, 20, 50)


def main(settings: Settings) -> None:
    """Project until SIGTERM or SIGINT. A second projector beside it is harmless: each batch is written once."""
    configure("projector", settings.log_level)
    gc.set_threshold(*GC_THRESHOLDS)
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
