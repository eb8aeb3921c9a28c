"""DurationChart: how long tasks took, by five minutes of the last hour, as a chart and as a table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from claudia_core.services.trends import Took
from dashboards import frames
from dashboards.glance import glance
from dashboards.parts.chart import HEIGHT, Chart, clock_axis
from dashboards.parts.rows import Column

COLOURS = {"half took at most": "#4f86f7", "19 in 20 took at most": "#b07ae8"}


class DurationChart(Chart):
    """Within which time half, and 19 in 20, of the tasks that completed were done."""

    TITLE = "Duration, last hour"
    COLOURS = COLOURS
    TWIN = "Duration of tasks that completed, by five minutes"
    QUIET = ("No task completed in the last hour", "How long tasks take is shown here.")
    COLUMNS = (
        Column("from", "From", "when"),
        Column("typical", "Half took at most", "figure"),
        Column("slow", "19 in 20 at most", "figure"),
        Column("completed", "Tasks", "figure"),
    )

    def pull_data(self) -> Sequence[Took]:
        """Twelve stretches of five minutes."""
        return glance(self.claudia).took

    def is_quiet(self, data: Sequence[Took]) -> bool:
        """Whether no task completed."""
        return not any(one.completed for one in data)

    def draw(self, data: Sequence[Took]) -> Any:  # noqa: ARG002 - `change` brings it
        """A line each, with a mark for each stretch."""
        return figure()

    def change(self, data: Sequence[Took]) -> None:
        """Other lines, and axes that hold them."""
        self._figure.select_one({"name": "took"}).data_source.data = frames.took_columns(data)
        self._figure.x_range.update(start=data[0].at * 1e3, end=(data[-1].at + 300) * 1e3)
        self._figure.y_range.update(start=0, end=1.15 * max(one.slow or 0.0 for one in data))

    def twin(self, data: Sequence[Took]) -> list[dict[str, Any]]:
        """Stretches in which something completed."""
        return frames.took_rows(data)


def figure() -> Any:
    """The chart, still without data."""
    from bokeh.models import BasicTicker, ColumnDataSource, CustomJSTickFormatter, HoverTool, Range1d
    from bokeh.plotting import figure as new_figure

    source = ColumnDataSource(dict(frames.took_columns(())))
    drawn = new_figure(height=HEIGHT, sizing_mode="stretch_width", toolbar_location=None, tools="", x_range=Range1d(),
                       y_range=Range1d())  # fmt: skip
    for (name, colour), column, mark in zip(COLOURS.items(), ("typical", "slow"), ("circle", "square"), strict=True):
        drawn.line("at", column, source=source, line_color=colour, line_width=2)
        drawn.scatter("at", column, source=source, color=colour, size=7, marker=mark, name=f"{name} marks")
    places = drawn.scatter("at", "slow", source=source, size=16, alpha=0, name="took")
    drawn.add_tools(HoverTool(renderers=[places], mode="vline", tooltips=[("", "@words")]))
    drawn.yaxis.formatter = CustomJSTickFormatter(code=SPAN)
    drawn.yaxis.ticker = BasicTicker(desired_num_ticks=4)
    clock_axis(drawn)
    return drawn


SPAN = """
const units = [[86400, "d"], [3600, "h"], [60, "min"], [1, "s"], [0.001, "ms"]]
const at = units.findIndex(([size]) => tick >= size)
if (at < 0) { return "0 s" }
const [size, unit] = units[at], [small, name] = units[at + 1] ?? [1, ""]
if (at > 2) { return `${Number((tick / size).toPrecision(3))} ${unit}` }
const rest = Math.round((tick % size) / small)
return `${Math.floor(tick / size)} ${unit}${rest ? ` ${rest} ${name}` : ""}`
"""

__all__ = ["DurationChart", "figure"]
