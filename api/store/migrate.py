"""How schema `auth` comes to be what this version needs."""

from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config

_SCRIPTS: Final = Path(__file__).parent / "migrations"


def migrate(database_url: str) -> None:
    """Bring the schema to the newest revision; does nothing when it is there."""
    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS).replace("%", "%%"))
    config.set_main_option("sqlalchemy.url", database_url.replace("%", "%%"))
    command.upgrade(config, "head")
