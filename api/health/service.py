"""What must hold before the API says it is ready."""

from sqlalchemy.exc import SQLAlchemyError

from api.app_state import Parts
from api.health.schemas import Ready
from api.store.database import answers


async def readiness(parts: Parts) -> Ready:
    """Look at what the API needs; the first that is missing is the reason."""
    why = None
    if not await _database_answers(parts):
        why = "PostgreSQL does not answer."
    elif not parts.ends.broker_answers():
        why = "The Kafka broker does not answer."
    elif not parts.outcomes.is_following():
        why = "The engine's events are not being read."
    elif not parts.broadcasts.is_done():
        why = "Not every shard has answered the broadcast of instruments; is an engine running?"
    return Ready(ready=why is None, why=why)


async def _database_answers(parts: Parts) -> bool:
    try:
        return await parts.database.ask(answers)
    except SQLAlchemyError:
        return False
