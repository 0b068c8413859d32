"""One service in the foreground, with the settings of the environment: what every process manager calls."""

from enum import StrEnum
from importlib import import_module
from typing import Annotated

import typer

from reprise.cli.context import load_settings


class ServiceName(StrEnum):
    """A service; `backfill` is a program that ends by itself."""

    API = "api"
    BACKFILL = "backfill"
    ENGINE = "engine"
    MARKET_DATA = "market-data"
    PROJECTOR = "projector"


MAIN_OF = {
    ServiceName.API: "reprise.api.main",
    ServiceName.BACKFILL: "reprise.cli.backfill",
    ServiceName.ENGINE: "reprise.engine.shell.main",
    ServiceName.MARKET_DATA: "reprise.market_data.main",
    ServiceName.PROJECTOR: "reprise.projector.main",
}
Service = Annotated[
    ServiceName, typer.Argument(help="api, engine, market-data, projector, or backfill, which ends by itself.")
]


def add_to(app: typer.Typer) -> None:
    app.command()(run)


def run(service: Service) -> None:
    """Run one service until it is told to stop."""
    import_module(MAIN_OF[service]).main(load_settings())
