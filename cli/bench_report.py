"""How a bench is shown in a terminal: a line for each figure, with its target and whether it is met."""

from collections.abc import Sequence
from typing import Final

from rich.console import Console
from rich.table import Table

from bench.report.figures import BenchReport, JudgedFigure, bound_of, cpu_line, spread_of, verdict_of, written
from bench.report.machine import BenchMachine

WIDTH: Final = 140  # where the output goes to a file
COLUMNS: Final = ("figure", "value", "", "runs", "target", "")
STYLES: Final = {"met": "green", "missed": "bold red"}


def print_machine(machine: BenchMachine) -> None:
    """Print what is measured, and on what."""
    out = _console()
    out.print(
        f"{machine.processor}, {machine.cores} cores, {machine.memory_gib:g} GiB, {machine.system}; "
        f"core {machine.build}; {machine.date}",
        soft_wrap=True,
    )
    out.print(", ".join(f"{name} {version}" for name, version in machine.versions.items()), style="dim", soft_wrap=True)


def print_report(report: BenchReport) -> None:
    """Print a bench: its figures, then the CPU time of what it measured."""
    out = _console()
    out.print()
    out.print(f"[bold]{report.bench}[/bold]  {report.about}", soft_wrap=True)
    if report.failure is not None:
        out.print(f"failed: {report.failure}", style="bold red", markup=False)
    elif report.not_measured is not None:
        out.print(f"not measured: {report.not_measured}", style="yellow", markup=False)
    else:
        out.print(_table(report.figures))
        for name in report.without_figure():
            out.print(f"not measured: {name}", style="yellow", markup=False)
        for use in report.cpu:
            out.print(f"CPU, {cpu_line(use)}", markup=False, soft_wrap=True)
    sizes = ", ".join(f"{name} {number:,}" for name, number in report.sizes.items())
    load = " ".join(f"{average:.2f}" for average in report.load_average)
    out.print(f"{sizes}; {report.seconds:.0f} s; load average at the start {load}", style="dim", soft_wrap=True)


def print_summary(reports: Sequence[BenchReport]) -> None:
    """Print how many targets are met, and which are not."""
    out = _console()
    targeted = [(report.bench, figure) for report in reports for figure in report.figures if figure.is_met is not None]
    missed = [(bench, figure) for bench, figure in targeted if not figure.is_met]
    out.print()
    out.print(f"[bold]{len(targeted) - len(missed)} of {len(targeted)} targets met[/bold]")
    for bench, figure in missed:
        value = f"{written(figure.value)} {figure.unit}"
        out.print(f"missed: {bench}, {figure.label}: {value}, target {bound_of(figure)}", markup=False, soft_wrap=True)
    for report in reports:
        if report.failure is not None:
            out.print(f"failed: {report.bench}: {report.failure.splitlines()[-1]}", markup=False, soft_wrap=True)


def _table(figures: list[JudgedFigure]) -> Table:
    table = Table(box=None, pad_edge=False, show_header=True, header_style="dim")
    for name in COLUMNS:
        table.add_column(name, justify="right" if name in ("value", "target") else "left", no_wrap=True)
    for figure in figures:
        verdict = verdict_of(figure)
        label = figure.label if figure.peer is None else f"{figure.peer}: {figure.label}"
        table.add_row(
            label,
            written(figure.value),
            figure.unit,
            spread_of(figure),
            bound_of(figure),
            f"[{STYLES[verdict]}]{verdict}[/]" if verdict else "",
            style="dim" if figure.peer is not None else None,
        )
    return table


def _console() -> Console:
    out = Console(highlight=False)
    return out if out.is_terminal else Console(highlight=False, width=WIDTH)
