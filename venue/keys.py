"""Where the worker reads the keys of an account's user, each time it needs them: a revoked key works no longer."""

import asyncio
from typing import Final

import structlog
from sqlalchemy import Engine, create_engine, text

from runtime.vault import NotReadable, Vault
from runtime.venue_keys import VenueKeys, open_keys

CONNECT_TIMEOUT_S: Final = 5
STATEMENT_TIMEOUT_S: Final = 5
CONNECTIONS: Final = 4
_OF_ACCOUNT: Final = text(
    "SELECT k.user_id, k.key_id, k.sealed FROM auth.venue_keys k JOIN auth.users u USING (user_id)"
    " WHERE u.account_id = :account_id"
)

log = structlog.get_logger(__name__)


class KeyStore:
    """Reads the api's table; it writes nothing there."""

    def __init__(self, database_url: str, vault: Vault) -> None:
        self._vault = vault
        self._engine: Engine = create_engine(
            database_url,
            pool_size=CONNECTIONS,
            max_overflow=0,
            pool_pre_ping=True,
            pool_timeout=CONNECT_TIMEOUT_S,
            hide_parameters=True,
            connect_args={
                "connect_timeout": CONNECT_TIMEOUT_S,
                "application_name": "reprise-venue",
                "options": f"-c statement_timeout={STATEMENT_TIMEOUT_S}s",
            },
        )

    async def of(self, account_id: str) -> VenueKeys | None:
        """Give an account's keys, or null where there are none that open; SQLAlchemyError where nobody answers."""
        return await asyncio.to_thread(self._read, account_id)

    def close(self) -> None:
        """Close every connection."""
        self._engine.dispose()

    def _read(self, account_id: str) -> VenueKeys | None:
        with self._engine.connect() as db:
            row = db.execute(_OF_ACCOUNT, {"account_id": account_id}).one_or_none()
        if row is None:
            return None
        try:
            return open_keys(self._vault, row.user_id, row.key_id, row.sealed)
        except NotReadable as error:
            log.warning("stored keys could not be decrypted", account_id=account_id, why=str(error))
            return None
