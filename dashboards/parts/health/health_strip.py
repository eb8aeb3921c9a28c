"""HealthStrip: how all checks stand, in a line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import param

from dashboards.beat.glance import glance
from dashboards.live import LiveView
from dashboards.theme.part import Part

if TYPE_CHECKING:
    from claudia_core import Claudia


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

    def refresh(self) -> None:
        """Show how they stand."""
        items = glance(self.claudia).checks
        if items != self.strip.items:
            self.strip.share(items=items)
            self.strip.visible = bool(items)
