"""How Alembic runs the revisions: on the connection it is given, with its version table in schema `ledger`."""

from alembic import context

from projector.tables.columns import SCHEMA
from projector.tables.schema import metadata

context.configure(
    connection=context.config.attributes["connection"], target_metadata=metadata, version_table_schema=SCHEMA
)
with context.begin_transaction():
    context.run_migrations()
