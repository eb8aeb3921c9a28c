"""ProgressChart: how far one task had come at what time, and what it said on the way."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import param

from dashboards.figures.course import TYPES, Course
from dashboards.parts.charts.chart import HEIGHT, Chart, clock_axis
from dashboards.parts.frame.rows import Column, Rows
from dashboards.theme import CHART_COLOURS

if TYPE_CHECKING:
    from claudia_core import Claudia

type Data = tuple[int, Course, int]

AT_ONCE = 2_000
"""Most events read in one refresh; the chart of a task with more fills up over the next ones."""

STEP = 10
"""Seconds after which the line of a task that runs goes on to the present, though nothing was heard of it."""

LINE = "#3b82f6"
COLUMNS = (Column("at", "When", "ago"), Column("says", "Message", "words"))


class ProgressChart(Chart):
    """A line of one task's progress, with the same as a table; `messages` lists what it said, newest first.

    While the task runs the line goes on to the present: where nothing was heard for long, it is flat.
    """

    TITLE = "Progress over time"
    TWIN = "Progress over time, as a table"
    QUIET = ("No progress yet", "The line begins when the task notes its first step.")
    COLUMNS = (Column("at", "When", "when"), Column("done", "Done"))

    subject = param.String("", doc="The task's id.")

    def __init__(self, claudia: Claudia, **params: Any) -> None:
        super().__init__(claudia, **params)
        self.messages = Rows(COLUMNS, label="Messages", title="Messages", visible=False)
        self._course = Course()
        self._of = ""
        self._position = 0
        self._folded = 0
        self._is_behind = False

    def refresh(self) -> None:
        """Read what happened since, and bring chart and messages up to date."""
        if self.subject != self._of:
            self._course, self._of, self._position = Course(), self.subject, 0
            self._folded += 1
        found = self.claudia.store.events(self._position, AT_ONCE, types=TYPES, subject=self.subject)
        if found.events:
            self._course.add(found.events)
            self._folded += 1
        self._position = found.position
        self._is_behind = len(found.events) == AT_ONCE
        self.messages.put(self._course.messages)
        self.messages.visible = bool(self._course.messages)
        super().refresh()

    @property
    def is_waiting(self) -> bool:
        """Whether there is more to read, or the chart is still to be drawn."""
        return self._is_behind or (self._figure is None and not self.is_quiet(self.pull_data()))

    def pull_data(self) -> Data:
        """The course, how often something was folded in, and for a task that runs the time."""
        return self._folded, self._course, 0 if self._course.is_over else int(time.time() // STEP)

    def is_quiet(self, data: Data) -> bool:
        """Whether there is no line to draw."""
        return len(data[1].at) < 2 or not any(data[1].done)

    def draw(self, data: Data) -> Any:
        """The line, above its own shade, and the total as a dashed one."""
        from bokeh.models import ColumnDataSource, DatetimeTicker, Range1d
        from bokeh.models.annotations import Span
        from bokeh.plotting import figure

        self._source = ColumnDataSource({"at": [], "done": []})
        drawn = figure(
            height=HEIGHT, sizing_mode="stretch_width", toolbar_location=None, tools="", x_axis_type="datetime",
            y_axis_label=data[1].unit[:30], x_range=Range1d(), y_range=Range1d(),
        )  # fmt: skip
        drawn.varea("at", "done", 0, source=self._source, color=LINE, alpha=0.15)
        drawn.line("at", "done", source=self._source, color=LINE, line_width=2)
        self._total = Span(dimension="width", location=0, line_dash="dashed", line_color=CHART_COLOURS["completed"])
        drawn.add_layout(self._total)
        clock_axis(drawn)
        drawn.xaxis.ticker = DatetimeTicker(desired_num_ticks=3)
        drawn.background_fill_alpha = drawn.border_fill_alpha = 0
        return drawn

    def change(self, data: Data) -> None:
        """Other points, and axes that hold them."""
        course = data[1]
        now = [] if course.is_over else [max(time.time() * 1e3, course.at[-1])]
        at = [*course.at, *now]
        self._source.data = {"at": at, "done": [*course.done, *course.done[-1:] * len(now)]}
        highest = max([*course.done, course.total or 0, 1e-9])
        if self._figure is not None:
            self._figure.x_range.update(start=at[0], end=max(at[-1], at[0] + 1000))
            self._figure.y_range.update(start=0, end=highest * 1.08)
        self._total.update(location=course.total or 0, visible=bool(course.total))

    def twin(self, data: Data) -> list[dict[str, Any]]:
        """Some thirty points, the newest first."""
        return data[1].twin()
