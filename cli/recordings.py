"""Commands on recordings of prices: record and backpack-server."""

from pathlib import Path
from typing import Annotated

import typer

from cli.context import Data, reachable_settings
from runtime.errors import FixableError

Recording = Annotated[Path, typer.Argument(metavar="FILE", help="A new file, .jsonl or .jsonl.gz.")]
Source = Annotated[Path, typer.Option(metavar="FILE", help="A recording.")]
Speed = Annotated[str, typer.Option(help="Times the recorded pace, or max.")]
Symbol = Annotated[str | None, typer.Option(help="What bars are of, where the file's name does not say it.")]
ServerPort = Annotated[int, typer.Option(min=0, max=65_535, help="Port to listen on.")]


def add_to(app: typer.Typer) -> None:
    app.command()(record)
    app.command(name="backpack-server")(backpack_server)


def record(file: Recording, data: Data = None) -> None:
    """Write the prices from now on to a file, until Ctrl-C."""
    from market_data.recorder import record as record_to  # noqa: PLC0415

    if not file.absolute().parent.is_dir():
        raise FixableError(f"There is no folder {file.absolute().parent} to record into.")
    record_to(reachable_settings(data), file)


def backpack_server(file: Source, speed: Speed = "1", symbol: Symbol = None, port: ServerPort = 8765) -> None:
    """Speak Backpack's protocol from a recording; BACKPACK_WS_URL=ws://127.0.0.1:PORT uses it."""
    from market_data.backpack_server import serve  # noqa: PLC0415

    serve(file, speed, symbol, port)
