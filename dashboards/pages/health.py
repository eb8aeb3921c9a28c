"""Health: is what the work depends on well, since when not, and what silences what?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import panel as pn
import param

from claudia_core.model.times import utc_now
from dashboards.cells import health as health_cells
from dashboards.live import Page
from dashboards.parts.frame.heading import heading, heading_html
from dashboards.parts.frame.tiles import Tabs
from dashboards.parts.health.circuits import CircuitList
from dashboards.parts.health.health_detail import HealthDetail
from dashboards.parts.health.health_graph import HealthGraph
from dashboards.parts.health.health_list import STATES, HealthList
from dashboards.parts.health.health_run import RunNow
from dashboards.theme import CARD

if TYPE_CHECKING:
    from claudia_core import Claudia

CHOICES = (
    {"key": "", "label": "All"},
    {"key": "fail", "label": "Fail", "mark": "✖"},
    {"key": "warn", "label": "Warn", "mark": "▲"},
    {"key": "pass", "label": "Pass", "mark": "✔"},
    {"key": "silenced", "label": "Silenced", "mark": "◌"},
    {"key": "other", "label": "Not run", "mark": "?"},
)
HEAD = {"align-items": "center", "flex-wrap": "wrap", "gap": "10px"}


class HealthPage(Page):
    """Every check with its latency and its last 90 days, what silences what, circuits; and one check in detail."""

    status: Any = param.Selector(default="", objects=list(STATES), doc="Only checks like this; empty for all.")
    id = param.String("", doc="The check shown in detail; empty for the list.")

    ADDRESS: ClassVar[tuple[str, ...]] = ("status", "id")

    def __init__(self, claudia: Claudia, **params: Any) -> None:
        super().__init__(claudia, title="Health", **params)
        self.heading = heading("Health", level=1)
        self.heading.styles = {"flex": "1 1 260px", "min-width": "min(260px, 100%)"}
        self.run = RunNow(claudia, "Run all now", lambda: None, self.say, self._on_done)
        self.tabs = Tabs(label="State", on_choose=self._on_status, items=[dict(one) for one in CHOICES])
        self.checks = HealthList(claudia, on_open=self._on_open)
        self.graph = HealthGraph(on_open=self._on_open)
        self.circuits = CircuitList(claudia)
        self.detail: HealthDetail | None = None
        head = pn.Row(self.heading, self.run.button, styles=HEAD, sizing_mode="stretch_width", margin=0)
        box = pn.Column(
            self.tabs, self.checks.layout, styles={**CARD, "gap": "10px"}, sizing_mode="stretch_width", margin=0
        )
        parts = (head, box, self.graph.layout, self.circuits.layout)
        self.listing = pn.Column(*parts, styles={"gap": "16px"}, sizing_mode="stretch_width", margin=0)
        self.single = pn.Column(sizing_mode="stretch_width", margin=0, visible=False)
        self.layout = pn.Column(self.listing, self.single, sizing_mode="stretch_width", margin=0)

    def refresh(self) -> None:
        """Show the chosen check, or else all of them."""
        self.listing.visible, self.single.visible = not self.id, bool(self.id)
        if self.id:
            self._refresh_detail()
            return
        self.title = "Health"
        self.checks.state = self.status
        self.checks.refresh()
        now = utc_now()
        tone, words = health_cells.verdict(self.checks.standings, now)
        self.heading.object = heading_html("Health", words, tone, level=1)
        counts = self.checks.counts()
        items = [{**one, "count": str(counts[one["key"]])} for one in CHOICES]
        if (items, self.status) != (self.tabs.items, self.tabs.value):
            self.tabs.param.update(items=items, value=self.status)
        self.graph.put(self.checks.standings, now)
        self.circuits.refresh()

    def _refresh_detail(self) -> None:
        if self.detail is None:  # most visits never see one
            self.detail = HealthDetail(self.claudia, on_open=self._on_open, say=self.say)
            back = [{"key": "back", "label": "← All checks"}]
            self.single.objects = [
                Tabs(label="Back", items=back, on_choose=self._on_back, css_classes=["back"]),
                self.detail.layout,
            ]
        self.detail.check = self.id
        self.detail.refresh()
        self.title = self.id[:100]

    def _on_done(self) -> None:
        self.checks.again()
        self.pull()

    def _on_status(self, status: str) -> None:
        self.status = status

    def _on_open(self, name: str) -> None:
        self.id = name

    def _on_back(self, _: str) -> None:
        self.id = ""


if __name__.startswith("bokeh_app_"):  # panel serve dashboards/pages/health.py
    from dashboards import serve_here

    serve_here(HealthPage)
