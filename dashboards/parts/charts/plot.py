"""Plot: stacked bars or lines over time, drawn by the browser from a few numbers, with the same as a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, ClassVar

import param

from dashboards.live import LiveView
from dashboards.parts.frame.rows import Column
from dashboards.theme.part import Part

if TYPE_CHECKING:
    from claudia_core import Claudia

type Point = list[float | None]
"""A stretch of time: when it begins (Unix seconds), and a value for each further column; None where there is none."""


class Plot(Part):
    """A box with a heading, what the colours mean, the drawing and a button for the table."""

    title = param.String("", doc="The heading.")
    label = param.String("", doc="What the table holds, for those who hear it.")
    kind: Any = param.Selector(default="stack", objects=["stack", "lines"], doc="How values are drawn.")
    unit: Any = param.Selector(default="", objects=["", "s"], doc="What drawn values count: things, or seconds.")
    step = param.Integer(60, doc="Seconds of a point.")
    columns = param.List(doc="Columns as plain dicts of `Column`; the first is the time.")
    series = param.List(doc="The columns that are drawn, in this order: `key`, `name`, `colour`.")
    shown = param.List(doc="The points, oldest first.")
    zero = param.List(doc="Title and text for having nothing to draw.")


class PlotView(LiveView):
    """A plot that follows a hub. A kind of it tells by its class what is drawn, and gives `points`."""

    TITLE: ClassVar[str] = ""
    KIND: ClassVar[str] = "stack"
    UNIT: ClassVar[str] = ""
    STEP: ClassVar[int] = 60
    COLUMNS: ClassVar[Sequence[Column]] = ()
    SERIES: ClassVar[Sequence[Mapping[str, str]]] = ()
    TWIN: ClassVar[str] = ""
    QUIET: ClassVar[Sequence[str]] = ()

    __abstract = True

    def __init__(self, claudia: Claudia, *, styles: Mapping[str, str] | None = None, **params: Any) -> None:
        super().__init__(claudia, **params)
        self.plot = Plot(
            title=self.TITLE,
            label=self.TWIN,
            kind=self.KIND,
            unit=self.UNIT,
            step=self.STEP,
            columns=[asdict(column) for column in self.COLUMNS],
            series=list(self.SERIES),
            shown=self.points(),
            zero=list(self.QUIET),
            styles=dict(styles or {}),
            sizing_mode="stretch_width",
        )
        self.layout = self.plot

    def refresh(self) -> None:
        """Bring the plot up to date."""
        points = self.points()
        if points != self.plot.shown:
            self.plot.share(shown=points)

    def points(self) -> list[Point]:
        """What there is to draw now. Others may show the same list: nobody changes it."""
        raise NotImplementedError

    def twin(self) -> list[dict[str, Any]]:
        """The same as rows of a table, for a report."""
        raise NotImplementedError
