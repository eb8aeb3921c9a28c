"""What agents and engines need from the hub."""

from __future__ import annotations

from typing import Protocol

from claudia_core.engines.handlers import Handlers
from claudia_core.ports import Store
from claudia_core.services.agents import Agents
from claudia_core.tracking import run


class Hub(run.Hub, Protocol):
    """The hub whose tasks are run."""

    store: Store
    agents: Agents
    handlers: Handlers

    def work_as(self, agent_id: str) -> None:
        """What runs here from now on belongs to this agent, which somebody else keeps alive."""
        ...
