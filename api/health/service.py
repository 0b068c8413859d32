"""What must hold before the API says it is ready."""

from sqlalchemy.exc import SQLAlchemyError

from api.app_state import AppState
from api.health.schemas import Ready
from api.store.database import answers


async def readiness(state: AppState) -> Ready:
    """Look at what the API needs; the first that is missing is the reason."""
    why = None
    if not await _database_answers(state):
        why = "PostgreSQL does not answer."
    elif not state.engine_lag.broker_answers():
        why = "The Kafka broker does not answer."
    elif not state.outcomes.is_following():
        why = "The engine's events are not being read."
    elif not state.broadcasts.is_done():
        why = "Not every shard has answered the broadcast of instruments; is an engine running?"
    return Ready(ready=why is None, why=why)


async def _database_answers(state: AppState) -> bool:
    try:
        return await state.database.ask(answers)
    except SQLAlchemyError:
        return False
