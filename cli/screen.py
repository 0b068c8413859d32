"""The command that builds the trading screen; `up` does it by itself."""

import typer

from cli.context import report


def add_to(app: typer.Typer) -> None:
    app.command()(screen)


def screen() -> None:
    """Build the trading screen, if it is not built of the sources that are there."""
    from stack.screen import BUILT, build, is_built  # noqa: PLC0415

    if not is_built():
        build(report)
    report(f"The screen is built in {BUILT}.")
