"""What a command works on: the settings, the instance that `--data` names, and the places of the project."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from runtime import setting_sources
from runtime.errors import FixableError
from runtime.settings import DEFAULT_DATA, Settings

if TYPE_CHECKING:
    from rich.console import Console

Data = Annotated[
    Path | None,
    typer.Option("--data", metavar="DIR", help="Folder of the instance; .reprise in the project by default."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def console() -> "Console":
    """Where results go. Lines are not broken at the width of a terminal that is not there."""
    from rich.console import Console  # noqa: PLC0415

    return Console(highlight=False, soft_wrap=True)


def report(line: str) -> None:
    """Tell what is going on, at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def print_json(value: object) -> None:
    """Print a value as JSON that a person can read."""
    sys.stdout.write(msgspec.json.format(msgspec.json.encode(value), indent=2).decode() + "\n")


def project_root() -> Path:
    """The clone this code runs from, else the folder the command was called in."""
    root = Path(__file__).resolve().parents[1]
    return root if (root / "pyproject.toml").is_file() else Path.cwd()


def load_settings(data: Path | None = None) -> Settings:
    """The settings of the environment and of `.env`; Mistakes names each that is wrong."""
    return setting_sources.load_settings(project_root(), None if data is None else data.expanduser().absolute())


def data_folder(data: Path | None) -> Path:
    """The instance's folder: of `--data`, of REPRISE_DATA, or the project's own; FixableError where it is none.

    It is found whatever the other settings are worth: what runs can always be shown and stopped.
    """
    if data is not None:
        name, folder = "--data", data.expanduser().absolute()
    elif (named := setting_sources.named_folder(project_root())) is not None:
        name, folder = "REPRISE_DATA", named
    else:
        name, folder = "The instance's folder", project_root() / DEFAULT_DATA
    if any(place.exists() and not place.is_dir() for place in (folder, *folder.parents)):
        raise FixableError(f"{name} is {folder}, which is a file; name a folder.")
    return folder


def command_at(data: Path | None, name: str) -> str:
    """Give a command as it can be pasted to mean the instance that `--data` named here."""
    from stack.instance import InstanceFolder  # noqa: PLC0415

    return InstanceFolder(data_folder(data)).command(name)


BOTH_SERVERS = frozenset({"kafka_brokers", "database_url"})
KAFKA_ONLY = frozenset({"kafka_brokers"})


def reachable_settings(
    data: Path | None, needed: frozenset[str] = BOTH_SERVERS, *, only_reads: bool = False
) -> Settings:
    """Settings that reach the servers: those set by hand, where they name all that is needed, or the instance's.

    only_reads: with no right at the instance's own servers but to read.
    FixableError where a part of them is set by hand, and is not the instance's: neither is meant for sure.
    """
    # The parts of the stack take a while to import; only some commands need them.
    from stack import supervisor  # noqa: PLC0415
    from stack.instance import InstanceFolder  # noqa: PLC0415
    from stack.start import instance_settings  # noqa: PLC0415

    settings = load_settings(data)
    if needed <= settings.model_fields_set:
        return settings
    folder = InstanceFolder(data_folder(data))
    instance = folder.read()
    if instance is None or not supervisor.is_running(folder):
        raise FixableError(
            f"No instance runs in {folder.data}. Start it with {folder.command('up')}, name another with --data, or "
            "set KAFKA_BROKERS and DATABASE_URL."
        )
    reached = instance_settings(settings, folder, instance, only_reads=only_reads)
    for name in sorted(needed & settings.model_fields_set):
        if getattr(settings, name) != (own := getattr(reached, name)):
            others = " and ".join(each.upper() for each in sorted(needed))
            raise FixableError(
                f"{name.upper()} names another server than the one of the instance in {folder.data}, which is "
                f"{setting_sources.without_password(own)}. Leave it out for the instance, or set {others} for other "
                "servers."
            )
    return reached


def typed_password(*, is_new: bool) -> str:
    """Take it from a person, a new one twice, or from a pipe; never from the command line, which others can read."""
    if sys.stdin.isatty():
        return str(typer.prompt("Password", hide_input=True, confirmation_prompt=is_new))
    line = sys.stdin.readline().rstrip("\n")
    if not line:
        raise FixableError("A password is needed: type it in a terminal, or pipe it in as one line.")
    return line
