"""TrendTable: how it goes, beside yesterday."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dashboards.beat.glance import glance
from dashboards.live import LiveView
from dashboards.parts.frame.rows import Column, Rows

if TYPE_CHECKING:
    from collections.abc import Mapping

    from claudia_core import Claudia

COLUMNS = (
    Column("what", ""),
    Column("hour", "Last hour", "figure"),
    Column("yesterday", "Yesterday", "figure"),
    Column("moved", "Change", "figure"),
    Column("day", "24 h, per hour", "figure", 2),
    Column("before", "24 h before", "figure", 2),
    Column("turned", "Change", "figure", 2),
)
NO_YESTERDAY = (
    "Nothing to compare with yet",
    "From the second day on, this hour stands beside the same hour of yesterday.",
)


class TrendTable(LiveView):
    """What ended and how long it took: the last hour beside that of yesterday, and 24 hours beside the 24 before."""

    def __init__(self, claudia: Claudia, *, styles: Mapping[str, str] | None = None, **params: Any) -> None:
        super().__init__(claudia, **params)
        self.table = Rows(
            COLUMNS, label="Rates beside yesterday's", title="Beside yesterday", styles=dict(styles or {})
        )
        self.layout = self.table

    def refresh(self) -> None:
        """Bring the table up to date."""
        self.table.put(glance(self.claudia).compared, NO_YESTERDAY)
