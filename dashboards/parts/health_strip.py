"""HealthStrip: how all checks stand, in a line."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import param

from claudia_core.model.times import utc_now
from dashboards import health_cells
from dashboards.live import LiveView
from dashboards.theme.part import Part

if TYPE_CHECKING:
    from claudia_core import Claudia

PAUSE = 2.0
"""Seconds for which checks are not asked for again."""

MOST = 30


class Strip(Part):
    """States at a glance, each a link."""

    items = param.List(doc="Chips: `label`, `word`, `mark`, `tone`, `hint`, `href`.")
    label = param.String("Health", doc="What the states are of.")

    def __init__(self, **params: Any) -> None:
        super().__init__(**{"sizing_mode": "stretch_width", "margin": 0, **params})


class HealthStrip(LiveView):
    """A chip for each check, those that are not well first; nothing where none was ever run."""

    def __init__(self, claudia: Claudia, **params: Any) -> None:
        super().__init__(claudia, **params)
        self.strip = Strip(visible=False)
        self.layout = self.strip
        self._items: list[dict[str, Any]] = []
        self._at = float("-inf")

    def prepare(self) -> bool:
        """Ask how the checks stand, unless that was just now."""
        if time.monotonic() - self._at >= PAUSE:
            self._at = time.monotonic()
            ran = [one for one in self.claudia.health.standings() if one.at is not None]
            self._items = health_cells.strip_items(ran, utc_now())[:MOST]
        return True

    def refresh(self) -> None:
        """Show how they stand."""
        self.prepare()
        items = self._items
        if items != self.strip.items:
            self.strip.param.update(items=items, visible=bool(items))
