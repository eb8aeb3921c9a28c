"""A report's chart as a picture, for mail and chats that show no HTML: PNG, drawn with Pillow, which Bokeh brings."""

from __future__ import annotations

import io
from collections.abc import Sequence

from PIL import Image, ImageDraw, ImageFont

from claudia_core.errors import InvalidValue
from dashboards.report.blocks import Chart, Document
from dashboards.report.chart import SERIES, moments, scale
from dashboards.report.facts import Tally
from dashboards.theme import CHART_COLOURS

SIZE = (1_200, 480)
"""Pixels: twice what it is usually shown at, so that it is sharp on any screen."""

LEFT, RIGHT, TOP, FLOOR = 90, 1_176, 118, 416
GROUND, INK, SOFT, GRID = "#ffffff", "#1b2432", "#5b6675", "#e2e6ec"
GAP = 0.16
"""Share of a bar's step that is left free."""


def picture(document: Document) -> bytes:
    """The document's first chart, or its title and words where nothing ended, as a PNG of 1,200 by 480 pixels.

    Raises:
        InvalidValue: the document is of a part that has no chart.
    """
    charts = [(one.title, block) for one in document.sections for block in one.blocks if isinstance(block, Chart)]
    if not charts and not document.foot:
        raise InvalidValue("there is no chart to draw", field="path", hint="let the file end in .html or .md")
    image = Image.new("RGB", SIZE, GROUND)
    draw = ImageDraw.Draw(image)
    draw.text((LEFT - 66, 22), document.title[:70], INK, _font(30))
    if not charts:
        draw.text((LEFT - 66, 72), "No task ended in this period.", SOFT, _font(22))
    else:
        title, chart = charts[0]
        draw.text((LEFT - 66, 66), f"{title} · all times are UTC", SOFT, _font(20))
        _legend(draw)
        _plot(draw, chart.bars)
    written = io.BytesIO()
    image.save(written, "PNG", optimize=True)
    return written.getvalue()


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)


def _legend(draw: ImageDraw.ImageDraw) -> None:
    right = RIGHT
    for series in reversed(SERIES):
        right -= int(draw.textlength(series, _font(20)))
        draw.text((right, 66), series, SOFT, _font(20))
        draw.rectangle((right - 26, 70, right - 10, 86), CHART_COLOURS[series])
        right -= 56


def _plot(draw: ImageDraw.ImageDraw, bars: Sequence[Tally]) -> None:
    lines = scale(max(bar.ended for bar in bars))
    for line in lines:
        y = _y(line, lines)
        draw.line((LEFT, y, RIGHT, y), SOFT if line == 0 else GRID, 2)
        draw.text((LEFT - 12, y), f"{line:,}", SOFT, _font(20), anchor="rm")
    for bar in bars:
        _stack(draw, bar, bars, lines)
    for at, text in moments(bars):
        draw.text((_x(at, bars), FLOOR + 14), text, SOFT, _font(20), anchor="mt")


def _stack(draw: ImageDraw.ImageDraw, bar: Tally, bars: Sequence[Tally], lines: Sequence[int]) -> None:
    left, right = _x(bar.start, bars), _x(bar.end, bars)
    free, base = (right - left) * GAP / 2, 0
    for series in SERIES:
        value = getattr(bar, series)
        if value:
            top, low = _y(base + value, lines), _y(base, lines)
            draw.rectangle(
                (left + free, min(top, low - 2), max(left + free + 1, right - free), low), CHART_COLOURS[series]
            )
            base += value


def _x(at: float, bars: Sequence[Tally]) -> float:
    first, last = bars[0].start, bars[-1].end
    return LEFT + (RIGHT - LEFT) * (at - first) / (last - first)


def _y(value: float, lines: Sequence[int]) -> float:
    return FLOOR - (FLOOR - TOP) * value / lines[-1]
