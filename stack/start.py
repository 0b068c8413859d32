"""In which order an instance comes up, from nothing to services that run."""

import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from threading import Thread
from typing import Final

import msgspec

from runtime.cluster import identity, require_same
from runtime.errors import FixableError, Mistakes
from runtime.settings import Settings
from runtime.topics import ensure_topics
from schemas.instruments import BY_SYMBOL, SYMBOLS
from stack import supervisor
from stack.access import ADMIN, READER, as_user, client_file, java_client_file, login
from stack.checks import choice_and_mistakes, obstacles
from stack.control import NoAnswer, manager_of, no_answer_of
from stack.feed_choice import (
    FeedChoice,
    LastStart,
    allowed,
    known_exponents,
    refuse_prices_below_ticks,
    refuse_unknown_market,
)
from stack.folders import require_nameable
from stack.instance import Instance, InstanceFolder, write_private
from stack.kafka import require_own_broker
from stack.own_servers import OwnServers
from stack.passwords import passwords_for_start, passwords_of
from stack.plan import StartOptions, kept_port, kept_port_taken, open_broker_notice, plan
from stack.ports import PortClaims
from stack.postgres import database_url, service_file
from stack.postgres_roles import VERIFIER, grant
from stack.profile_choice import require_same_profile
from stack.program_secrets import secrets_by_service
from stack.programs import environment_of, services
from stack.screen import build_for_start
from stack.secrets import secrets_of, short_secret_notices

Report = Callable[[str], None]
MARKET_DATA: Final = "market-data"


def start(
    settings: Settings,
    options: StartOptions,
    claims: PortClaims,
    migrate: Callable[[str], None],
    report: Report,
    wrong_settings: Mapping[str, str] | None = None,
) -> Instance:
    """Bring everything up to running services; on a failure stop what was started, and raise.

    `migrate` brings the database of a URL to this version: this layer may not import the API. The claims on ports are
    given back by the caller, once the services have bound them. Mistakes names all that speaks against it, together
    with the settings that were found to be wrong before.
    """
    folder = InstanceFolder(options.data)
    require_nameable(folder.data, "the data folder")
    require_nameable(Path(sys.prefix), "the environment's folder")
    wrong = dict(wrong_settings or {})
    choice, found = choice_and_mistakes(settings, options, report)
    mistakes = found | wrong
    if not mistakes and folder.read() is None and "kafka_brokers" not in settings.model_fields_set:
        # Of a new ledger it is known beforehand which instruments it has.
        refuse_unknown_market(choice, (*SYMBOLS, *options.symbols), settings.symbols)
        exponents = {symbol: instrument.tick_exponent for symbol, instrument in BY_SYMBOL.items()}
        refuse_prices_below_ticks(choice, exponents, settings.symbols)
    if mistakes and not folder.data.exists():
        raise Mistakes(obstacles(settings, options, folder, claims) | mistakes)  # Nothing is made for it.
    with folder.starting():
        manager = manager_of(folder)
        if manager is not None and not manager.answers:
            raise NoAnswer(no_answer_of(folder, manager.pid))
        if manager is not None:
            raise FixableError(
                f"The instance in {folder.data} is running already; {folder.command('status')} shows it."
            )
        if not mistakes:
            supervisor.remove_orphans(folder, report)
        mistakes = obstacles(settings, options, folder, claims) | mistakes
        if mistakes:
            raise Mistakes(mistakes)
        previous = folder.read()
        try:
            return _start(folder, settings, options._replace(feed=choice), claims, previous, migrate, report)
        except BaseException:
            # Ctrl-C too: a start that did not end well leaves nothing running, and has chosen no port.
            supervisor.stop(folder, report)
            if previous is None:
                folder.record.unlink(missing_ok=True)
            else:
                folder.write(previous)
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


def instance_settings(
    settings: Settings, folder: InstanceFolder, instance: Instance, *, only_reads: bool = False
) -> Settings:
    """The settings with which a command of this process reaches a running instance's servers.

    only_reads: with no right at the instance's own servers but to read.
    """
    url = instance.database_url
    if only_reads and instance.postgres_port is not None:
        url = database_url(instance.postgres_port, passwords_of(folder), VERIFIER)
    if instance.kafka_port is not None:
        user = READER if only_reads else ADMIN
        settings = as_user(settings, instance.kafka_brokers, passwords_of(folder), user)
    return settings.model_copy(
        update={
            "kafka_brokers": instance.kafka_brokers,
            "kafka_cluster_id": instance.cluster_id,
            "kafka_topic_ids": topic_ids(instance),
            "database_url": url,
            "shards": instance.shards,
            "port": instance.api_port,
        }
    )


