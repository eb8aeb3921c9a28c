"""HealthGraph: which check silences which while it fails, as a picture and as a table."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

import panel as pn
import param

from claudia_core.services.health import Standing
from dashboards.figures import health_graph
from dashboards.parts.frame.heading import markup
from dashboards.parts.frame.rows import Column, Rows
from dashboards.parts.frame.tiles import Tabs
from dashboards.theme import CARD, HEADING
from dashboards.theme.part import Part

COLUMNS = (
    Column("status", "State", "status"), Column("name", "Check", "link"), Column("after", "Depends on"),
    Column("silences", "Silences"),
)  # fmt: skip
NO_LINE = ("No check depends on another", 'Say so when one is registered: register("api", probe, after=["network"]).')
HEAD = "<h2>What silences what</h2><p>While the check on the left fails, those it leads to are silent.</p>"
AS_TABLE = {"key": "table", "label": "Show as table"}


class Graph(Part):
    """Boxes in columns with lines between them; each box is a link."""

    items = param.List(doc="Boxes: `label`, `word`, `mark`, `tone`, `x`, `y`, `href`.")
    lines = param.List(doc="Lines: `from` and `to` as places in `items`, and `on` where one is in force.")
    label = param.String("", doc="What the picture shows.")

    def __init__(self, *, on_open: Callable[[str], None], **params: Any) -> None:
        super().__init__(**{"sizing_mode": "stretch_width", **params})
        self._on_open = on_open

    def _on_message(self, data: Any) -> None:
        name = str(data.get("open", ""))
        if any(item["label"] == name for item in self.items):
            self._on_open(name)


class HealthGraph:
    """The picture, and a switch to the table; `put` brings both up to date."""

    def __init__(self, *, on_open: Callable[[str], None], styles: Mapping[str, str] | None = None) -> None:
        self.graph = Graph(label="Which check silences which", on_open=on_open)
        self.table = Rows(COLUMNS, label="Which check silences which", opens="here", on_open=on_open, visible=False)
        self.table.zero = list(NO_LINE)
        self.switch = Tabs(
            label="What silences what", items=[AS_TABLE], css_classes=["twin"], on_choose=self._on_switch
        )
        box = {**CARD, **(styles or {})}
        parts = (markup(HEAD, HEADING), self.graph, self.table, self.switch)
        self.layout = pn.Column(*parts, styles=box, sizing_mode="stretch_width", margin=0)
        self._as_table = False

    def put(self, standings: Sequence[Standing], now: datetime) -> None:
        """Show these checks."""
        found = health_graph.graph(standings, now)
        if (found["boxes"], found["lines"]) != (self.graph.items, self.graph.lines):
            self.graph.param.update(items=found["boxes"], lines=found["lines"])
        none = not found["boxes"]
        self.table.put(health_graph.twin_rows(standings, now), NO_LINE)
        self.table.visible = none or self._as_table
        self.graph.visible = not self.table.visible
        self.switch.visible = not none

    def _on_switch(self, _: str) -> None:
        self._as_table = not self._as_table
        self.switch.value = AS_TABLE["key"] if self._as_table else ""
        self.table.visible, self.graph.visible = self._as_table, not self._as_table
