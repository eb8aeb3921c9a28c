"""LatencyHistogram: how long calls to one service took, on a logarithmic axis, with percentiles."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import param

from claudia_core.resilience.metrics import Histogram
from dashboards.cells import integrations as cells
from dashboards.parts.charts.chart import HEIGHT, Chart
from dashboards.parts.frame.rows import Column

if TYPE_CHECKING:
    from claudia_core import Claudia

BAR = "#4f83e6"
LINES = {"p50": "#2f9e5c", "p95": "#c98a1b", "p99": "#d64545"}
DASHES = {"p50": "solid", "p95": "dashed", "p99": "dotted"}


class Data(NamedTuple):
    """Bars from and to seconds with numbers of calls, and the percentiles in seconds."""

    bars: tuple[tuple[float, float, int], ...]
    marks: tuple[float, ...]


class LatencyHistogram(Chart):
    """The calls of the last 5 to 10 minutes by how long they took."""

    TITLE = "Latency, last 5 to 10 minutes"
    COLOURS = {
        "calls": BAR, "p50 ──": LINES["p50"], "p95 ╌╌": LINES["p95"], "p99 ···": LINES["p99"],
    }  # fmt: skip
    TWIN = "Calls by latency"
    QUIET = ("No call in the last minutes", "Calls made through the hub are counted here by how long they took.")
    COLUMNS = (Column("span", "Took"), Column("calls", "Calls", "figure"))

    service = param.String("", doc="The service's name.")
    process = param.String("", doc="The id of the process whose calls are counted; empty for all.")

    def __init__(self, claudia: Claudia, **params: Any) -> None:
        super().__init__(claudia, **params)
        self._bars: Any = None
        self._lines: dict[str, Any] = {}

    def pull_data(self) -> Data:
        """The service's histogram now."""
        histogram = self._histogram()
        marks = tuple(histogram.percentile(percent) or 0.0 for percent in (50, 95, 99))
        return Data(tuple(cells.bars(histogram)), marks)

    def is_quiet(self, data: Data) -> bool:
        """Whether there was no call."""
        return not data.bars

    def draw(self, data: Data) -> Any:  # noqa: ARG002 - `change` is called with it next
        """Bars, and a line for each percentile."""
        from bokeh.models import ColumnDataSource, CustomJSTickFormatter, Range1d
        from bokeh.plotting import figure

        drawn = figure(
            height=HEIGHT, sizing_mode="stretch_width", toolbar_location=None, tools="", x_range=Range1d(),
            y_range=Range1d(), x_axis_type="log", y_axis_label="calls",
        )  # fmt: skip
        self._bars = ColumnDataSource({"left": [], "right": [], "top": []})
        drawn.quad(left="left", right="right", bottom=0, top="top", source=self._bars, fill_color=BAR, line_alpha=0)
        self._lines = {name: ColumnDataSource({"x": []}) for name in LINES}
        for name, source in self._lines.items():
            drawn.vspan(x="x", source=source, line_color=LINES[name], line_dash=DASHES[name], line_width=2)
        drawn.xaxis.formatter = CustomJSTickFormatter(code=TICK)
        drawn.xgrid.grid_line_color = drawn.outline_line_color = None
        drawn.min_border_left = drawn.min_border_right = 8
        return drawn

    def change(self, data: Data) -> None:
        """Other bars and lines, and axes that hold them; in milliseconds."""
        left, right, top = ([bar[at] for bar in data.bars] for at in range(3))
        left, right = [one * 1e3 for one in left], [one * 1e3 for one in right]
        self._bars.data = {"left": left, "right": right, "top": top}
        for source, seconds in zip(self._lines.values(), data.marks, strict=True):
            source.data = {"x": [seconds * 1e3]}
        self._figure.x_range.update(start=left[0] / 2, end=right[-1] * 2)
        self._figure.y_range.update(start=0, end=max(top) * 1.15)

    def twin(self, data: Data) -> list[dict[str, Any]]:  # noqa: ARG002 - the same, in words
        """The same as rows."""
        return cells.bar_rows(self._histogram())

    def _histogram(self) -> Histogram:
        services = self.claudia.processes.services(self.process)
        return next((one.histogram for one in services if one.name == self.service), Histogram())


TICK = """return tick >= 1000 ? `${+(tick / 1000).toPrecision(3)} s` : `${+tick.toPrecision(3)} ms`"""
