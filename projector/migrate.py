"""How the schema `ledger` gets its tables: Alembic, up to the newest revision."""

from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config
from sqlalchemy import NullPool, create_engine, text

from projector.database import MIGRATION_LOCK, hold_until_commit
from projector.tables.columns import SCHEMA

CONNECT_TIMEOUT_S: Final = 5
SCRIPTS: Final = Path(__file__).parent / "migrations"


def migrate(database_url: str) -> None:
    """Bring the schema up to date, in one transaction. Safe to run twice, and by several processes at once."""
    engine = create_engine(database_url, poolclass=NullPool, connect_args={"connect_timeout": CONNECT_TIMEOUT_S})
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS).replace("%", "%%"))
    with engine.begin() as db:
        hold_until_commit(db, MIGRATION_LOCK)
        db.execute(text(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}"))
        config.attributes["connection"] = db
        command.upgrade(config, "head")
    engine.dispose()
