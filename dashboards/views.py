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
from dashboards.parts.cell import InCell

if TYPE_CHECKING:
    from claudia_core import Claudia
    from dashboards.live import LiveView

PARTS: Mapping[str, str] = {
    "agent": "dashboards.parts.agent_detail:AgentDetail",
    "agent-grid": "dashboards.parts.agent_grid:AgentGrid",
    "agent-strip": "dashboards.parts.agent_strip:AgentStrip",
    "issue": "dashboards.parts.issue_detail:IssueDetail",
    "issues": "dashboards.parts.issue_list:IssueList",
    "durations": "dashboards.parts.durations:DurationChart",
    "events-list": "dashboards.parts.events:EventList",
    "check": "dashboards.parts.health_detail:HealthDetail",
    "checks": "dashboards.parts.health_list:HealthList",
    "deliveries": "dashboards.parts.delivery_list:DeliveryList",
    "health-strip": "dashboards.parts.health_strip:HealthStrip",
    "kpis": "dashboards.parts.kpis:KpiRow",
    "progress": "dashboards.parts.bar:ProgressBar",
    "queues": "dashboards.parts.queue_list:QueueList",
    "table": "dashboards.parts.task_table:TaskTable",
    "task": "dashboards.parts.task_detail:TaskDetail",
    "throughput": "dashboards.parts.throughput:ThroughputChart",
    "timeline": "dashboards.parts.timeline:TaskTimeline",
    "trends": "dashboards.parts.trends:TrendTable",
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
