"""How the ledger tables are emptied, so that the projector fills them again from the first event."""

from sqlalchemy import text

from projector.database import WRITE_LOCK, connect, hold_until_commit
from projector.migrate import migrate
from projector.tables.schema import DERIVED
from projector.tables.venue_tables import VENUE
from runtime.settings import Settings


def rebuild(settings: Settings) -> None:
    """Empty every table that follows from the events, the checkpoints too, in one transaction.

    A projector that runs notices that its checkpoints are gone and starts over within a second; where none runs, the
    next one does. Until it has caught up the API answers with what is there and says `Projection-Lag`. Doing it twice
    is doing it once. The candles of before the first tick and the price alerts stay: no event would bring them back.
    """
    migrate(settings.database_url)
    engine = connect(settings.database_url)
    names = ", ".join(table.fullname for table in (*DERIVED, *VENUE))
    with engine.begin() as db:
        # A batch that is being written is finished first, and the next one finds the checkpoints gone.
        hold_until_commit(db, WRITE_LOCK)
        db.execute(text(f"TRUNCATE {names}"))
    engine.dispose()
