"""QueueList: what waits for agents, type by type, and what no agent can run."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from claudia_core.services.tasks.queues import Queue
from dashboards.cells import agents as cells
from dashboards.live import LiveView
from dashboards.parts.frame.rows import Column, Rows

if TYPE_CHECKING:
    from claudia_core import Claudia

COLUMNS = (
    Column("status", "State", "status"),
    Column("name", "Type", "link"),
    Column("waiting", "Waiting", "figure"),
    Column("oldest", "Oldest", "ago"),
    Column("delayed", "Not due", "figure", 3),
    Column("running", "Running", "figure"),
    Column("agents", "Agents", "figure", 2),
    Column("places", "Places", "figure", 2),
)
EMPTY = ("No queue", "Tasks that wait for an agent are counted here by type; so are the types that agents take.")
PAUSE = 0.8
"""Seconds for which the queues are not asked for again, however much happens."""


class QueueList(LiveView):
    """How much of each type waits and since when, and how many agents can run it; those first that nobody takes."""

    def __init__(self, claudia: Claudia, *, title: str = "Queues", **params: Any) -> None:
        super().__init__(claudia, **params)
        self.queues: list[Queue] = []
        self.table = Rows(COLUMNS, label="Queues", title=title, zero=list(EMPTY))
        self.layout = self.table
        self._at = float("-inf")

    def refresh(self) -> None:
        """Ask for the queues, unless that was just now."""
        now = time.monotonic()
        if now - self._at < PAUSE:
            return
        self.queues = self.claudia.queues.list()
        self.table.put(cells.queue_rows(self.queues))
        self._at = now

    def again(self) -> None:
        """Ask at the next refresh."""
        self._at = float("-inf")
