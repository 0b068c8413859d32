"""What a bench gives: its figures, each beside its target, and the CPU time of what it measured."""

from collections.abc import Mapping, Sequence
from statistics import median
from typing import Final, Self

import msgspec

from bench.report.targets import TARGETS, Target
from runtime.errors import FixableError

Sizes = dict[str, int]
HUNDRED: Final = 100
THOUSAND: Final = 1_000


class NotMeasured(FixableError):
    """What a bench needs is not on this machine."""


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """One number. runs: each run of what was repeated; value is their median. peer: whose it is, where not ours."""

    name: str
    label: str
    value: float
    unit: str
    peer: str | None = None
    runs: tuple[float, ...] = ()

    @classmethod
    def of_runs(cls, name: str, label: str, runs: Sequence[float], unit: str, *, peer: str | None = None) -> Self:
        """Give the median of several runs, and keep all of them."""
        kept = tuple(rounded(run) for run in runs)
        return cls(name=name, label=label, value=rounded(median(runs)), unit=unit, peer=peer, runs=kept)


class CpuUse(msgspec.Struct, frozen=True, kw_only=True):
    """CPU seconds of each process for so many units of work. A loaded machine makes times longer, but hardly these."""

    what: str
    each: str
    count: int
    seconds: dict[str, float]

    def microseconds(self) -> dict[str, float]:
        """Give what one unit takes, by process."""
        return {name: seconds * 1e6 / self.count for name, seconds in self.seconds.items()}


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """What the `run` of a bench gives."""

    figures: list[Figure]
    cpu: list[CpuUse]


class JudgedFigure(Figure, frozen=True, kw_only=True):
    """A figure beside its target; null where it has none."""

    bound: str | None = None
    target: float | None = None
    is_met: bool | None = None
    share: float | None = None  # of the target: 1 or more where it is met


class BenchReport(msgspec.Struct, frozen=True, kw_only=True):
    """One bench: what it gave, or why it gave nothing. load_average: of 1, 5 and 15 minutes when it began.

    failure: what broke it off. not_measured: what it needs, and is not on this machine.
    """

    bench: str
    about: str
    sizes: Sizes
    default_sizes: Sizes = {}
    load_average: tuple[float, float, float]
    seconds: float
    figures: list[JudgedFigure] = []
    cpu: list[CpuUse] = []
    failure: str | None = None
    not_measured: str | None = None

    def without_figure(self) -> list[str]:
        """Name the targets that this run says nothing of."""
        given = {figure.name for figure in self.figures}
        return [name for name in TARGETS.get(self.bench, {}) if name not in given]


def judged(
    bench: str, figures: Sequence[Figure], targets: Mapping[str, Mapping[str, Target]] = TARGETS
) -> list[JudgedFigure]:
    """Put each figure of a bench beside its target."""
    of_bench = targets.get(bench, {})
    return [_judged(figure, of_bench.get(figure.name)) for figure in figures]


def _judged(figure: Figure, target: Target | None) -> JudgedFigure:
    fields = {name: getattr(figure, name) for name in Figure.__struct_fields__}
    if target is None:
        return JudgedFigure(**fields)
    return JudgedFigure(
        **fields,
        bound=target.bound,
        target=target.number,
        is_met=target.is_met(figure.value),
        share=rounded(target.share(figure.value)),
    )


def rounded(value: float) -> float:
    """Give a number with four digits that count, or all of a large one."""
    return float(round(value)) if abs(value) >= THOUSAND else float(f"{value:.4g}")


def written(value: float) -> str:
    """Write a number as people read it."""
    if abs(value) >= HUNDRED or value == int(value):
        return f"{value:,.0f}"
    return f"{value:.3g}"


def bound_of(figure: JudgedFigure) -> str:
    """Write a figure's target; nothing where it has none."""
    return "" if figure.bound is None or figure.target is None else _bound(figure.bound, figure.target)


def bound_of_target(bench: str, name: str) -> str:
    """Write a target of the table."""
    target = TARGETS[bench][name]
    return _bound(target.bound, target.number)


def _bound(bound: str, number: float) -> str:
    return f"{'≥' if bound == 'least' else '≤'} {written(number)}"


def verdict_of(figure: JudgedFigure) -> str:
    """Write whether a figure reaches its target; nothing where it has none."""
    return "" if figure.is_met is None else "met" if figure.is_met else "missed"


def spread_of(figure: Figure) -> str:
    """Write the least and the most of several runs; nothing of a single one."""
    return f"{written(min(figure.runs))} to {written(max(figure.runs))}" if len(figure.runs) > 1 else ""


def cpu_line(use: CpuUse) -> str:
    """Write what one unit of work takes, by process and in sum."""
    each = use.microseconds()
    scale, unit = (THOUSAND, "ms") if sum(each.values()) >= THOUSAND else (1, "µs")
    parts = ", ".join(f"{name} {written(value / scale)}" for name, value in each.items())
    total = f"{written(sum(each.values()) / scale)} {unit} for one {use.each}"
    return f"{use.what}: {total}{f' ({parts})' if len(each) > 1 else ''}"
