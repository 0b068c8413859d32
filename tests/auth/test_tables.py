"""The migrations of schema `auth` make the tables of the code."""

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine

from api.store.tables import SCHEMA, metadata


def test_the_migrations_make_the_auth_tables_of_the_code(auth_database: str) -> None:
    engine = create_engine(auth_database)
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
