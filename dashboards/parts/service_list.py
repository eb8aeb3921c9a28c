"""ServiceList: services elsewhere with their circuits, error rates and latencies."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from claudia_core.resilience.breaker import Circuit
from dashboards import integration_cells as cells
from dashboards.live import LiveView
from dashboards.parts.circuits import NONE
from dashboards.parts.rows import Column, Rows

if TYPE_CHECKING:
    from claudia_core import Claudia

COLUMNS = (
    Column("status", "Circuit", "status"),
    Column("name", "Service", "link"),
    Column("calls", "Calls", "figure", 2),
    Column("rate", "Errors", "figure"),
    Column("p50", "p50", "figure", 3),
    Column("p95", "p95", "figure"),
    Column("p99", "p99", "figure", 3),
    Column("flight", "Under way", "figure", 4),
    Column("failed", "Failed last", "ago", 2),
    Column("debugged", "Debugger", "text", 3),
)


class ServiceList(LiveView):
    """The services that this process calls: those whose circuit is not closed first."""

    def __init__(
        self, claudia: Claudia, *, on_open: Callable[[str], None] | None = None, title: str = "", **params: Any
    ) -> None:
        super().__init__(claudia, **params)
        opens = "here" if on_open else "there"
        self.table = Rows(COLUMNS, label="Services", title=title, opens=opens, on_open=on_open, zero=list(NONE))
        self.layout = self.table

    def refresh(self) -> None:
        """Bring the list up to date."""
        debugger = self.claudia.integrations.debugger
        made = sorted(self.claudia.integrations.all(), key=lambda one: one.breaker.circuit is Circuit.CLOSED)
        self.table.put([cells.service_row(one, debugged=debugger.is_on(one.name)) for one in made])
