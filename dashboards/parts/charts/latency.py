"""LatencyChart: how long one check took, hour by hour."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import param

from claudia_core.model.times import to_text
from claudia_core.services import rollups
from claudia_core.services.health import HealthPeriod
from dashboards import units
from dashboards.parts.charts.chart import HEIGHT, Chart
from dashboards.parts.frame.rows import Column

if TYPE_CHECKING:
    from claudia_core import Claudia

DAYS = 7
LEAST = 12 * 3_600_000
"""Milliseconds that the axis holds at least, so that a first hour is no block."""

BAR = "#4f83e6"
FAILED = "#d64545"


class LatencyChart(Chart):
    """The mean of each hour of a week as bars; those of hours with a fail stand on a mark."""

    TITLE = "Latency by hour, 7 days"
    COLOURS = {"mean of the hour": BAR, "▲ an hour with fails": FAILED}
    TWIN = "Latency by hour"
    QUIET = ("No run yet", "From the first run on, each hour has a bar here.")
    COLUMNS = (
        Column("at", "Hour", "when"), Column("mean", "Mean", "figure"), Column("runs", "Runs", "number"),
        Column("failed", "Fails", "number"),
    )  # fmt: skip

    check = param.String("", doc="The check's name.")

    def __init__(self, claudia: Claudia, **params: Any) -> None:
        super().__init__(claudia, **params)
        self._bars: Any = None
        self._fails: Any = None

    def pull_data(self) -> Sequence[HealthPeriod]:
        """The hours of a week in which it was run."""
        return self.claudia.health.history(self.check, days=DAYS, width=rollups.HOUR) if self.check else []

    def is_quiet(self, data: Sequence[HealthPeriod]) -> bool:
        """Whether it was not run."""
        return not data

    def draw(self, data: Sequence[HealthPeriod]) -> Any:  # noqa: ARG002 - `change` is called with it next
        """Bars, and a mark below those of hours with fails."""
        from bokeh.models import ColumnDataSource, CustomJSTickFormatter, DatetimeTicker, Range1d
        from bokeh.plotting import figure

        drawn = figure(
            height=HEIGHT, sizing_mode="stretch_width", toolbar_location=None, tools="", x_range=Range1d(),
            y_range=Range1d(), y_axis_label="milliseconds",
        )  # fmt: skip
        self._bars = ColumnDataSource({"left": [], "right": [], "top": []})
        self._fails = ColumnDataSource({"x": [], "y": []})
        drawn.quad(left="left", right="right", bottom=0, top="top", source=self._bars, fill_color=BAR, line_alpha=0)
        drawn.scatter("x", "y", source=self._fails, marker="triangle", size=9, color=FAILED)
        drawn.xaxis.ticker = DatetimeTicker(desired_num_ticks=4)
        drawn.xaxis.formatter = CustomJSTickFormatter(code=DAY)
        drawn.xgrid.grid_line_color = drawn.outline_line_color = None
        drawn.min_border_left = drawn.min_border_right = 8
        return drawn

    def change(self, data: Sequence[HealthPeriod]) -> None:
        """Other bars, and axes that hold them."""
        at = [hour.start.timestamp() * 1e3 for hour in data]
        top = [hour.mean_seconds * 1e3 for hour in data]
        most = max(max(top, default=0.0), 0.001)
        self._bars.data = {"left": at, "right": [one + 3_400_000 for one in at], "top": top}
        bad = [moment + 1_700_000 for moment, hour in zip(at, data, strict=True) if hour.failed]
        self._fails.data = {"x": bad, "y": [most * 1.08] * len(bad)}
        end = at[-1] + 3_600_000
        self._figure.x_range.update(start=min(at[0], end - LEAST) - 1_800_000, end=end)
        self._figure.y_range.update(start=0, end=most * 1.2)

    def twin(self, data: Sequence[HealthPeriod]) -> list[dict[str, Any]]:
        """Hours, the newest first."""
        return [
            {
                "id": to_text(hour.start),
                "at": to_text(hour.start),
                "mean": units.quick(hour.mean_seconds),
                "runs": units.number(hour.passed + hour.warned + hour.failed),
                "failed": units.number(hour.failed) if hour.failed else None,
            }
            for hour in reversed(data)
        ]


DAY = """
const day = {month: "short", day: "numeric"}
const options = tick % 86400000 ? {weekday: "short", hour: "2-digit", minute: "2-digit"} : day
return new Date(tick).toLocaleString([], options)
"""
