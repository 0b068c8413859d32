"""One service in the foreground, with the settings of the environment: what every process manager calls."""

import os
import sys
from enum import StrEnum
from importlib import import_module
from typing import Annotated

import typer

from cli.context import data_folder, load_settings, report
from runtime.errors import FixableError
from runtime.settings import Settings
from runtime.structs import prepare_structs


class ServiceName(StrEnum):
    """A service; `backfill` is a program that ends by itself."""

    API = "api"
    BACKFILL = "backfill"
    ENGINE = "engine"
    MARKET_DATA = "market-data"
    PROJECTOR = "projector"
    REPLAY = "replay"
    VENUE = "venue"


MAIN_OF = {
    ServiceName.API: "api.main",
    ServiceName.BACKFILL: "cli.backfill",
    ServiceName.ENGINE: "engine.shell.main",
    ServiceName.MARKET_DATA: "market_data.main",
    ServiceName.PROJECTOR: "projector.main",
    ServiceName.REPLAY: "audit.replay.main",
    ServiceName.VENUE: "venue.main",
}
Service = Annotated[
    ServiceName, typer.Argument(help="api, engine, market-data, projector, replay, venue, or backfill, which ends.")
]
Standby = Annotated[
    bool, typer.Option("--standby", help="Engine only: follow the worker ENGINE_WORKER_ID, and take its place.")
]


def add_to(app: typer.Typer) -> None:
    app.command()(run)


def run(service: Service, standby: Standby = False) -> None:
    """Run one service until it is stopped."""
    settings = load_settings()
    if standby:
        if service is not ServiceName.ENGINE:
            raise FixableError(f"Only an engine has a standby; {service} has none.")
        settings = settings.model_copy(update={"engine_standby": True})
    if service in {ServiceName.API, ServiceName.REPLAY}:
        settings = _with_long_secrets(settings)
    program = import_module(MAIN_OF[service])
    prepare_structs()
    if service is not ServiceName.API:  # Which goes on, says so, and takes no orders.
        _watch_cluster(settings)
    program.main(settings)


def _watch_cluster(settings: Settings) -> None:
    """End the service where another cluster answers in the place of its own; the process manager starts it again."""
    from runtime.cluster import ClusterWatch  # noqa: PLC0415

    def leave(why: str) -> None:
        sys.stderr.write(f"reprise: {why}\n")
        sys.stderr.flush()
        os._exit(1)

    watch = ClusterWatch(settings, leave)
    watch.require_same()
    watch.start()


def _with_long_secrets(settings: Settings) -> Settings:
    """As `up` does, which hands them on: in the demo profile a short secret is made long."""
    from stack.instance import InstanceFolder  # noqa: PLC0415
    from stack.secrets import short_secret_notices, with_long_secrets  # noqa: PLC0415

    for notice in short_secret_notices(settings):
        report(notice)
    return with_long_secrets(InstanceFolder(data_folder(None)), settings)
