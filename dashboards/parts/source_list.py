"""SourceList: services elsewhere that tell this hub events, and where they post them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dashboards import webhook_cells as cells
from dashboards.live import LiveView
from dashboards.parts.rows import Column, Rows

if TYPE_CHECKING:
    from claudia_core import Claudia

COLUMNS = (
    Column("name", "Source", "link"),
    Column("scheme", "Signature"),
    Column("event", "Becomes the event"),
    Column("subject", "About", "text", 2),
    Column("at", "Made", "ago", 3),
)
FIRST_STEPS = """claudia.hooks.create("github", "github", ["the secret that is set there"])
# then let it post to /api/v1/hooks/github"""
NO_SOURCE = ("No source yet", "Name one, and what it posts with its signature becomes events:", FIRST_STEPS)


class SourceList(LiveView):
    """Sources by name with the address they post to; their secrets are not shown."""

    def __init__(self, claudia: Claudia, *, title: str = "", **params: Any) -> None:
        super().__init__(claudia, **params)
        self.table = Rows(COLUMNS, label="Sources of webhooks", title=title, zero=list(NO_SOURCE))
        self.layout = self.table

    def refresh(self) -> None:
        """Bring the list up to date."""
        self.table.put(cells.source_rows(self.claudia.hooks.list()))
