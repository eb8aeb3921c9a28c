"""AgentDetail: all there is to know about one agent."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import panel as pn
import param

from claudia_core.errors import NotFound
from claudia_core.model.agent import Agent
from claudia_core.model.task import Status
from claudia_core.model.times import utc_now
from dashboards.cells import agents as agent_cells
from dashboards.cells.tasks import task_rows
from dashboards.event_log import Wanted, older
from dashboards.live import LiveView
from dashboards.parts.agents.agent_actions import AgentActions
from dashboards.parts.agents.agent_grid import active_tasks
from dashboards.parts.frame.heading import heading, heading_html
from dashboards.parts.frame.rows import Column, Rows
from dashboards.parts.tasks.task_table import DURATION, ENDED, ETA, NAME, PROGRESS, RATE, STATUS

if TYPE_CHECKING:
    from claudia_core import Claudia

FACTS = (Column("label", ""), Column("value", "", "any"))
RUNNING = (NAME, PROGRESS, RATE, ETA, DURATION)
LAST = (STATUS, NAME, replace(DURATION, priority=1), ENDED)
CHANGES = (Column("at", "When", "ago"), Column("says", "What"))
NOTHING_RUNS = ("It works on nothing now", "Tasks that it takes are listed here.")
NONE_ENDED = ("No task of it has ended", "Those that ended last are listed here.")
NO_CHANGE = ("No event is kept", "When an agent comes, goes or is asked for something, it is told here.")
ENDS = tuple(status for status in Status if status.is_terminal)
SIDE = {"flex": "1 1 320px", "min-width": "min(320px, 100%)"}
MAIN = {"flex": "2 1 480px", "min-width": "min(480px, 100%)", "gap": "16px"}
WRAP = {"gap": "16px", "flex-wrap": "wrap", "align-items": "flex-start"}
HEAD = {"align-items": "center", "flex-wrap": "wrap", "gap": "10px"}
MOST_RUNNING, MOST_ENDED, MOST_CHANGES = 50, 10, 20
PAUSE = 0.8


class AgentDetail(LiveView):
    """An agent's facts, what it works on, what ended on it last, and what became of it; buttons for operators."""

    agent_id = param.String("", doc="The agent's id.")
    name_shown = param.String("", doc="The agent's name once it is known.")

    def __init__(self, claudia: Claudia, *, say: Callable[[str, str], None] | None = None, **params: Any) -> None:
        super().__init__(claudia, **params)
        self.agent: Agent | None = None
        self.title = heading("", level=1)
        self.title.styles = {"flex": "1 1 240px", "min-width": "min(240px, 100%)", "overflow-wrap": "anywhere"}
        self.actions = AgentActions(claudia, self._found, say or _silent, self._on_done)
        self.facts = Rows(FACTS, label="Facts about the agent", title="Agent", layout="facts", styles=SIDE)
        self.running = Rows(RUNNING, label="Tasks it works on", title="Works on", opens="there")
        self.ended = Rows(LAST, label="Tasks that ended on it last", title="Ended last", opens="there")
        self.changes = Rows(CHANGES, label="What became of it", title="What became of it", zero=list(NO_CHANGE))
        main = pn.Column(self.running, self.ended, self.changes, styles=MAIN, sizing_mode="stretch_width", margin=0)
        self.body = pn.Row(self.facts, main, styles=WRAP, sizing_mode="stretch_width", margin=0)
        head = pn.Row(self.title, self.actions.layout, styles=HEAD, sizing_mode="stretch_width", margin=0)
        self.layout = pn.Column(
            head, self.body, self.actions.dialogs, styles={"gap": "16px"}, sizing_mode="stretch_width", margin=0
        )
        self._asked = ""
        self._at = 0.0

    def refresh(self) -> None:
        """Bring everything up to date, unless that was just now."""
        now = time.monotonic()
        if not self.agent_id or (self._asked == self.agent_id and now - self._at < PAUSE):
            return
        try:
            self.agent = self.claudia.agents.get(self.agent_id)
        except NotFound:
            self.agent = None
        self.body.visible = self.agent is not None
        self.actions.offer()
        if self.agent is None:
            self.name_shown = "Agent not found"
            none = f"No agent has the id {self.agent_id[:80]}"
            self.title.object = heading_html("Agent not found", none, level=1)
        else:
            self._show(self.agent)
        self._asked, self._at = self.agent_id, now

    def _show(self, agent: Agent) -> None:
        moment = utc_now()
        word = agent_cells.status(agent, moment)
        self.name_shown = agent.name
        self.title.object = heading_html(agent.name, f"{word['mark']} {word['word']}", word["tone"], level=1)
        tasks = active_tasks(self.claudia).get(agent.id, [])
        self.facts.put(agent_cells.agent_facts(agent, tasks, moment))
        self.running.put(task_rows(tasks[:MOST_RUNNING]), NOTHING_RUNS)
        self.ended.put(task_rows(self._ended(agent)), NONE_ENDED)
        store = self.claudia.store
        events = older(store, Wanted("agent:*", agent.id), store.head(), MOST_CHANGES).events
        self.changes.put(agent_cells.change_rows(events))

    def _ended(self, agent: Agent) -> list[dict[str, Any]]:
        """The newest of each ending: so it costs the same however many it has run."""
        ask = partial(self.claudia.tasks.list, agent_id=agent.id, order="-id", limit=MOST_ENDED)
        found = [task.to_summary() for status in ENDS for task in ask(status=status).tasks]
        return sorted(found, key=lambda task: str(task["finished_at"]), reverse=True)[:MOST_ENDED]

    def _found(self) -> dict[str, Agent]:
        return {} if self.agent is None else {self.agent.id: self.agent}

    def _on_done(self) -> None:
        self._asked = ""
        self.pull()


def _silent(text: str, tone: str) -> None:
    """Where there is no frame, what an action did is seen in the agent itself."""
