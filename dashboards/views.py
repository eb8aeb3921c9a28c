"""Pages and parts by name: what `claudia.show("tasks")` finds."""

from __future__ import annotations

import html
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import panel as pn

from claudia_core.errors import InvalidValue
from claudia_core.tracking.display import in_notebook
from dashboards import PAGES, PageSpec
from dashboards.parts.frame.cell import InCell

if TYPE_CHECKING:
    from claudia_core import Claudia
    from dashboards.live import LiveView

PARTS: Mapping[str, str] = {
    "agent": "dashboards.parts.agents.agent_detail:AgentDetail",
    "agent-grid": "dashboards.parts.agents.agent_grid:AgentGrid",
    "agent-strip": "dashboards.parts.agents.agent_strip:AgentStrip",
    "issue": "dashboards.parts.errors.issue_detail:IssueDetail",
    "issues": "dashboards.parts.errors.issue_list:IssueList",
    "durations": "dashboards.parts.charts.durations:DurationChart",
    "events-list": "dashboards.parts.events.event_list:EventList",
    "check": "dashboards.parts.health.health_detail:HealthDetail",
    "checks": "dashboards.parts.health.health_list:HealthList",
    "deliveries": "dashboards.parts.webhooks.delivery_list:DeliveryList",
    "health-strip": "dashboards.parts.health.health_strip:HealthStrip",
    "kpis": "dashboards.parts.charts.kpis:KpiRow",
    "progress": "dashboards.parts.charts.bar:ProgressBar",
    "queues": "dashboards.parts.agents.queue_list:QueueList",
    "table": "dashboards.parts.tasks.task_table:TaskTable",
    "task": "dashboards.parts.tasks.task_detail:TaskDetail",
    "throughput": "dashboards.parts.charts.throughput:ThroughputChart",
    "timeline": "dashboards.parts.tasks.timeline:TaskTimeline",
    "trends": "dashboards.parts.charts.trends:TrendTable",
}
"""The parts that can be shown alone, as `module:class`. A page of the same name comes first."""


def views() -> dict[str, PageSpec]:
    """Everything that can be shown, by name, in the order of the alphabet."""
    parts = {name: PageSpec("", target, name.capitalize(), "") for name, target in PARTS.items()}
    pages = {spec.path.strip("/") or "overview": spec for spec in PAGES}
    return dict(sorted({**parts, **pages}.items()))


def view(claudia: Claudia, name: str = "overview", **params: Any) -> Any:
    """A page or part that follows the hub; `params` are those of its class, such as `status="failed"`.

    In a notebook what leads to a task opens it in the same cell. A hub elsewhere shows its pages itself: for such a one
    it is a link.

    Raises:
        InvalidValue: there is none of that name; the hint lists the names.
    """
    known = views()
    if name not in known:
        raise InvalidValue(f"there is no view {name!r:.80}", field="name", hint=f"use {', '.join(known)}")
    if in_notebook() and not pn.extension._loaded:
        pn.extension()
    if claudia.store.url.startswith(("http://", "https://")):
        return link(claudia.store.url, known[name].path, params)
    made: LiveView = known[name].load()(claudia, **params)
    return InCell(made) if in_notebook() else made


def link(hub: str, path: str, params: Mapping[str, Any]) -> pn.pane.HTML:
    """The way to a page of a hub elsewhere, which shows its pages itself; a part or a task has its place on one."""
    if "task_id" in params:
        path, params = "/tasks", {"id": params["task_id"]}
    query = {name.removesuffix("_prefix"): value for name, value in params.items() if isinstance(value, str)}
    address = html.escape(f"{hub.rstrip('/')}{path}{'?' if query else ''}{urlencode(query)}")
    return pn.pane.HTML(f'<a href="{address}" target="_blank" rel="noopener">{address}</a>')
