"""The command `bench`; each module of the package `bench` says what it measures."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from cli.context import AsJson, load_settings, project_root, report
from runtime.errors import FixableError

if TYPE_CHECKING:
    from bench.report.figures import BenchReport, Sizes
    from bench.report.machine import Performance

FAILED: Final = 1
SIZE_MAX: Final = 100_000_000
ALL: Final = "all"
RECORD: Final = "docs/performance.json"

Name = Annotated[str, typer.Argument(help="Which bench, or `all`.")]
Size = Annotated[
    list[str] | None, typer.Option("--size", help="NAME=NUMBER: one of this bench's sizes; of all, BENCH.NAME=NUMBER.")
]
Page = Annotated[
    bool, typer.Option("--page", help=f"With `all`: keep it in {RECORD}, and make docs/performance.md of it.")
]


def add_to(app: typer.Typer) -> None:
    app.command()(bench)


def bench(name: Name, as_json: AsJson = False, size: Size = None, page: Page = False) -> None:
    """Measure, on a broker of its own unless KAFKA_BROKERS names one, and say which targets are met."""
    import msgspec  # noqa: PLC0415  # Few commands need the benches, or what they import.

    from bench._runner import report_of  # noqa: PLC0415
    from cli.bench_report import print_report  # noqa: PLC0415

    if name == ALL:
        _all(_sizes_of_all(size or []), as_json=as_json, page=page)
        return
    if page:
        raise FixableError("--page is for `bench all`: the page has every bench of one run.")
    found = report_of(name, _sizes(name, size or []), load_settings())
    if as_json:
        sys.stdout.write(msgspec.json.encode(found).decode() + "\n")
    else:
        print_report(found)


def _all(given: "dict[str, Sizes]", *, as_json: bool, page: bool) -> None:
    import msgspec  # noqa: PLC0415  # The same.

    from bench._runner import measured_all  # noqa: PLC0415
    from bench.report.machine import Performance, machine  # noqa: PLC0415
    from bench.report.page import files_of  # noqa: PLC0415
    from cli.bench_report import print_machine, print_report, print_summary  # noqa: PLC0415

    on = machine()
    if not as_json:
        print_machine(on)
    found = Performance(machine=on, benches=measured_all(given, _progress if as_json else print_report))
    if as_json:
        sys.stdout.write(msgspec.json.encode(found).decode() + "\n")
    else:
        print_summary(found.benches)
    if page:
        root = project_root()
        record = msgspec.json.format(msgspec.json.encode(found), indent=1).decode()
        _write(root, {RECORD: f"{record}\n"} | files_of(found))
    if any(each.failure is not None for each in found.benches):
        raise typer.Exit(FAILED)


def _progress(found: "BenchReport") -> None:
    broken = None if found.failure is None else f"failed: {found.failure.splitlines()[-1]}"
    sys.stderr.write(f"{found.bench}: {broken or found.not_measured or f'{found.seconds:.0f} s'}\n")
    sys.stderr.flush()


def _write(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (root / name).write_text(text, encoding="utf-8")
        report(f"written  {name}")


def _sizes(name: str, given: list[str]) -> "Sizes":
    """Read NAME=NUMBER, sizes of one bench."""
    from bench._runner import sizes_of  # noqa: PLC0415  # The same.

    known = sizes_of(name)
    found: Sizes = {}
    for one in given:
        size, _, number = one.partition("=")
        if size not in known:
            raise FixableError(f"--size {one}: the bench {name} has the sizes {', '.join(known)}.")
        least = min(1, known[size])
        if not number.isdecimal() or not least <= int(number) <= SIZE_MAX:
            raise FixableError(f"--size {one}: {size} is a whole number from {least} to {SIZE_MAX:,}.")
        found[size] = int(number)
    return found


def _sizes_of_all(given: list[str]) -> "dict[str, Sizes]":
    """Read BENCH.NAME=NUMBER, sizes of any bench."""
    found: dict[str, Sizes] = {}
    for one in given:
        name, _, size = one.partition(".")
        found.setdefault(name, {}).update(_sizes(name, [size]))
    return found


def recorded(root: Path) -> "Performance":
    """Read what the page was made of."""
    import msgspec  # noqa: PLC0415  # The same.

    from bench.report.machine import Performance  # noqa: PLC0415

    return msgspec.json.decode((root / RECORD).read_bytes(), type=Performance)
