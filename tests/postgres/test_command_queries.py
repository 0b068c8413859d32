"""What became of many commands is found by their ids at once, as of one moment of the tables."""

from sqlalchemy import Engine

from projector import queries
from projector.write.writer import Writer
from tests.projector.streams import busy_exchange


def test_commands_are_found_by_their_ids_with_the_time_of_every_shard(engine: Engine) -> None:
    busy = busy_exchange(31)
    Writer(engine, busy.shards).write(busy.entries())
    names = [name for state in busy.states for name in state.accounts]
    with engine.connect() as db:
        orders = [row for name in names for row, _ in queries.orders(db, name).items]
        found, current_at = queries.commands_by_id(db, ["nobody's", *(row.command_id for row in orders)])
        assert {(row.account_id, row.command_id): row for row in found} == {
            (row.account_id, row.command_id): row for row in orders
        }
        assert current_at == {each.shard: each.current_at for each in queries.progress(db)}
        assert queries.commands_by_id(db, []) == ([], current_at)
