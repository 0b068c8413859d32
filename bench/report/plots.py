"""Plots of figures as SVG, written as text: bars beside a target, stacked bars, and ranges of times.

They take a page's light or dark look, and need no program to be made.
"""

import math
from collections.abc import Mapping, Sequence
from html import escape
from typing import Final, NamedTuple

from bench.report.figures import written

WIDTH: Final = 1_000
LABELS: Final = 370  # wide, on the left
VALUES: Final = 250  # wide, on the right
ROW: Final = 24
BAR: Final = 14
TOP: Final = 44
STYLE: Final = """\
<style>
text { font: 13px system-ui, sans-serif; fill: #1f2328 }
.title { font-weight: 600 }
.faint { fill: #656d76 }
.line { stroke: #656d76; stroke-width: 1 }
.met { fill: #1a7f37 }
.missed { fill: #cf222e }
.range { stroke: #0969da; stroke-width: 3 }
.dot { fill: #0969da }
@media (prefers-color-scheme: dark) { text { fill: #e6edf3 } .faint { fill: #8d96a0 } .line { stroke: #8d96a0 } }
</style>
"""
COLOURS: Final = ("#0969da", "#cf222e", "#bf8700", "#1a7f37", "#8250df", "#bc4c00", "#57606a", "#1b7c83")
SHARE_MAX: Final = 3.0  # of a target; what is more ends there


class TargetBar(NamedTuple):
    """A figure as a share of its target, and what is written behind it."""

    label: str
    share: float
    text: str
    is_met: bool


class TimeRange(NamedTuple):
    """Quantiles of times, milliseconds, from the lowest to the highest."""

    label: str
    quantiles: tuple[float, ...]


def target_bars(title: str, bars: Sequence[TargetBar]) -> str:
    """Draw a bar for each figure, and a line where the target is: what reaches it has met it."""
    rows = [_text(LABELS + _scaled(1, SHARE_MAX), TOP - 8, "target", "faint", "middle")]
    for number, bar in enumerate(bars):
        y = TOP + number * ROW
        length = _scaled(min(bar.share, SHARE_MAX), SHARE_MAX)
        kind = "met" if bar.is_met else "missed"
        rows.append(_text(LABELS - 8, y + BAR - 2, bar.label, "", "end"))
        rows.append(f'<rect class="{kind}" x="{LABELS}" y="{y}" width="{length:.1f}" height="{BAR}" rx="2"/>')
        rows.append(_text(WIDTH - VALUES + 8, y + BAR - 2, bar.text, "", "start"))
    x, bottom = LABELS + _scaled(1, SHARE_MAX), TOP + len(bars) * ROW
    rows.append(f'<line class="line" x1="{x:.1f}" y1="{TOP - 4}" x2="{x:.1f}" y2="{bottom}" stroke-dasharray="3 3"/>')
    return _svg(title, bottom, rows)


def stacked_bars(title: str, bars: Mapping[str, Mapping[str, float]], unit: str) -> str:
    """Draw a bar for each row, made of its parts, with a legend of the parts."""
    most = max(sum(parts.values()) for parts in bars.values())
    names = list(dict.fromkeys(name for parts in bars.values() for name in parts))
    rows = []
    for number, (label, parts) in enumerate(bars.items()):
        y, x = TOP + number * ROW, float(LABELS)
        rows.append(_text(LABELS - 8, y + BAR - 2, label, "", "end"))
        for name, value in parts.items():
            colour, length = COLOURS[names.index(name) % len(COLOURS)], _scaled(value, most)
            tip = f"<title>{escape(name)} {value:.2f} {unit}</title>"
            rows.append(f'<rect fill="{colour}" x="{x:.1f}" y="{y}" width="{length:.1f}" height="{BAR}">{tip}</rect>')
            x += length
        rows.append(_text(WIDTH - VALUES + 8, y + BAR - 2, f"{sum(parts.values()):.2f} {unit}", "", "start"))
    y, x = TOP + len(bars) * ROW + 8, 12.0
    for number, name in enumerate(names):
        colour = COLOURS[number % len(COLOURS)]
        rows.append(f'<rect fill="{colour}" x="{x:.0f}" y="{y}" width="10" height="10"/>')
        rows.append(_text(x + 15, y + 10, name, "faint", "start"))
        x += 34 + 7.2 * len(name)
    return _svg(title, y + 16, rows)


def time_ranges(title: str, ranges: Sequence[TimeRange]) -> str:
    """Draw a line from the lowest quantile to the highest of each, with a dot at each; the scale is logarithmic."""
    low = math.floor(math.log10(min(each.quantiles[0] for each in ranges)))
    high = math.ceil(math.log10(max(each.quantiles[-1] for each in ranges)))
    high = max(high, low + 1)
    bottom = TOP + len(ranges) * ROW

    def place(milliseconds: float) -> float:
        return LABELS + _scaled(math.log10(milliseconds) - low, high - low)

    rows = []
    for power in range(low, high + 1):
        x = place(10**power)
        rows.append(f'<line class="line" x1="{x:.1f}" y1="{TOP - 4}" x2="{x:.1f}" y2="{bottom}" stroke-opacity=".3"/>')
        rows.append(_text(x, TOP - 8, f"{10**power:,g} ms", "faint", "middle"))
    for number, each in enumerate(ranges):
        y = TOP + number * ROW + BAR / 2
        ends = [place(quantile) for quantile in each.quantiles]
        rows.append(_text(LABELS - 8, y + 5, each.label, "", "end"))
        rows.append(f'<line class="range" x1="{ends[0]:.1f}" y1="{y}" x2="{ends[-1]:.1f}" y2="{y}"/>')
        rows += [f'<circle class="dot" cx="{end:.1f}" cy="{y}" r="5"/>' for end in ends]
        rows.append(_text(WIDTH - VALUES + 8, y + 5, " · ".join(map(written, each.quantiles)), "", "start"))
    return _svg(title, bottom, rows)


def _scaled(value: float, most: float) -> float:
    """Give how wide a value is drawn."""
    return value / most * (WIDTH - LABELS - VALUES) if most else 0.0


def _text(x: float, y: float, text: str, kind: str, anchor: str) -> str:
    return f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'


def _svg(title: str, bottom: float, rows: Sequence[str]) -> str:
    height = bottom + 12
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:.0f}" role="img">'
    heading = _text(12, 20, title, "title", "start")
    return "\n".join([head, f"<title>{escape(title)}</title>", STYLE + heading, *rows, "</svg>\n"])
