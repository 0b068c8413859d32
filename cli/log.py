"""Commands on the log: a copy made, a copy taken in, an offset gap accepted."""

import shlex
from pathlib import Path
from typing import Annotated

import typer

from cli.context import KAFKA_ONLY, Data, data_folder, load_settings, reachable_settings, report
from runtime.errors import FixableError
from schemas.offset_gaps import OffsetGap

Target = Annotated[Path, typer.Argument(metavar="DIR", help="Folder to make; it must not exist.")]
Source = Annotated[Path, typer.Argument(metavar="DIR", help="Folder that `log export` made.")]
Shard = Annotated[int | None, typer.Option(min=0, help="Only this shard.")]
To = Annotated[
    list[str] | None,
    typer.Option(metavar="OFFSET", help="Only commands below this offset, or SHARD:OFFSET; repeatable."),
]


def add_to(app: typer.Typer) -> None:
    log = typer.Typer(help="The log: copies of it, and gaps in it.", no_args_is_help=True)
    log.command(name="export")(export)
    log.command(name="import")(import_)
    log.command(name="accept-gap")(accept_gap_)
    app.add_typer(log, name="log")


def export(target: Target, shard: Shard = None, to: To = None, data: Data = None) -> None:
    """Write the log to a folder, with its times, offsets and hashes."""
    from audit.log.cluster import open_cluster  # noqa: PLC0415
    from audit.log.export_log import export_log  # noqa: PLC0415
    from stack.instance import command_line  # noqa: PLC0415

    log = open_cluster(reachable_settings(data, KAFKA_ONLY))
    ends: dict[int, int] = {}
    for text in to or []:
        number, offset = _end_of(text, shard, log.shards)
        if ends.setdefault(number, offset) != offset:
            raise FixableError(f"--to ends shard {number} at {ends[number]} and at {offset}; leave one of them.")
    manifest = export_log(log, target.absolute(), shard=shard, to=ends)
    for file in manifest.files:
        report(f"{file.name:<28} {file.records:>12,} records")
    report(f"{target} is whole; {command_line(f'audit verify --log {shlex.quote(str(target))}')} proves it.")


def import_(source: Source, data: Data = None) -> None:
    """Make a folder's commands the log of a new instance at --data, or of the empty cluster that KAFKA_BROKERS names.

    They keep their original times. `up` starts the instance, whose engine makes the events, the same to the last byte.
    """
    from audit.log.folder import FolderLog  # noqa: PLC0415
    from audit.log.import_log import import_log  # noqa: PLC0415
    from cli.imported_instance import import_instance  # noqa: PLC0415
    from stack.instance import InstanceFolder  # noqa: PLC0415

    settings = load_settings(data)
    log = FolderLog(source)
    if "kafka_brokers" in settings.model_fields_set:
        count = import_log(log, settings)
        report(f"{count:,} commands are in the log; an engine makes their events, the same to the last byte.")
        return
    folder = data_folder(data)
    count = import_instance(log, settings, folder)
    report(f"{count:,} commands are in {folder}; {InstanceFolder(folder).command('up')} goes on from there.")


def accept_gap_(
    shard: Annotated[int, typer.Argument(min=0, help="Shard whose commands have the gap.")],
    first: Annotated[int, typer.Argument(min=0, help="First offset without a record.")],
    last: Annotated[int, typer.Argument(min=0, help="Last offset without a record.")],
    data: Data = None,
) -> None:
    """Let a shard go on over offsets that hold no record, once you know why they do not.

    A foreign transaction leaves such a gap; the shard is frozen before it, and the engine's log and /status name it.
    A beginning that was deleted is refused: what it held is known to nobody. The command stands in the log for ever,
    and the audit shows it.
    """
    from audit.log.cluster import open_cluster  # noqa: PLC0415
    from audit.log.offset_gaps import accept_gap  # noqa: PLC0415

    settings = reachable_settings(data, KAFKA_ONLY)
    accept_gap(open_cluster(settings), settings, OffsetGap(shard, first, last))
    report(f"The gap of shard {shard} is accepted. Restart the engine, and the shard goes on over it.")


def _end_of(text: str, shard: int | None, shards: int) -> tuple[int, int]:
    """Read OFFSET, where one shard is meant, or SHARD:OFFSET."""
    name, colon, offset = text.rpartition(":")
    if not colon and shard is None and shards > 1:
        raise FixableError(f"--to {text}: of which shard? Write --to SHARD:OFFSET, or name one by --shard.")
    number = name if colon else str(shard or 0)
    if not number.isdecimal() or not offset.isdecimal():
        raise FixableError(f"--to is OFFSET or SHARD:OFFSET, not {text}.")
    return int(number), int(offset)
