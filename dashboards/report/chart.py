"""The throughput chart as SVG: places in percent, text in pixels, so that it fits every width and stays readable."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from html import escape
from itertools import count

from dashboards.report.blocks import Chart
from dashboards.report.facts import Tally
from dashboards.theme import CHART_COLOURS

HEIGHT, TOP, FLOOR = 208, 10, 180
"""Pixels: of the whole, above the highest line, and where the bars stand."""

GAP = 0.16
"""Share of a bar's step that is left free."""

MOST_LINES = 4
MOST_LABELS = 9
INTERVALS = (300, 600, 900, 1_800, 3_600, 7_200, 10_800, 21_600, 43_200, 86_400, 172_800, 604_800, 2_419_200, 9_676_800)
SERIES = tuple(CHART_COLOURS)


def chart_svg(chart: Chart, id: str) -> str:
    """Axis and plot, side by side."""
    lines = scale(max(bar.ended for bar in chart.bars))
    axis = "".join(f'<text x="100%" y="{_y(line, lines) + 4:g}" text-anchor="end">{line:,}</text>' for line in lines)
    title, text = escape(chart.caption), escape(chart.summary)
    return (
        f'<div class="chart"><svg class="axis" height="{HEIGHT}" aria-hidden="true">{axis}</svg>'
        f'<svg class="plot" height="{HEIGHT}" role="img" aria-labelledby="{id}-t" aria-describedby="{id}-d">'
        f'<title id="{id}-t">{title}</title><desc id="{id}-d">{text}</desc>'
        f"{''.join(_grid(lines))}{''.join(_bars(chart.bars, lines))}{''.join(_labels(chart.bars))}</svg></div>"
    )


def legend() -> str:
    """What the colours mean."""
    marks = [f'<li><i class="f-{series}"></i>{series}</li>' for series in SERIES]
    return f'<ul class="legend" aria-hidden="true">{"".join(marks)}</ul>'


def scale(top: int) -> list[int]:
    """The values of the grid's lines, from 0 to the first round one that is not below `top`."""
    for power in count():
        for step in (10**power, 2 * 10**power, 5 * 10**power):
            if step * MOST_LINES >= top:
                return list(range(0, max(step, -(-top // step) * step) + 1, step))
    raise AssertionError("steps grow without end")


def _y(value: float, lines: Sequence[int]) -> float:
    return round(FLOOR - (FLOOR - TOP) * value / lines[-1], 1)


def _grid(lines: Sequence[int]) -> Iterator[str]:
    for line in lines:
        y = round(_y(line, lines)) + 0.5
        yield f'<line class="{"floor" if line == 0 else "grid"}" x1="0" x2="100%" y1="{y}" y2="{y}"/>'


def _bars(bars: Sequence[Tally], lines: Sequence[int]) -> Iterator[str]:
    first, whole = bars[0].start, bars[-1].end - bars[0].start
    for bar in bars:
        if bar.ended:
            left, width = 100 * (bar.start - first) / whole, 100 * (bar.end - bar.start) / whole
            place = f'x="{left + width * GAP / 2:.2f}%" width="{width * (1 - GAP):.2f}%"'
            yield f"<g><title>{bar_title(bar)}</title>{_stack(bar, place, lines)}</g>"


def _stack(bar: Tally, place: str, lines: Sequence[int]) -> str:
    parts, base = [f'<rect class="hit" {place} y="{TOP}" height="{FLOOR - TOP}"/>'], 0
    for series in SERIES:
        value = getattr(bar, series)
        if value:
            top, low = _y(base + value, lines), _y(base, lines)
            apart = 1 if base and low - top > 3 else 0
            height = max(1.0, low - top - apart)
            parts.append(f'<rect class="f-{series}" {place} y="{low - apart - height:.1f}" height="{height:.1f}"/>')
            base += value
    return "".join(parts)


def bar_title(bar: Tally) -> str:
    """A bar in words."""
    counts = ", ".join(f"{getattr(bar, series):,} {series}" for series in SERIES if getattr(bar, series))
    return f"{_at(bar.start):%Y-%m-%d %H:%M} to {_at(bar.end):%H:%M}: {counts}"


def moments(bars: Sequence[Tally]) -> Iterator[tuple[int, str]]:
    """Round moments (Unix seconds) that are not at the very edges of the plot, and how they read."""
    first, last = bars[0].start, bars[-1].end
    every = next((each for each in INTERVALS if (last - first) / each <= MOST_LABELS), INTERVALS[-1])
    for at in range(first - first % every + every, last, every):
        if 0.03 < (at - first) / (last - first) < 0.97:
            yield at, f"{_at(at):%d %b}" if at % 86_400 == 0 else f"{_at(at):%H:%M}"


def _labels(bars: Sequence[Tally]) -> Iterator[str]:
    """Times below the plot; on a narrow page every second one."""
    first, last = bars[0].start, bars[-1].end
    for place, (at, text) in enumerate(moments(bars)):
        x = 100 * (at - first) / (last - first)
        rare = ' class="rare"' if place % 2 else ""
        yield f'<text{rare} x="{x:.2f}%" y="{HEIGHT - 8}" text-anchor="middle">{text}</text>'


def _at(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
