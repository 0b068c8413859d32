"""What a command works on: the settings, the instance that `--data` names, and the places of the project."""

import sys
from pathlib import Path
from typing import Annotated

import typer
from pydantic import ValidationError
from rich.console import Console

from runtime.errors import FixableError
from runtime.settings import Settings

Data = Annotated[
    Path | None,
    typer.Option("--data", metavar="DIR", help="Folder of the instance; .reprise in the project by default."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def console() -> Console:
    """Where results go. Lines are not broken at the width of a terminal that is not there."""
    return Console(highlight=False, soft_wrap=True)


def report(line: str) -> None:
    """Tell what is going on, at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def project_root() -> Path:
    """The clone this code runs from, else the folder the command was called in."""
    root = Path(__file__).resolve().parents[1]
    return root if (root / "pyproject.toml").is_file() else Path.cwd()


def load_settings() -> Settings:
    """The settings of the environment and `.env`; FixableError names each that is wrong."""
    try:
        return Settings()
    except ValidationError as error:
        wrong = "; ".join(
            f"{'.'.join(str(part) for part in problem['loc']) or 'settings'}: {problem['msg']}"
            for problem in error.errors()
        )
        raise FixableError(f"A setting of the environment or .env is wrong. {wrong}.") from error


def data_folder(settings: Settings, data: Path | None) -> Path:
    """The instance's folder: of `--data`, of REPRISE_DATA, or the project's own."""
    if data is not None:
        return data.expanduser().absolute()
    if "data" in settings.model_fields_set:
        return settings.data.absolute()
    return project_root() / ".reprise"


BOTH_SERVERS = frozenset({"kafka_brokers", "database_url"})


def reachable_settings(data: Path | None, needed: frozenset[str] = BOTH_SERVERS) -> Settings:
    """Settings that reach the servers: those set by hand, where they name all that is needed, or the instance's."""
    # The parts of the stack take a while to import; only some commands need them.
    from stack import supervisor  # noqa: PLC0415
    from stack.instance import InstanceFolder  # noqa: PLC0415
    from stack.start import instance_settings  # noqa: PLC0415

    settings = load_settings()
    if needed <= settings.model_fields_set:
        return settings
    folder = InstanceFolder(data_folder(settings, data))
    instance = folder.read()
    if instance is None or not supervisor.is_running(folder):
        raise FixableError(
            f"No instance runs in {folder.data}. Start it with `reprise up`, name another with --data, or set "
            "KAFKA_BROKERS and DATABASE_URL."
        )
    return instance_settings(settings, instance)
