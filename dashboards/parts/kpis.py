"""KpiRow: the hub's key figures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dashboards import frames
from dashboards.live import LiveView
from dashboards.parts.tiles import Tiles

if TYPE_CHECKING:
    from claudia_core import Claudia


class KpiRow(LiveView):
    """What runs, failed, completed and ended per minute, and the errors of the last hour."""

    def __init__(self, claudia: Claudia, **params: Any) -> None:
        super().__init__(claudia, **params)
        self.tiles = Tiles(items=frames.key_figures(claudia.boards.tasks.picture()))
        self.layout = self.tiles

    def refresh(self) -> None:
        """Bring the figures up to date."""
        items = frames.key_figures(self.claudia.boards.tasks.picture())
        if items != self.tiles.items:
            self.tiles.items = items
