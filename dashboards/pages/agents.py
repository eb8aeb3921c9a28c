"""Agents: who runs tasks, how full they are, what each is doing, and what waits that nobody takes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import panel as pn
import param

from claudia_core.model.times import utc_now
from dashboards.cells import agents as agent_cells
from dashboards.live import Page
from dashboards.parts.agents.agent_actions import AgentActions
from dashboards.parts.agents.agent_detail import AgentDetail
from dashboards.parts.agents.agent_grid import STATES, AgentGrid
from dashboards.parts.agents.queue_list import QueueList
from dashboards.parts.frame.heading import heading, heading_html
from dashboards.parts.frame.tiles import Tabs, Tiles
from dashboards.theme import CARD

if TYPE_CHECKING:
    from claudia_core import Claudia

CHOICES = (
    {"key": "", "label": "All"},
    {"key": "online", "label": "Online", "mark": "✔"},
    {"key": "lost", "label": "Lost", "mark": "✖"},
    {"key": "offline", "label": "Ended", "mark": "○"},
)
COLUMN: dict[str, Any] = {"styles": {"gap": "16px"}, "sizing_mode": "stretch_width", "margin": 0}


class AgentsPage(Page):
    """Every agent with its load, tasks, throughput, memory and heartbeat; queues by type; and one agent in detail."""

    status: Any = param.Selector(default="", objects=list(STATES), doc="Only agents like this; empty for all.")
    id = param.String("", doc="The agent shown in detail; empty for the list.")

    ADDRESS: ClassVar[tuple[str, ...]] = ("status", "id")

    def __init__(self, claudia: Claudia, **params: Any) -> None:
        super().__init__(claudia, title="Agents", **params)
        self.heading = heading("Agents", level=1)
        self.tiles = Tiles(label="Figures of all agents")
        self.tabs = Tabs(label="State", on_choose=self._on_status, items=[dict(one) for one in CHOICES])
        self.actions = AgentActions(claudia, lambda: self.agents.picked, self.say, self._on_done)
        self.agents = AgentGrid(claudia, on_open=self._on_open, on_pick=self.actions.offer)
        self.queues = QueueList(claudia)
        self.detail: AgentDetail | None = None
        box = pn.Column(
            self.tabs, self.actions.layout, self.agents.layout, styles={**CARD, "gap": "10px"},
            sizing_mode="stretch_width", margin=0,
        )  # fmt: skip
        self.listing = pn.Column(self.heading, self.tiles, box, self.queues.layout, self.actions.dialogs, **COLUMN)
        self.single = pn.Column(sizing_mode="stretch_width", margin=0, visible=False)
        self.layout = pn.Column(self.listing, self.single, sizing_mode="stretch_width", margin=0)

    def refresh(self) -> None:
        """Show the chosen agent, or else all of them."""
        self.listing.visible, self.single.visible = not self.id, bool(self.id)
        if self.id:
            self._refresh_detail()
            return
        self.title = "Agents"
        if self.agents.state != self.status:
            self.agents.table.unpick()  # what is selected belongs to what is seen
        self.agents.state = self.status
        self.agents.refresh()
        self.queues.refresh()
        self.actions.offer()
        self._show_figures()

    def _show_figures(self) -> None:
        agents, queues = self.agents.agents, self.queues.queues
        tone, words = agent_cells.verdict(agents, queues, utc_now())
        self.heading.object = heading_html("Agents", words, tone, level=1)
        items = agent_cells.tiles(agents, queues, self.agents.busy)
        if items != self.tiles.items:
            self.tiles.items = items
        counts = self.agents.counts()
        choices = [{**one, "count": str(counts[one["key"]])} for one in CHOICES]
        if (choices, self.status) != (self.tabs.items, self.tabs.value):
            self.tabs.param.update(items=choices, value=self.status)

    def _refresh_detail(self) -> None:
        if self.detail is None:  # most visits never see one
            self.detail = AgentDetail(self.claudia, say=self.say)
            back = [{"key": "back", "label": "← All agents"}]
            self.single.objects = [
                Tabs(label="Back", items=back, on_choose=self._on_back, css_classes=["back"]),
                self.detail.layout,
            ]
        self.detail.agent_id = self.id
        self.detail.refresh()
        self.title = self.detail.name_shown[:100]

    def _on_done(self) -> None:
        self.agents.table.unpick()
        self.agents.again()
        self.queues.again()
        self.pull()

    def _on_status(self, status: str) -> None:
        self.status = status

    def _on_open(self, id: str) -> None:
        self.id = id

    def _on_back(self, _: str) -> None:
        self.id = ""


if __name__.startswith("bokeh_app_"):  # panel serve dashboards/pages/agents.py
    from dashboards import serve_here

    serve_here(AgentsPage)
