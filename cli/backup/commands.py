"""Commands that keep an instance in a file, and bring it back: backup, restore."""

import shlex
from pathlib import Path
from typing import Annotated

import typer

from cli.context import Data, data_folder, load_settings, reachable_settings, report
from runtime.errors import FixableError

Target = Annotated[Path, typer.Argument(metavar="FILE", help="File to make; it must not exist.")]
Source = Annotated[Path, typer.Argument(metavar="FILE", help="File that `backup` made.")]


def add_to(app: typer.Typer) -> None:
    app.command()(backup)
    app.command()(restore)


def backup(target: Target, data: Data = None) -> None:
    """Write all that cannot be made again to one file, while the exchange runs. It is as secret as the data folder."""
    from cli.backup.making import make_backup  # noqa: PLC0415
    from stack.instance import InstanceFolder, command_line  # noqa: PLC0415

    settings = reachable_settings(data)
    manifest = make_backup(settings, InstanceFolder(data_folder(data)), target.absolute())
    rows = {table.table: table.rows for table in manifest.tables}
    report(
        f"{target} is whole: {sum(manifest.commands):,} commands, {rows['auth.users']:,} users. Only you may read it."
    )
    report(f"Not in it: {', '.join(manifest.left_out)}; and what the log gives again.")
    if settings.profile == "production":
        report("JWT_SECRET and ENCRYPTION_KEY are not in it: keep them yourself, in another place.")
    report(f"{command_line(f'restore {shlex.quote(str(target))} --data NEW')} brings it back.")


def restore(source: Source, data: Data = None) -> None:
    """Make a new folder the instance that a backup was made of, stopped; `up` goes on from there."""
    from cli.backup.restoring import restore_backup  # noqa: PLC0415
    from stack.instance import InstanceFolder  # noqa: PLC0415

    settings = load_settings(data)
    named = sorted({"kafka_brokers", "database_url"} & settings.model_fields_set)
    if named:
        raise FixableError(
            f"{' and '.join(name.upper() for name in named)}: a backup is restored to a broker and a database of its "
            "own; leave these out."
        )
    folder = data_folder(data)
    manifest = restore_backup(source, settings, folder)
    report(f"{sum(manifest.commands):,} commands and the tables of {manifest.made_at} are in {folder}.")
    report(f"{InstanceFolder(folder).command('up')} goes on from there: the engine executes the log first.")
