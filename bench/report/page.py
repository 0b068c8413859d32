"""The page docs/performance.md and its plots, made of one run of all benches and of nothing else."""

from collections.abc import Iterator, Mapping
from typing import Final

from bench.report.figures import (
    BenchReport,
    JudgedFigure,
    bound_of,
    bound_of_target,
    cpu_line,
    spread_of,
    verdict_of,
    written,
)
from bench.report.machine import BenchMachine, Performance
from bench.report.plots import TargetBar, TimeRange, stacked_bars, target_bars, time_ranges

PAGE: Final = "docs/performance.md"
IMAGES: Final = "docs/images"
TARGETS: Final = "performance-targets.svg"
LATENCIES: Final = "performance-latencies.svg"
CPU: Final = "performance-cpu.svg"
# Bench, what the names of its quantiles begin with, and what is written beside them.
TIMES: Final = (
    ("latency", "bare_", "produced and consumed, 1,000/s"),
    ("latency", "", "command to committed event, 1,000/s"),
    ("order", "bare_paced_", "bare endpoint, 100/s"),
    ("order", "paced_", "order over HTTP, 100/s"),
    ("order", "full_speed_", "order over HTTP, full speed"),
    ("fanout", "delivery_", "tick to WebSocket, 1,000 sockets"),
    ("soak", "", "order over HTTP, half load"),
)
QUANTILES: Final = ("p50_ms", "p99_ms", "p999_ms")
INTRODUCTION: Final = """\
# Performance

Made by `./reprise bench all --page`, and of nothing else: every bench, beside its peer in the same run where it has
one, its target, and whether it is met. `./reprise bench NAME` measures one of them, and [bench/](../bench) says how; a
size smaller than by default stands as `3 of 60`. What was repeated is the median of the runs beside it. A loaded
machine makes times longer, but hardly the CPU time below a table; the load average says how loaded it was.
[performance.json](performance.json) has all of it for programs.
"""


def files_of(performance: Performance) -> dict[str, str]:
    """Give the page and its plots, by their paths from the root."""
    plots = {name: text for name, text in _plots(performance) if text is not None}
    return {PAGE: _page(performance, list(plots))} | {f"{IMAGES}/{name}": text for name, text in plots.items()}


def _plots(performance: Performance) -> Iterator[tuple[str, str | None]]:
    bars = [
        TargetBar(f"{report.bench}: {figure.label}", figure.share or 0.0, _compared(figure), figure.is_met is True)
        for report, figure in _targeted(performance)
    ]
    yield TARGETS, target_bars("Each figure as a share of its target", bars) if bars else None
    ranges = list(_ranges(performance))
    yield LATENCIES, time_ranges("Median, 99 % and 99.9 %, milliseconds", ranges) if ranges else None
    parts = _cpu_by_process(performance)
    yield CPU, stacked_bars("CPU time of one order over HTTP, by process", parts, "ms") if parts else None


def _targeted(performance: Performance) -> Iterator[tuple[BenchReport, JudgedFigure]]:
    for report in performance.benches:
        for figure in report.figures:
            if figure.target is not None:
                yield report, figure


def _compared(figure: JudgedFigure) -> str:
    return f"{written(figure.value)} ({bound_of(figure)}) {figure.unit}"


def _ranges(performance: Performance) -> Iterator[TimeRange]:
    found = {report.bench: {figure.name: figure.value for figure in report.figures} for report in performance.benches}
    for bench, prefix, label in TIMES:
        figures = found.get(bench, {})
        quantiles = tuple(figures[prefix + name] for name in QUANTILES if figures.get(prefix + name, 0) > 0)
        if len(quantiles) == len(QUANTILES):
            yield TimeRange(label, quantiles)


def _cpu_by_process(performance: Performance) -> Mapping[str, Mapping[str, float]]:
    return {
        use.what: {name: microseconds / 1_000 for name, microseconds in use.microseconds().items()}
        for report in performance.benches
        if report.bench == "order"
        for use in report.cpu
    }


def _page(performance: Performance, plots: list[str]) -> str:
    parts = [INTRODUCTION, _machine(performance.machine), _summary(performance)]
    parts += [f"![{name.removeprefix('performance-').removesuffix('.svg')}](images/{name})\n" for name in plots]
    parts += [_section(report) for report in performance.benches]
    return "\n".join(parts)


def _machine(machine: BenchMachine) -> str:
    rows = {
        "machine": f"{machine.processor}, {machine.cores} cores, {machine.memory_gib:g} GiB, {machine.system}",
        "the core's build": machine.build,
        "versions": ", ".join(f"{name} {version}" for name, version in machine.versions.items()),
        "date": machine.date,
    }
    return _table(["", ""], [[name, value] for name, value in rows.items()])


def _summary(performance: Performance) -> str:
    rows = [
        [f"[{report.bench}](#{report.bench})", figure.label, _value(figure), bound_of(figure), _verdict(figure)]
        for report, figure in _targeted(performance)
    ]
    rows += [
        [f"[{report.bench}](#{report.bench})", _absence(report), "", "", ""]
        for report in performance.benches
        if report.failure is not None or report.not_measured is not None
    ]
    rows += [
        [f"[{report.bench}](#{report.bench})", name, "not measured", bound_of_target(report.bench, name), ""]
        for report in performance.benches
        if report.figures
        for name in report.without_figure()
    ]
    met = sum(figure.is_met is True for _, figure in _targeted(performance))
    count = sum(1 for _ in _targeted(performance))
    return f"## Targets\n\n{met} of {count} met.\n\n{_table(['bench', 'figure', 'value', 'target', ''], rows)}"


def _section(report: BenchReport) -> str:
    lines = [f"## {report.bench}\n\n{report.about}\n"]
    if report.failure is not None or report.not_measured is not None:
        lines.append(f"{_absence(report)}\n")
    else:
        rows = [
            [
                figure.label if figure.peer is None else f"*{figure.peer}: {figure.label}*",
                _value(figure),
                spread_of(figure),
                bound_of(figure),
                _verdict(figure),
            ]
            for figure in report.figures
        ]
        lines.append(_table(["figure", "value", "runs", "target", ""], rows))
        lines += [f"- CPU, {cpu_line(use)}" for use in report.cpu]
    sizes = ", ".join(_size(name, number, report.default_sizes.get(name)) for name, number in report.sizes.items())
    load = " ".join(f"{average:.2f}" for average in report.load_average)
    lines.append(f"- {sizes}; {report.seconds:.0f} s; load average at the start {load}\n")
    return "\n".join(lines)


def _size(name: str, number: int, default: int | None) -> str:
    return f"{name} {number:,}" + (f" of {default:,}" if default is not None and number < default else "")


def _absence(report: BenchReport) -> str:
    """Say why a bench gave nothing."""
    if report.failure is not None:
        return f"failed: {' '.join(report.failure.split())[-500:]}"
    return f"not measured: {report.not_measured}"


def _value(figure: JudgedFigure) -> str:
    return f"{written(figure.value)} {figure.unit}"


def _verdict(figure: JudgedFigure) -> str:
    verdict = verdict_of(figure)
    return f"**{verdict}**" if verdict == "missed" else verdict


def _table(heads: list[str], rows: list[list[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "".join(f"| {' | '.join(cell.replace('|', '/') for cell in line)} |\n" for line in lines)
