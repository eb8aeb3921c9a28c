"""ServiceList: services elsewhere with their circuits, error rates and latencies."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import panel as pn
import param

from claudia_core.resilience.breaker import Circuit
from claudia_core.services.processes import Process
from dashboards.cells import integrations as cells
from dashboards.live import LiveView
from dashboards.parts.frame.fields import Fields
from dashboards.parts.frame.rows import Column, Rows
from dashboards.parts.health.circuits import NONE

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
    Column("processes", "Processes", "figure", 4),
    Column("debugged", "Debugger", "text", 3),
)


class ServiceList(LiveView):
    """The services that processes call: those whose circuit is not closed first; of all together, or of one process."""

    process = param.String("", doc="The id of the process whose calls are shown; empty for all.")

    def __init__(
        self, claudia: Claudia, *, on_open: Callable[[str], None] | None = None, title: str = "",
        on_process: Callable[[str, str], None] | None = None, **params: Any,
    ) -> None:  # fmt: skip
        super().__init__(claudia, **params)
        opens = "here" if on_open else "there"
        self.fields = Fields(label="Whose calls", on_change=on_process or self._on_process, visible=False)
        self.table = Rows(COLUMNS, label="Services", title=title, opens=opens, on_open=on_open, zero=list(NONE))
        self.layout = pn.Column(self.fields, self.table, styles={"gap": "10px"}, sizing_mode="stretch_width", margin=0)

    def refresh(self) -> None:
        """Bring the list up to date."""
        choices = process_choices(self.claudia.processes.all(), self.process)
        items = [{"key": "process", "label": "Process", "value": self.process, "choices": choices}]
        if items != self.fields.items:
            self.fields.param.update(items=items, visible=len(choices) > 2 or bool(self.process))
        found = self.claudia.processes.services(self.process)
        made = sorted(found, key=lambda one: one.circuit is Circuit.CLOSED)
        self.table.put([cells.service_row(one) for one in made])

    def _on_process(self, _: str, process: str) -> None:
        self.process = process
        self.pull()


def process_choices(processes: Sequence[Process], chosen: str) -> list[list[str]]:
    """What to choose from; one that has ended is still named while it is chosen."""
    told = [[one.id, f"{one.name}{' (this one)' if one.is_here else ''}"] for one in processes]
    gone = [[chosen, "a process that has ended"]] if chosen and chosen not in dict(told) else []
    return [["", "all together"], *told, *gone]
