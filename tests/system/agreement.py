"""The commands, the events and PostgreSQL hold the same ledger, to the last unit."""

import sqlalchemy

from audit.verify.ledger_comparison import compare_with_ledger
from engine.core.apply import apply
from engine.core.fingerprint import state_digest
from engine.core.state import State, genesis
from schemas.codec import decode_event
from tests.replaying import Replay


def fold(shard: int, shards: int, values: list[bytes]) -> State:
    """Give the state the events alone lead to."""
    state = genesis(shard, shards)
    for value in values:
        apply(state, decode_event(value))
    return state


def differences_of_fold(replay: Replay) -> list[str]:
    """Say where the fold of the events and the execution of the commands part."""
    folded = fold(replay.state.shard, replay.state.shards, replay.values)
    if state_digest(folded) == state_digest(replay.state):
        return []
    return [f"shard {replay.state.shard}: the fold of the events is another ledger than the commands lead to"]


def differences_of_tables(database_url: str, states: list[State]) -> list[str]:
    """Compare PostgreSQL with the ledger the commands lead to, as the audit compares it with the one of the events."""
    engine = sqlalchemy.create_engine(database_url)
    with engine.connect() as db:
        differences = [difference for state in states for difference in compare_with_ledger(state, db)]
    engine.dispose()
    return [difference.sentence() for difference in differences]
