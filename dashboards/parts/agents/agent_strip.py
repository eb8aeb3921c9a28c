"""AgentStrip: who takes tasks, in a line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dashboards.beat.glance import glance
from dashboards.live import LiveView
from dashboards.parts.health.health_strip import Strip

if TYPE_CHECKING:
    from claudia_core import Claudia


class AgentStrip(LiveView):
    """A chip for each type that no agent takes, each agent that was just lost, and each that takes tasks."""

    def __init__(self, claudia: Claudia, **params: Any) -> None:
        super().__init__(claudia, **params)
        self.strip = Strip(visible=False, label="Agents")
        self.layout = self.strip

    def refresh(self) -> None:
        """Show how they stand."""
        items = glance(self.claudia).agents
        if items != self.strip.items:
            self.strip.share(items=items)
            self.strip.visible = bool(items)
