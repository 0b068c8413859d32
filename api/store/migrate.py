"""How schema `auth` comes to be what this version needs."""

from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import NullPool, create_engine

from api.store.tables import SCHEMA
from runtime.migrations import is_at

_SCRIPTS: Final = Path(__file__).parent / "migrations"


def migrate(database_url: str, revision: str = "head") -> None:
    """Bring the schema to a revision, the newest by default; does nothing when it is there."""
    config = _config()
    engine = create_engine(database_url, poolclass=NullPool)
    with engine.connect() as db:
        # Whoever only writes rows may make no schema.
        if is_at(db, ScriptDirectory.from_config(config), SCHEMA, revision):
            return
    config.set_main_option("sqlalchemy.url", database_url.replace("%", "%%"))
    command.upgrade(config, revision)


def is_known(revision: str) -> bool:
    """Say whether this version has a revision."""
    return revision in {script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions()}


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS).replace("%", "%%"))
    return config
