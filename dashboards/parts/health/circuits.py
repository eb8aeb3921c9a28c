"""CircuitList: the services elsewhere that are called, and whether they are left alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dashboards.cells import integrations as integration_cells
from dashboards.live import LiveView
from dashboards.parts.frame.rows import Column, Rows

if TYPE_CHECKING:
    from claudia_core import Claudia

COLUMNS = (
    Column("status", "Circuit", "status"),
    Column("name", "Service", "link"),
    Column("retry", "Tried again", "left", 2),
    Column("calls", "Calls", "figure", 2),
    Column("errors", "Errors", "figure"),
    Column("refused", "Not called", "figure", 2),
    Column("failed", "Failed last", "ago"),
)
SAMPLE = 'with claudia.integration("github") as call:\n    answer = client.get("/user/repos", timeout=call.remaining)'
NONE = ("No service is called yet", "Calls made through the hub are guarded by a circuit:", SAMPLE)


class CircuitList(LiveView):
    """Circuits of all processes on the store, those that are open first."""

    def __init__(self, claudia: Claudia, *, title: str = "Circuit breakers", **params: Any) -> None:
        super().__init__(claudia, **params)
        self.table = Rows(COLUMNS, label="Circuit breakers", title=title, zero=list(NONE))
        self.layout = self.table

    def refresh(self) -> None:
        """Bring the list up to date."""
        self.table.put(integration_cells.circuit_rows(self.claudia.processes.services()))
