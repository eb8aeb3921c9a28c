"""KpiRow: the hub's key figures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dashboards.beat.glance import glance
from dashboards.live import LiveView
from dashboards.parts.frame.tiles import Tiles

if TYPE_CHECKING:
    from claudia_core import Claudia


class KpiRow(LiveView):
    """What runs, failed and completed, and how long that typically takes, beside the same hour of yesterday."""

    def __init__(self, claudia: Claudia, **params: Any) -> None:
        super().__init__(claudia, **params)
        self.tiles = Tiles(items=self._items())
        self.layout = self.tiles

    def refresh(self) -> None:
        """Bring the figures up to date."""
        items = self._items()
        if items != self.tiles.items:
            self.tiles.share(items=items)

    def _items(self) -> list[dict[str, Any]]:
        return glance(self.claudia).figures
