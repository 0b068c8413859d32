"""What a start is asked for, and which port everything gets."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, NamedTuple

from runtime.errors import FixableError
from runtime.settings import SEED_PORTS, Settings
from stack.feed_choice import FeedChoice
from stack.instance import Instance
from stack.ports import LOOPBACK, PortClaims, is_free
from stack.postgres import database_url

KAFKA_PORT: Final = 9092
API_PAGES_PORT: Final = 6071
WORKERS_MAX: Final = 64
API_WORKERS_MAX: Final = 8


class StartOptions(NamedTuple):
    """The options of `up`."""

    data: Path
    port: int
    workers: int
    api_workers: int
    standby: bool
    seed_ports: bool
    open_broker: bool
    detach: bool
    feed: FeedChoice
    symbols: tuple[str, ...] = ()  # of instruments that are defined once the API is up
    change_profile: bool = False


def plan(
    settings: Settings,
    options: StartOptions,
    claims: PortClaims,
    previous: Instance | None,
    passwords: Mapping[str, str],
) -> Instance:
    """Give every server its port: pages their usual ones where these are free, the broker those it has always had.

    The API's port has been claimed. FixableError where the broker's cannot be had.
    """
    kafka_port = None
    if "kafka_brokers" not in settings.model_fields_set:
        kafka_port = _kafka_port(settings, claims, previous, leaves_usual=options.open_broker)
    has_open_broker = options.open_broker and kafka_port is not None
    has_own_database = "database_url" not in settings.model_fields_set
    postgres_port = claims.preferred(None if previous is None else previous.postgres_port) if has_own_database else None
    return Instance(
        api_port=options.port,
        engine_ports=[claims.preferred(settings.engine_port), *(claims.any() for _ in range(options.workers - 1))],
        standby_ports=[claims.any() for _ in range(options.workers if options.standby else 0)],
        seed_ports=_seed_ports(options),
        market_data_port=claims.preferred(settings.market_data_port),
        projector_port=claims.preferred(settings.projector_port),
        venue_port=claims.preferred(settings.venue_port),
        replay_port=claims.preferred(settings.replay_port),
        api_pages_port=claims.preferred(settings.api_pages_port or API_PAGES_PORT),
        more_api_pages_ports=[claims.any() for _ in range(options.api_workers - 1)],
        kafka_brokers=settings.kafka_brokers if kafka_port is None else f"{LOOPBACK}:{kafka_port}",
        kafka_port=kafka_port,
        open_kafka_port=_open_kafka_port(claims, previous, wanted=has_open_broker),
        has_open_broker=has_open_broker,
        database_url=settings.database_url if postgres_port is None else database_url(postgres_port, passwords),
        postgres_port=postgres_port,
        cluster_id=None if previous is None else previous.cluster_id,
        topic_ids={} if previous is None else previous.topic_ids,
        shards=settings.shards,
        feed=options.feed.feed,
        feed_symbol=options.feed.symbol,
        started_at=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def kept_port(settings: Settings, previous: Instance | None) -> int | None:
    """The port the broker must have: of the setting, else the one its clients know; null before its first start."""
    return settings.kafka_port or (None if previous is None else previous.kafka_port)


def kept_port_taken(settings: Settings, port: int) -> FixableError:
    """What to say where another program has the broker's port."""
    which = "KAFKA_PORT names" if settings.kafka_port == port else "this instance's Kafka has had since its first start"
    return FixableError(f"Port {port}, which {which}, is taken. Free it, or choose another with KAFKA_PORT.")


def open_broker_notice(port: int) -> str:
    """What to say of the port that asks for no password."""
    address = f"{LOOPBACK}:{port}"
    notice = f"Whoever is on this machine reads prices at {address}, without a password"
    if port == KAFKA_PORT:
        return notice
    return f"{notice}. Consumers of the seeds look at {KAFKA_PORT}: give them {address}"


def _kafka_port(settings: Settings, claims: PortClaims, previous: Instance | None, *, leaves_usual: bool) -> int:
    """The port for all who have a password. leaves_usual: a new instance's usual one is for those who have none."""
    kept = kept_port(settings, previous)
    if kept is None:
        return claims.any() if leaves_usual else claims.preferred(KAFKA_PORT)
    if not claims.claim(kept):
        raise kept_port_taken(settings, kept)
    return kept


def _open_kafka_port(claims: PortClaims, previous: Instance | None, *, wanted: bool) -> int | None:
    """The port for whoever has no password: the one it had before, else the one that consumers of the seeds know."""
    kept = None if previous is None else previous.open_kafka_port
    return claims.preferred(kept or KAFKA_PORT) if wanted else kept


def _seed_ports(options: StartOptions) -> list[int]:
    """The ports of the seeds' READMEs that nothing else has."""
    if not options.seed_ports:
        return []
    return [port for port in SEED_PORTS if port != options.port and is_free(port)]
