"""What speaks against a start, before anything is started."""

import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Final

from market_data.recorded_feed import read_speed
from runtime.errors import FixableError
from runtime.kafka_security import require_brokers, require_complete
from runtime.settings import Settings
from stack.disk import too_little_to_start
from stack.feed_choice import FeedChoice, validated
from stack.instance import InstanceFolder
from stack.jars import CACHE_VARIABLE, cache_folders, missing_jars
from stack.plan import API_WORKERS_MAX, WORKERS_MAX, StartOptions
from stack.ports import LOOPBACKS, PortClaims, error_of_listening, is_free
from stack.secrets import secret_mistakes

PAGES: Final = ("api_pages_host", "engine_host", "market_data_host", "projector_host", "venue_host", "replay_host")
HERE: Final = ("localhost", *(host for _, host in LOOPBACKS))


def choice_and_mistakes(
    settings: Settings, options: StartOptions, report: Callable[[str], None]
) -> tuple[FeedChoice, dict[str, str]]:
    """The feed, if it can be played, and what is wrong with what was asked for, whatever the machine is like."""
    mistakes = secret_mistakes(settings)
    choice = options.feed
    if not 1 <= options.workers <= WORKERS_MAX:
        mistakes["--workers"] = f"--workers is a number from 1 to {WORKERS_MAX}."
    elif options.workers > settings.shards:
        mistakes["--workers"] = (
            f"--workers is {options.workers}, and the ledger has {settings.shards} shards: an engine without one has "
            f"no work. Say --workers {settings.shards}, or fewer."
        )
    if not 1 <= options.api_workers <= API_WORKERS_MAX:
        mistakes["--api-workers"] = f"--api-workers is a number from 1 to {API_WORKERS_MAX}."
    try:
        read_speed(choice.speed)
    except FixableError as error:
        mistakes["FEED_SPEED"] = str(error)
    try:
        choice = validated(choice if "FEED_SPEED" not in mistakes else choice._replace(speed="1"), report)
    except FixableError as error:
        mistakes["FEED"] = str(error)
    try:
        (require_complete if "kafka_brokers" in settings.model_fields_set else require_brokers)(settings)
    except FixableError as error:
        mistakes["KAFKA_SECURITY_PROTOCOL"] = str(error)
    if settings.profile == "production":
        if options.feed.feed == "simulated":
            mistakes["FEED"] = (
                "The production profile trades on no invented prices; --feed or FEED must not be simulated."
            )
        if options.open_broker:
            mistakes["--open-broker"] = (
                "In the production profile the broker takes nobody without a password; leave --open-broker out."
            )
        if options.seed_ports:
            mistakes["--seed-ports"] = (
                "The seeds' interfaces are of the demo profile; leave --seed-ports out, or set REPRISE_PROFILE=demo."
            )
    if settings.kafka_port == options.port and "kafka_brokers" not in settings.model_fields_set:
        mistakes["KAFKA_PORT"] = f"KAFKA_PORT and the API's port are both {options.port}; choose another for one."
    return choice, mistakes


def obstacles(settings: Settings, options: StartOptions, folder: InstanceFolder, claims: PortClaims) -> dict[str, str]:
    """What the machine lacks: a port, an address, room on the disk, a folder that can be written. A line each."""
    found: dict[str, str] = {}
    if not claims.claim(options.port):
        found["PORT"] = f"Port {options.port} is taken. Name another with --port."
    elif (why := _cannot_listen(settings.api_host, options.port)) is not None:
        found["API_HOST"] = f"The API cannot listen on {options.port} of API_HOST={settings.api_host}: {why}."
    for field in PAGES:
        name, host = str(Settings.model_fields[field].validation_alias), getattr(settings, field)
        if (why := _cannot_listen(host, 0)) is not None:
            found[name] = f"No pages can be served at {name}={host}: {why}."
    kafka_port = settings.kafka_port
    has_own_broker = "kafka_brokers" not in settings.model_fields_set
    if has_own_broker and kafka_port is not None and kafka_port != options.port and not is_free(kafka_port):
        found["KAFKA_PORT"] = f"Port {kafka_port}, which KAFKA_PORT names, is taken. Free it, or choose another."
    if has_own_broker and os.environ.get(CACHE_VARIABLE):
        # A cache that nobody named may be missing: the instance's folder is used in its place.
        (cache,) = cache_folders()
        if missing_jars(cache) and not _can_be_written(cache):
            found[CACHE_VARIABLE] = (
                f"{cache}, where what is fetched is kept, cannot be written. Name another with {CACHE_VARIABLE}."
            )
    if not _can_be_written(folder.data):
        found["--data"] = f"{folder.data} cannot be written. Name another folder with --data."
    too_little = too_little_to_start(folder.data)
    if too_little is not None:
        found["disk"] = too_little
    return found


def _cannot_listen(host: str, port: int) -> str | None:
    """Why nobody can listen there; null where somebody could. That of this machine itself is known to be free."""
    if host in HERE:
        return None
    try:
        places = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except OSError as error:
        return str(error.strerror)
    errors = [error_of_listening(str(address[0]), port, family) for family, _, _, _, address in places]
    return next((os.strerror(error) for error in errors if error is not None), None)


def _can_be_written(folder: Path) -> bool:
    """Whether something could be made in a folder, or the folder itself."""
    nearest = next(place for place in (folder, *folder.parents) if place.exists())
    return nearest.is_dir() and os.access(nearest, os.W_OK | os.X_OK)
