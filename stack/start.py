"""In which order an instance comes up, from nothing to services that run."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from runtime.errors import FixableError
from runtime.settings import SEED_PORTS, Settings
from runtime.topics import ensure_topics
from schemas.instruments import SYMBOLS
from stack import supervisor
from stack.access import restrict_transactions
from stack.feed_choice import FeedChoice, LastStart, allowed, known_symbols, refuse_unknown_market, validated
from stack.instance import Instance, InstanceFolder
from stack.kafka import DEFAULT_PORT as KAFKA_PORT
from stack.kafka import prepare_broker, wait_for_broker
from stack.ports import LOOPBACK, free_ports, is_free, preferred_port
from stack.postgres import database_url, ensure_database, prepare_postgres, wait_for_postgres
from stack.programs import environment_of, servers, services
from stack.secrets import secrets_of, short_secret_notices

Report = Callable[[str], None]
WORKERS_MAX: Final = 64


class StartOptions(NamedTuple):
    """The options of `up`."""

    data: Path
    port: int
    workers: int
    standby: bool
    seed_ports: bool
    detach: bool
    feed: FeedChoice


def start(settings: Settings, options: StartOptions, migrate: Callable[[str], None], report: Report) -> Instance:
    """Bring everything up to running services; on a failure stop what was started, and raise.

    `migrate` brings the database of a URL to this version: this layer may not import the API.
    """
    folder = InstanceFolder(options.data)
    choice = validated(options.feed, report)
    if folder.read() is None and "kafka_brokers" not in settings.model_fields_set:
        # Of a new ledger it is known beforehand which instruments it has.
        refuse_unknown_market(choice, SYMBOLS, settings.symbols)
    with folder.starting():
        if supervisor.is_running(folder):
            raise FixableError(
                f"The instance in {folder.data} is running already; {folder.command('status')} shows it."
            )
        supervisor.remove_orphans(folder, report)
        if not is_free(options.port):
            raise FixableError(f"Port {options.port} is taken. Name another with --port.")
        try:
            return _start(folder, settings, options, choice, migrate, report)
        except BaseException:
            # Ctrl-C too: a start that did not end well leaves nothing running.
            supervisor.stop(folder, report)
            raise


def stop(data: Path, report: Report) -> bool:
    """Stop the instance; false when there was nothing to stop."""
    folder = InstanceFolder(data)
    if not folder.data.is_dir():
        return False
    with folder.starting():
        if not supervisor.is_running(folder) and not supervisor.orphans(folder):
            return False
        supervisor.stop(folder, report)
        return True


def instance_settings(settings: Settings, instance: Instance) -> Settings:
    """The settings with which a command of this process reaches a running instance's servers."""
    return settings.model_copy(
        update={
            "kafka_brokers": instance.kafka_brokers,
            "database_url": instance.database_url,
            "shards": instance.shards,
            "port": instance.api_port,
        }
    )


def _start(
    folder: InstanceFolder,
    settings: Settings,
    options: StartOptions,
    choice: FeedChoice,
    migrate: Callable[[str], None],
    report: Report,
) -> Instance:
    previous = folder.read()
    instance = _plan(settings, options, choice)
    secrets = secrets_of(folder, settings)
    for notice in short_secret_notices(settings):
        report(notice)
    kafka = None
    if instance.kafka_port is not None:
        kafka = prepare_broker(folder.kafka, instance.kafka_port, free_ports(1)[0], report)
    postgres = None
    if instance.postgres_port is not None:
        postgres = prepare_postgres(folder.postgres, instance.postgres_port)
    stored = servers(folder, kafka, postgres)
    began = time.monotonic()
    environment = environment_of(folder, instance, secrets, choice.environment())
    supervisor.start(folder, stored, environment, detach=options.detach)
    folder.write(instance)
    server_settings = instance_settings(settings, instance)
    if instance.postgres_port is not None:
        wait_for_postgres(instance.postgres_port, lambda: _is_up(folder, "postgres"))
        ensure_database(instance.postgres_port)
    # While the broker is starting.
    migrate(server_settings.database_url)
    if instance.kafka_port is not None:
        wait_for_broker(instance.kafka_port, lambda: _is_up(folder, "kafka"))
        restrict_transactions(instance.kafka_port)
    report(f"Kafka at {instance.kafka_brokers} and PostgreSQL are up ({time.monotonic() - began:.1f} s)")
    ensure_topics(server_settings)
    last_start = None if previous is None else LastStart(previous.feed, previous.feed_symbol)
    url = server_settings.database_url
    chosen = allowed(choice, url, last_start, report, production=settings.profile == "production")
    if known := known_symbols(url):
        refuse_unknown_market(chosen, known, settings.symbols)
    instance = _with_feed(instance, chosen)
    folder.write(instance)
    added = [
        # Known only now: the choice depends on the open positions.
        program._replace(environment={**program.environment, **chosen.environment()})
        if program.name == "market-data"
        else program
        for program in services(folder, instance)
    ]
    supervisor.add(folder, [*stored, *added], added)
    return instance


def _plan(settings: Settings, options: StartOptions, choice: FeedChoice) -> Instance:
    """Which port everything gets. Pages have their usual ones where these are free."""
    if not 1 <= options.workers <= WORKERS_MAX:
        raise FixableError(f"--workers is a number from 1 to {WORKERS_MAX}.")
    kafka_port = (
        None if "kafka_brokers" in settings.model_fields_set else settings.kafka_port or preferred_port(KAFKA_PORT)
    )
    postgres_port, *more = free_ports(options.workers + (options.workers if options.standby else 0))
    return Instance(
        api_port=options.port,
        engine_ports=[preferred_port(settings.engine_port), *more[: options.workers - 1]],
        standby_ports=more[options.workers - 1 :],
        seed_ports=_seed_ports(options),
        market_data_port=preferred_port(settings.market_data_port),
        projector_port=preferred_port(settings.projector_port),
        venue_port=preferred_port(settings.venue_port),
        kafka_brokers=settings.kafka_brokers if kafka_port is None else f"{LOOPBACK}:{kafka_port}",
        kafka_port=kafka_port,
        database_url=settings.database_url
        if "database_url" in settings.model_fields_set
        else database_url(postgres_port),
        postgres_port=None if "database_url" in settings.model_fields_set else postgres_port,
        shards=settings.shards,
        feed=choice.feed,
        feed_symbol=choice.symbol,
        started_at=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def _seed_ports(options: StartOptions) -> list[int]:
    """The ports of the seeds' READMEs that nothing else has."""
    if not options.seed_ports:
        return []
    return [port for port in SEED_PORTS if port != options.port and is_free(port)]


def _with_feed(instance: Instance, choice: FeedChoice) -> Instance:
    return msgspec.structs.replace(instance, feed=choice.feed, feed_symbol=choice.symbol)


def _is_up(folder: InstanceFolder, name: str) -> bool:
    states = {process.name: process.state for process in supervisor.processes(folder)}
    return states.get(name) in {"STARTING", "RUNNING"}
