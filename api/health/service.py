"""What must hold before the API is ready."""

from sqlalchemy.exc import SQLAlchemyError

from api.health.schemas import Ready
from api.log.broadcasts import Broadcasts
from api.log.engine_lag import EngineLag
from api.log.outcomes import Outcomes
from api.store.database import Database, answers
from runtime.cluster import ClusterWatch


async def readiness(
    database: Database, broadcasts: Broadcasts, outcomes: Outcomes, engine_lag: EngineLag, cluster: ClusterWatch
) -> Ready:
    """Look at what the API needs; the first that is missing is the reason."""
    why = None
    if not await _database_answers(database):
        why = "PostgreSQL does not answer."
    elif cluster.why is not None:
        why = cluster.why
    elif not engine_lag.broker_answers():
        why = "The Kafka broker does not answer."
    elif not outcomes.is_reading():
        why = "The engine's events are not being read."
    elif not broadcasts.is_done():
        why = "Not every shard has answered the broadcast of instruments; is an engine running?"
    elif (difference := engine_lag.clock_difference()) is not None:
        why = f"{difference[0].upper()}{difference[1:]}: nothing is opened until the clocks agree; closing goes on."
    return Ready(ready=why is None, why=why)


async def _database_answers(database: Database) -> bool:
    try:
        return await database.ask(answers)
    except SQLAlchemyError:
        return False
