"""AgentGrid: the processes that run tasks, how full they are, and what each of them is doing."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import param

from claudia_core.model.agent import Agent, AgentStatus
from claudia_core.model.task import Status
from claudia_core.model.times import utc_now
from dashboards.cells import agents as cells
from dashboards.cells.tasks import Summary
from dashboards.live import LiveView
from dashboards.parts.frame.rows import Column, Rows

if TYPE_CHECKING:
    from claudia_core import Claudia

COLUMNS = (
    Column("status", "State", "status"),
    Column("name", "Agent", "link"),
    Column("doing", "Doing", "links"),
    Column("load", "Load", "progress"),
    Column("rate", "Throughput", "figure", 2),
    Column("pace", "Last hour", "spark", 2),
    Column("failed", "Failed", "figure", 3),
    Column("memory", "Memory", "figure", 2),
    Column("beat", "Heartbeat", "ago"),
)
STATES: tuple[str, ...] = ("", *(status.value for status in AgentStatus))
FIRST_STEPS = "claudia agent --app my_module"
NO_AGENT = (
    "No agent yet",
    "An agent runs the tasks for which your module has handlers (@claudia.handler). Start one where that module is:",
    FIRST_STEPS,
)
NO_MATCH = ("No agent is like this now", "Choose another state, or all.")
MOST_ONLINE, MOST_PAST = 1_000, 50
"""Agents that are listed: those that are online, and the newest that are not."""
PAUSE = 0.8
"""Seconds for which the list is not asked for again, however much happens."""


class AgentGrid(LiveView):
    """Agents of a hub's store, those that are there first; `state` empty for all."""

    state: Any = param.Selector(default="", objects=list(STATES), doc="Only online, lost or offline ones; empty: all.")

    def __init__(
        self, claudia: Claudia, *, on_open: Callable[[str], None] | None = None,
        on_pick: Callable[[], None] | None = None, title: str = "", **params: Any,
    ) -> None:  # fmt: skip
        super().__init__(claudia, **params)
        self.agents: list[Agent] = []
        self.busy = 0
        self._opens = on_open is not None
        opens = "here" if on_open else "there"
        self.table = Rows(
            COLUMNS, label="Agents", title=title, opens=opens, on_open=on_open, on_pick=on_pick,
            selects=on_pick is not None,
        )  # fmt: skip
        self.layout = self.table
        self._at = 0.0
        self._asked: str | None = None

    @property
    def picked(self) -> dict[str, Agent]:
        """The selected agents that are still known here, as they are now, by id."""
        return {agent.id: agent for agent in self.agents if agent.id in self.table.picked}

    def refresh(self) -> None:
        """Ask for the agents, unless that was just now."""
        now = time.monotonic()
        if self._asked == self.state and now - self._at < PAUSE:
            return
        moment = utc_now()
        self.agents = cells.ordered(known_agents(self.claudia), moment)
        active = active_tasks(self.claudia)
        self.busy = sum(bool(task["claim"]) for tasks in active.values() for task in tasks)
        shown = [agent for agent in self.agents if self.state in ("", agent.status.value)]
        rows = [cells.agent_row(one, active.get(one.id, []), moment, opens=self._opens) for one in shown]
        self.table.put(rows, NO_MATCH if self.agents else NO_AGENT)
        self._asked, self._at = self.state, now

    def again(self) -> None:
        """Ask at the next refresh."""
        self._asked = None

    def counts(self) -> dict[str, int]:
        """How many agents there are of each of `STATES`."""
        return {state: sum(state in ("", agent.status.value) for agent in self.agents) for state in STATES}


def known_agents(claudia: Claudia) -> list[Agent]:
    """All agents that are online, and the newest of those that are not."""
    found: list[Agent] = []
    for status in AgentStatus:
        most = MOST_ONLINE if status is AgentStatus.ONLINE else MOST_PAST
        found += claudia.agents.list(status=status, limit=most)
    return found


def active_tasks(claudia: Claudia) -> dict[str, list[Summary]]:
    """What each agent works on, by its id, as the board has it; without what its tasks have begun themselves."""
    found: dict[str, list[Summary]] = {}
    for task in claudia.boards.tasks.picture().open:
        if task["status"] == Status.ACTIVE.value and task["agent_id"]:
            found.setdefault(task["agent_id"], []).append(task)
    return {id: cells.claimed(tasks) for id, tasks in found.items()}


def by_id(agents: Iterable[Agent], id: str) -> Agent | None:
    """The one with that id."""
    return next((agent for agent in agents if agent.id == id), None)
