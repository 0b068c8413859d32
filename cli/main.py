"""Which commands there are, and how a failure ends: one line that says what to do, 1, or 2 for a wrong call."""

import os
import sys

import typer
from typer.exceptions import TyperException

from cli import audit, bench, database, development, documents, instance, kafka, log, recordings, run
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
    for group in (instance, development, documents, kafka, log, audit, recordings, database, run, bench):
        group.add_to(app)
    return app


def main() -> None:
    sys.exit(call(sys.argv[1:]))


def call(arguments: list[str]) -> int:
    """Run a command line; its exit code."""
    try:
        code = typer.main.get_command(application()).main(arguments, prog_name="reprise", standalone_mode=False)
    except TyperException as error:
        text = error.format_message().rstrip(".")
        if "\n" in text:  # A group called without its command answers with its help.
            sys.stderr.write(f"{text}\n")
        else:
            _print_error(f"{text}. `reprise --help` lists the commands, `reprise COMMAND --help` their options.")
        return WRONG_CALL
    except FixableError as error:
        for line in error.lines:
            _print_error(line)
        return FAILED
    except OSError as error:
        if error.filename is None:
            raise
        _print_error(f"{os.fsdecode(error.filename)}: {error.strerror}.")
        return FAILED
    except (KeyboardInterrupt, typer.Abort):
        return INTERRUPTED
    return code if isinstance(code, int) else 0


def _print_error(text: str) -> None:
    sys.stderr.write(f"reprise: {text}\n")


if __name__ == "__main__":
    main()