def topic_ids(instance: Instance) -> tuple[str, ...]:
    """The ids of an instance's topics, as a setting has them."""
    return tuple(f"{name}={value}" for name, value in sorted(instance.topic_ids.items()))


def require_own_servers(folder: InstanceFolder, instance: Instance) -> None:
    """Raise where another broker, or another program's API, answers in the place of the instance's own."""
    if instance.kafka_port is not None:
        password = passwords_of(folder)[ADMIN]
        require_own_broker(instance.kafka_port, folder.kafka, login(ADMIN, password))
    if not supervisor.listens(folder, "api", instance.api_port):
        raise FixableError(
            f"Port {instance.api_port} was taken by another program meanwhile. Name another with --port."
        )


def _start(
    folder: InstanceFolder,
    settings: Settings,
    options: StartOptions,
    claims: PortClaims,
    previous: Instance | None,
    migrate: Callable[[str], None],
    report: Report,
) -> Instance:
    passwords = passwords_for_start(folder, report)
    instance = plan(settings, options, claims, previous, passwords)
    for notice in short_secret_notices(settings):
        report(notice)
    kept = None if instance.kafka_port is None else kept_port(settings, previous)
    lost = None if kept is None else kept_port_taken(settings, kept)
    own = OwnServers(folder, instance, claims, lost, report)
    began = time.monotonic()
    screen = Thread(target=build_for_start, args=(report,), daemon=True)  # Ctrl-C does not wait for it.
    screen.start()
    environment = environment_of(folder, instance, options.feed.environment())
    supervisor.start(folder, own.programs, environment, detach=options.detach)
    folder.write(instance)
    own.wait_for_postgres()
    # While the broker is starting.
    migrate(own.instance.database_url)
    require_same_profile(settings.profile, own.instance.database_url, change=options.change_profile)
    secrets = secrets_of(folder, settings)
    if own.instance.postgres_port is not None:
        grant(own.instance.database_url)
    own.wait_for_kafka()
    instance = own.instance
    reached = instance_settings(settings, folder, instance)
    require_same(reached)
    ensure_topics(reached)
    found = identity(reached)
    instance = msgspec.structs.replace(instance, cluster_id=found.cluster, topic_ids=found.topics)
    report(f"Kafka at {instance.kafka_brokers} and PostgreSQL are up ({time.monotonic() - began:.1f} s)")
    if instance.kafka_port is not None:
        for file, content_of in ((folder.reader, client_file), (folder.java_reader, java_client_file)):
            write_private(file, content_of(instance.kafka_brokers, READER, passwords[READER]).encode())
    if instance.postgres_port is not None:
        write_private(folder.database_reader, service_file(instance.postgres_port, passwords).encode())
    if instance.open_port is not None:
        report(open_broker_notice(instance.open_port))
    chosen = _feed(settings, options, instance, previous, report)
    instance = msgspec.structs.replace(instance, feed=chosen.feed, feed_symbol=chosen.symbol)
    folder.write(instance)
    added = [
        program._replace(
            environment={
                **program.environment,
                **own.environment,
                "KAFKA_CLUSTER_ID": found.cluster,
                "KAFKA_TOPIC_IDS": ",".join(topic_ids(instance)),
                # Known only now: the choice depends on the open positions.
                **(chosen.environment() if program.name == MARKET_DATA else {}),
            }
        )
        for program in services(folder, instance, secrets_by_service(settings, instance, secrets, passwords))
    ]
    screen.join()  # What the API serves is there when it says that it is ready.
    supervisor.add(folder, [*own.programs, *added], added)
    return instance


def _feed(
    settings: Settings, options: StartOptions, instance: Instance, previous: Instance | None, report: Report
) -> FeedChoice:
    """The feed as the open positions, the ledger's instruments and the profile allow it."""
    last_start = None if previous is None else LastStart(previous.feed, previous.feed_symbol)
    url = instance.database_url
    chosen = allowed(options.feed, url, last_start, report, production=settings.profile == "production")
    if known := known_exponents(url):
        refuse_unknown_market(chosen, (*known, *options.symbols), settings.symbols)
        refuse_prices_below_ticks(chosen, known, settings.symbols)
    return chosen
