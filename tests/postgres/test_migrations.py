"""The migrations make the ledger tables of the code."""

from concurrent.futures import ThreadPoolExecutor

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, inspect, text

from projector.migrate import migrate
from projector.tables.columns import SCHEMA
from projector.tables.schema import metadata


def test_the_migrations_make_the_ledger_tables_of_the_code(database_url: str) -> None:
    migrate(database_url)
    engine = create_engine(database_url)
    with engine.connect() as db:
        context = MigrationContext.configure(
            db,
            opts={
                "include_schemas": True,
                "include_name": lambda name, kind, _: kind != "schema" or name == SCHEMA,
                "version_table_schema": SCHEMA,
                "compare_type": True,
                "compare_server_default": True,
            },
        )
        assert compare_metadata(context, metadata) == []
    engine.dispose()


def test_a_second_migration_changes_nothing_and_concurrent_migrations_work(database_url: str) -> None:
    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(migrate, database_url) for _ in range(4)]:
            done.result()
    migrate(database_url)
    engine = create_engine(database_url)
    with engine.connect() as db:
        assert db.execute(text("SELECT count(*) FROM ledger.alembic_version")).scalar_one() == 1
        assert "alembic_version" not in inspect(db).get_table_names("public")
    engine.dispose()
