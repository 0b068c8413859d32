"""The command that opens an exported log in a browser: the replay's page, without an exchange that runs."""

import secrets
from pathlib import Path
from typing import Annotated

import typer

from cli.context import report

Folder = Annotated[Path, typer.Argument(metavar="DIR", help="Folder that `log export` made.")]
Port = Annotated[int | None, typer.Option(min=1, max=65_535, help="Port; a free one by default.")]
VerdictFile = Annotated[
    Path | None,
    typer.Option("--verdict", metavar="FILE", help="Verdict to show, of `audit verify --log DIR --verdict`."),
]


def add_to(app: typer.Typer) -> None:
    app.command()(replay)


def replay(folder: Folder, port: Port = None, verdict: VerdictFile = None) -> None:
    """Open an exported log in a browser and go through it step by step. Nothing is written; no exchange is needed."""
    from audit.log.folder import FolderLog  # noqa: PLC0415
    from audit.replay.main import serve  # noqa: PLC0415
    from cli.exported_replay import KEY, folder_application  # noqa: PLC0415
    from runtime.structs import prepare_structs  # noqa: PLC0415
    from stack.ports import LOOPBACK, free_ports  # noqa: PLC0415
    from stack.screen import build, is_built  # noqa: PLC0415

    log = FolderLog(folder)
    if not is_built():
        build(report)
    key = secrets.token_urlsafe(24)
    app = folder_application(log, folder.absolute().name, key, verdict)
    port = port or free_ports(1)[0]
    report(f"http://{LOOPBACK}:{port}/replay?{KEY}={key}")
    report("Open this address: whoever has it sees every account of the log. Ctrl-C ends it.")
    prepare_structs()
    serve(app, LOOPBACK, port)
