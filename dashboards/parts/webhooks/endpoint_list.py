"""EndpointList: where webhooks go, and whether they arrive."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from claudia_core.ports import Query
from dashboards.cells import webhooks as cells
from dashboards.live import LiveView
from dashboards.parts.frame.rows import Column, Rows

if TYPE_CHECKING:
    from claudia_core import Claudia

COLUMNS = (
    Column("status", "State", "status"),
    Column("name", "Endpoint", "link"),
    Column("events", "Events", "tags", 2),
    Column("waiting", "Waiting", "figure"),
    Column("failing", "Failing since", "ago", 2),
)
FIRST_STEPS = """endpoint, secret = claudia.webhooks.create("https://ci.example/hooks", events=["task:failed"])
claudia.webhooks.test(endpoint.id)"""
NO_ENDPOINT = ("No endpoint yet", "Name one, and it is told of events with a signature:", FIRST_STEPS)
MOST_COUNTED = 1_000
MOST_SHOWN = 100
PAUSE = 1.5
"""Seconds for which the list is not asked for again, however much happens."""


class EndpointList(LiveView):
    """Endpoints by name, those that fail first, each with how many deliveries wait for it."""

    def __init__(
        self, claudia: Claudia, *, on_open: Callable[[str], None] | None = None, title: str = "", **params: Any
    ) -> None:
        super().__init__(claudia, **params)
        opens = "here" if on_open else "there"
        self.table = Rows(
            COLUMNS, label="Webhook endpoints", title=title, opens=opens, on_open=on_open, zero=list(NO_ENDPOINT)
        )
        self.layout = self.table
        self._at = float("-inf")

    def refresh(self) -> None:
        """Ask for the endpoints, unless that was just now."""
        now = time.monotonic()
        if now - self._at < PAUSE:
            return
        self._at = now
        found = sorted(self.claudia.webhooks.list(), key=lambda one: one.failing_since is None)[:MOST_SHOWN]
        self.table.put([cells.endpoint_row(one, waiting(self.claudia, one.id), MOST_COUNTED) for one in found])

    def again(self) -> None:
        """Ask at the next refresh."""
        self._at = float("-inf")


def waiting(claudia: Claudia, endpoint_id: str) -> int:
    """How many deliveries wait for an endpoint; counting stops at 1,000."""
    pending = Query("deliveries", {"endpoint_id": endpoint_id, "status": "pending"})
    return claudia.store.count(pending, MOST_COUNTED)
