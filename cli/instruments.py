"""The command on a running exchange's instruments: a file of them comes into the log."""

from pathlib import Path
from typing import Annotated

import typer

from cli.context import Data, reachable_settings, report

InstrumentsFile = Annotated[Path, typer.Argument(metavar="FILE", help="TOML, or JSON (.json).")]


def add_to(app: typer.Typer) -> None:
    app.command()(instruments)


def instruments(file: InstrumentsFile, data: Data = None) -> None:
    """Define a file's instruments in a running exchange, or change their parameters to what it says."""
    from api.admin.instrument_file import define_instruments, read_instruments  # noqa: PLC0415
    from runtime.postgres import usable  # noqa: PLC0415

    wanted = read_instruments(file)
    settings = reachable_settings(data)
    with usable(settings.database_url):
        define_instruments(settings.database_url, settings.shards, wanted, report)
