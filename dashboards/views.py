"""Pages and parts by name: what `claudia.show("tasks")` finds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import panel as pn

from claudia_core.errors import InvalidValue
from claudia_core.tracking.display import in_notebook
from dashboards import PAGES, PageSpec

if TYPE_CHECKING:
    from claudia_core import Claudia
    from dashboards.live import LiveView

PARTS: Mapping[str, str] = {
    "events": "dashboards.parts.events:EventList",
    "kpis": "dashboards.parts.kpis:KpiRow",
    "progress": "dashboards.parts.bar:ProgressBar",
    "table": "dashboards.parts.task_table:TaskTable",
    "task": "dashboards.parts.task_detail:TaskDetail",
    "throughput": "dashboards.parts.throughput:ThroughputChart",
}
"""The parts that can be shown alone, as `module:class`. A page of the same name comes first."""


def views() -> dict[str, PageSpec]:
    """Everything that can be shown, by name, in the order of the alphabet."""
    parts = {name: PageSpec("", target, name.capitalize(), "") for name, target in PARTS.items()}
    pages = {spec.path.strip("/") or "overview": spec for spec in PAGES}
    return dict(sorted({**parts, **pages}.items()))


def view(claudia: Claudia, name: str = "overview", **params: Any) -> LiveView:
    """A page or part that follows the hub; `params` are those of its class, such as `status="failed"`.

    Raises:
        InvalidValue: there is none of that name; the hint lists the names.
    """
    known = views()
    if name not in known:
        raise InvalidValue(f"there is no view {name!r:.80}", field="name", hint=f"use {', '.join(known)}")
    if in_notebook() and not pn.extension._loaded:
        pn.extension()
    made: LiveView = known[name].load()(claudia, **params)
    return made
