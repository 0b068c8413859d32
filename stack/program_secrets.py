"""Which service of an instance gets which secret: what it works with, and nothing else."""

from collections.abc import Mapping
from typing import Final

from runtime.replay_grants import replay_secret_of
from runtime.settings import Settings
from stack.access import client_settings
from stack.instance import Instance
from stack.postgres import database_url
from stack.postgres_roles import API, PROJECTOR, VENUE
from stack.programs import BACKFILL

# Its role in the instance's own database; a service that is not named here has none.
DATABASE_ROLES: Final = {"projector": PROJECTOR, BACKFILL: PROJECTOR, "api": API, "venue": VENUE}
SIGNING: Final = ("JWT_SECRET", "JWT_SECRETS_RETIRED")
SEALING: Final = "ENCRYPTION_KEY"
# Of brokers that are not the instance's: who every service is there.
OF_BROKERS: Final = ("KAFKA_SASL_PASSWORD", "KAFKA_OAUTH_CLIENT_SECRET", "KAFKA_SSL_KEY_PASSWORD")
SERVICES: Final = ("api", BACKFILL, "engine", "market-data", "projector", "replay", "venue")


def secrets_by_service(
    settings: Settings, instance: Instance, secrets: Mapping[str, str], passwords: Mapping[str, str]
) -> dict[str, dict[str, str]]:
    """The secrets of each service, as settings. secrets: the instance's. passwords: of its own servers."""
    replay = secrets["REPLAY_SECRET"] or replay_secret_of(secrets["JWT_SECRET"])
    given: dict[str, dict[str, str]] = {name: {} for name in SERVICES}
    given["api"] = {name: secrets[name] for name in (*SIGNING, SEALING)} | {"REPLAY_SECRET": replay}
    given["replay"] = {"REPLAY_SECRET": replay}
    given["venue"] = {SEALING: secrets[SEALING]}
    for name, own in given.items():
        if instance.kafka_port is None:
            own.update({each: value for each in OF_BROKERS if (value := _given(settings, each)) is not None})
        else:
            own.update(client_settings(name, passwords[name]))
    for name, role in DATABASE_ROLES.items():
        port = instance.postgres_port
        url = instance.database_url if port is None else database_url(port, passwords, role)
        given[name]["DATABASE_URL"] = url
    return given


def _given(settings: Settings, name: str) -> str | None:
    value = getattr(settings, name.lower())
    return None if value is None else str(value)
