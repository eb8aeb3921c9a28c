"""SourceList: services elsewhere that tell this hub events, and where they post them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from dashboards.cells import webhooks as cells
from dashboards.live import LiveView
from dashboards.parts.frame.rows import Column, Rows

if TYPE_CHECKING:
    from claudia_core import Claudia

COLUMNS = (
    Column("name", "Source", "link"),
    Column("scheme", "Signature"),
    Column("event", "Becomes the event"),
    Column("subject", "About", "text", 3),
    Column("messages", "Messages", "figure"),
    Column("errors", "Refused", "figure"),
    Column("failed", "Refused last", "ago", 2),
    Column("at", "Made", "ago", 4),
)
FIRST_STEPS = """claudia.hooks.create("github", "github", ["the secret that is set there"])
# then let it post to /api/v1/hooks/github"""
NO_SOURCE = ("No source yet", "Name one, and what it posts with its signature becomes events:", FIRST_STEPS)


class SourceList(LiveView):
    """Sources by name with the address they post to, and how many messages the processes took and refused.

    Their secrets are not shown.
    """

    def __init__(
        self, claudia: Claudia, *, on_open: Callable[[str], None] | None = None, title: str = "", **params: Any
    ) -> None:
        super().__init__(claudia, **params)
        self.table = Rows(
            COLUMNS, label="Sources of webhooks", title=title, zero=list(NO_SOURCE), on_open=on_open,
            opens="here" if on_open else "",
        )  # fmt: skip
        self.layout = self.table

    def refresh(self) -> None:
        """Bring the list up to date."""
        figures = {one.name: one.figures for one in self.claudia.processes.services()}
        self.table.put(cells.source_rows(self.claudia.hooks.list(), figures))
