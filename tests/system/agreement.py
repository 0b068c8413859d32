"""Whether the commands, the events and PostgreSQL tell the same ledger, to the last unit."""

import sqlalchemy

from replaying import Replay
from reprise.engine.core.apply import apply
from reprise.engine.core.fingerprint import state_digest
from reprise.engine.core.state import State, genesis
from reprise.projector.tables import accounts, fills, ledger_entries, positions, receipts
from reprise.schemas.codec import read_event


def fold(shard: int, shards: int, values: list[bytes]) -> State:
    """Give the state the events alone lead to."""
    state = genesis(shard, shards)
    for value in values:
        apply(state, read_event(value))
    return state


def differences_of_fold(replay: Replay) -> list[str]:
    """Say where the fold of the events and the execution of the commands part."""
    folded = fold(replay.state.shard, replay.state.shards, replay.values)
    if state_digest(folded) == state_digest(replay.state):
        return []
    return [f"shard {replay.state.shard}: the fold of the events is another ledger than the commands lead to"]


def differences_of_tables(database_url: str, states: list[State]) -> list[str]:
    """Compare PostgreSQL with the engine's ledger: each account, each open position, and the sums of all lines."""
    engine = sqlalchemy.create_engine(database_url)
    with engine.connect() as db:
        found_accounts = {
            row.account_id: (row.cash, row.used_margin, row.account_seq)
            for row in db.execute(sqlalchemy.select(accounts))
        }
        found_positions = {
            row.position_id: (
                row.account_id, row.symbol, row.side, row.quantity, row.entry_notional, row.margin,
                row.liquidation_price, row.stop_loss, row.take_profit, row.opened_at,
            )
            for row in db.execute(sqlalchemy.select(positions).where(positions.c.status == "open"))
        }  # fmt: skip
        line_sum = sqlalchemy.func.sum(ledger_entries.c.amount)
        query = sqlalchemy.select(ledger_entries.c.account_id, line_sum.label("sum")).group_by("account_id")
        lines = {row.account_id: row.sum for row in db.execute(query)}
        closed = db.scalar(sqlalchemy.select(sqlalchemy.func.count()).where(positions.c.status == "closed"))
        proved = db.scalar(sqlalchemy.select(sqlalchemy.func.count()).select_from(receipts))
        filled = db.scalar(sqlalchemy.select(sqlalchemy.func.count()).select_from(fills))
    engine.dispose()
    expected_accounts = {
        account.account_id: (account.cash, account.margin, account.seq)
        for state in states
        for account in state.accounts.values()
    }
    expected_positions = {
        position.position_id: (
            position.account_id, position.symbol, position.side, position.quantity, position.entry_notional,
            position.margin, position.liquidation_price, position.stop_loss, position.take_profit, position.opened_at,
        )
        for state in states
        for position in state.positions.values()
    }  # fmt: skip
    opened = sum(state.next_position - 1 for state in states)
    differences = [
        f"account {key}: PostgreSQL {found_accounts.get(key)}, the ledger {expected_accounts.get(key)}"
        for key in found_accounts.keys() | expected_accounts.keys()
        if found_accounts.get(key) != expected_accounts.get(key)
    ]
    differences += [
        f"position {key}: PostgreSQL {found_positions.get(key)}, the ledger {expected_positions.get(key)}"
        for key in found_positions.keys() | expected_positions.keys()
        if found_positions.get(key) != expected_positions.get(key)
    ]
    differences += [
        f"account {key}: its lines sum to {lines.get(key, 0)}, its balance is {cash + margin}"
        for key, (cash, margin, _) in expected_accounts.items()
        if int(lines.get(key, 0)) != cash + margin
    ]
    if (closed, proved, filled) != (opened - len(expected_positions), closed, opened + (closed or 0)):
        differences.append(f"{opened} opened, {closed} closed, {proved} receipts, {filled} fills")
    return differences
