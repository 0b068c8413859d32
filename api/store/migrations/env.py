"""How Alembic runs the revisions of schema `auth`: online, one transaction, its version table in the same schema."""

from alembic import context
from sqlalchemy import create_engine, pool, text

from api.store.tables import SCHEMA, metadata


def run() -> None:
    """Upgrade the database that the configuration names."""
    url = context.config.get_main_option("sqlalchemy.url")
    assert url is not None, "migrate passes the address"
    engine = create_engine(url, poolclass=pool.NullPool)
    with engine.begin() as connection:
        # Two starts at once: the second waits here, and finds nothing to do.
        connection.execute(text("SELECT pg_advisory_xact_lock(hashtext('reprise.auth.migrations'))"))
        connection.execute(text(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}"))
        context.configure(connection=connection, target_metadata=metadata, version_table_schema=SCHEMA)
        with context.begin_transaction():
            context.run_migrations()


run()
