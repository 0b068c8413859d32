"""How the schema `ledger` gets its tables: Alembic, up to the newest revision."""

from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import NullPool, create_engine, text

from projector.database import MIGRATION_LOCK, hold_until_commit
from projector.tables.columns import SCHEMA
from runtime.migrations import is_at

CONNECT_TIMEOUT_S: Final = 5
SCRIPTS: Final = Path(__file__).parent / "migrations"


def migrate(database_url: str, revision: str = "head") -> None:
    """Bring the schema to a revision, the newest by default, in one transaction; several processes may at once."""
    engine = create_engine(database_url, poolclass=NullPool, connect_args={"connect_timeout": CONNECT_TIMEOUT_S})
    config = _config()
    with engine.begin() as db:
        # Whoever only writes rows may make no schema.
        if is_at(db, ScriptDirectory.from_config(config), SCHEMA, revision):
            return
        hold_until_commit(db, MIGRATION_LOCK)
        db.execute(text(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}"))
        config.attributes["connection"] = db
        command.upgrade(config, revision)
    engine.dispose()


def is_known(revision: str) -> bool:
    """Say whether this version has a revision."""
    return revision in {script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions()}


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS).replace("%", "%%"))
    return config
