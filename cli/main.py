"""Which commands there are, and how a failure ends: one line that says what to do, 1, or 2 for a wrong call."""

import errno
import os
import sys
from pathlib import Path

import typer
from typer.exceptions import TyperException

from cli import (
    account,
    audit,
    bench,
    compiling,
    database,
    development,
    documents,
    instance,
    instruments,
    kafka,
    log,
    recordings,
    replay,
    run,
    screen,
)
from cli.backup import commands as backup
from cli.context import data_folder
from runtime.errors import FixableError

WRONG_CALL = 2
FAILED = 1
INTERRUPTED = 130


def application() -> typer.Typer:
    """Every command, by group; none imports what it calls before it is called."""
    app = typer.Typer(
        name="reprise",
        help="A leveraged exchange whose whole ledger can be replayed.",
        no_args_is_help=True,
        add_completion=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
    )
    on_a_machine = (instance, instruments, screen, development, documents, kafka, compiling)
    for group in (*on_a_machine, log, audit, replay, backup, recordings, database, account, run, bench):
        group.add_to(app)
    return app


def main() -> None:
    sys.exit(call(sys.argv[1:]))


def call(arguments: list[str]) -> int:
    """Run a command line; its exit code. A disk that is full is named whatever the command."""
    code = _call(arguments)
    full = _full_disk(arguments)
    if full is not None:
        _print_error(full)
    return code


def _call(arguments: list[str]) -> int:
    try:
        code = typer.main.get_command(application()).main(arguments, prog_name="reprise", standalone_mode=False)
    except TyperException as error:
        from cli.wrong_call import sentence_of  # noqa: PLC0415
        from stack.instance import command_line  # noqa: PLC0415

        text = sentence_of(error, arguments)
        if "\n" in text:  # A group called without its command answers with its help.
            sys.stderr.write(f"{text}\n")
        else:
            wrong = text if text.endswith("?") else f"{text}."
            _print_error(
                f"{wrong} {command_line('--help')} lists the commands, {command_line('COMMAND --help')} their options."
            )
        return WRONG_CALL
    except FixableError as error:
        for line in error.lines:
            _print_error(line)
        return FAILED
    except (KeyboardInterrupt, typer.Abort):
        return INTERRUPTED
    except Exception as error:
        said = _line_of(error, arguments)
        if said is None:
            raise
        _print_error(said)
        return FAILED
    return code if isinstance(code, int) else 0


def _line_of(error: Exception, arguments: list[str]) -> str | None:
    """What to say of a failure the machine is to blame for; null where it is a defect, and its traceback is needed."""
    if isinstance(error, OSError) and error.filename is not None:
        return f"{os.fsdecode(error.filename)}: {error.strerror}."
    if (isinstance(error, OSError) and error.errno == errno.ENOSPC) or _full_disk(arguments) is not None:
        return " ".join(str(error).split())
    return None


def _full_disk(arguments: list[str]) -> str | None:
    """What to say of the disk of the instance that a command line names; null while there is room."""
    from stack.disk import full_disk  # noqa: PLC0415

    given = [
        second if first == "--data" else first.removeprefix("--data=")
        for first, second in zip(arguments, [*arguments[1:], ""], strict=True)
        if first == "--data" or first.startswith("--data=")
    ]
    try:
        folder = data_folder(Path(given[-1]) if given else None)
    except FixableError:
        return None  # The command has said so.
    return full_disk(folder) if folder.is_dir() else None


def _print_error(text: str) -> None:
    sys.stderr.write(f"reprise: {text}\n")


if __name__ == "__main__":
    main()
