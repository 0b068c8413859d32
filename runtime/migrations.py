"""Whether a schema of the database is at a revision already."""

from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection


def is_at(db: Connection, scripts: ScriptDirectory, schema: str, revision: str) -> bool:
    """Look at the schema's own record of it. revision: one of the scripts', or `head` for the newest."""
    found = MigrationContext.configure(db, opts={"version_table_schema": schema}).get_current_revision()
    return found is not None and found == scripts.get_revision(revision).revision
