"""TaskDetail: all there is to know about one task."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import panel as pn
import param

from claudia_core.errors import NotFound, TaskNotFound
from claudia_core.model.task import Task
from claudia_core.services.tasks.service import RERUN_OF
from dashboards.cells import issues as issue_cells
from dashboards.cells import tasks as cells
from dashboards.live import AT_REST, LiveView
from dashboards.parts.charts.progress_chart import ProgressChart
from dashboards.parts.events.event_list import EventList
from dashboards.parts.frame.heading import heading, heading_html
from dashboards.parts.frame.rows import Column, Rows
from dashboards.parts.frame.tiles import Tabs
from dashboards.parts.tasks.actions import Actions
from dashboards.parts.tasks.task_tree import TaskTree
from dashboards.theme import MARKS

if TYPE_CHECKING:
    from claudia_core import Claudia

FACTS = (Column("label", ""), Column("value", "", "any"))
CONTENT = (Column("label", "", "heading"), Column("value", "", "code"))
MOST_ISSUES = 3
SIDE = {"flex": "1 1 320px", "min-width": "min(320px, 100%)"}
MAIN = {"flex": "2 1 480px", "min-width": "min(480px, 100%)", "gap": "16px"}
WRAP = {"gap": "16px", "flex-wrap": "wrap", "align-items": "flex-start"}
ALL_PARTS = [{"key": "all", "label": "Sort and filter the direct parts →"}]
HEAD = {"align-items": "center", "flex-wrap": "wrap", "gap": "8px"}


class TaskDetail(LiveView):
    """A task's status, facts, progress over time, messages, error, result, payload, parts and events; its actions."""

    task_id = param.String("", doc="The task's id.")
    name_shown = param.String("", doc="The task's name once it is known.")

    def __init__(
        self, claudia: Claudia, *, on_open: Callable[[str], None] | None = None,
        say: Callable[[str, str], None] | None = None, on_parts: Callable[[str], None] | None = None, **params: Any,
    ) -> None:  # fmt: skip
        super().__init__(claudia, **params)
        opens = "here" if on_open else "there"
        self.title = heading("", level=1)
        self.title.styles = {"flex": "1 1 240px"}
        self.actions = Actions(claudia, say or _silent, on_made=on_open)
        self.facts = Rows(
            FACTS, label="Facts", title="Facts", layout="facts", opens=opens, on_open=on_open, styles=SIDE
        )
        self.content = Rows(CONTENT, label="Error, result and payload", title=" ", layout="codes", visible=False)
        self.chart = ProgressChart(claudia)
        self.tree = TaskTree(claudia, on_open=on_open)
        self.onward = Tabs(label="Parts", on_choose=self._on_onward, items=ALL_PARTS, css_classes=["all-parts"])
        self._on_parts = on_parts
        self.events = EventList(claudia, title="Events")
        parts = (
            self.chart.layout,
            self.content,
            self.tree.layout,
            self.onward,
            self.chart.messages,
            self.events.layout,
        )
        side = pn.Column(*parts, styles=MAIN, sizing_mode="stretch_width", margin=0)
        self.body = pn.Row(self.facts, side, styles=WRAP, sizing_mode="stretch_width", margin=0)
        head = pn.Row(self.title, self.actions.layout, styles=HEAD, sizing_mode="stretch_width", margin=0)
        self.layout = pn.Column(
            head, self.body, self.actions.dialogs, styles={"gap": "16px"}, sizing_mode="stretch_width", margin=0
        )
        self._shown: tuple[Any, ...] = ()
        self._at = 0.0

    def refresh(self) -> None:
        """Bring everything up to date."""
        if not self.task_id:
            return
        board = self.claudia.boards.tasks.version
        if self._shown and self._shown[:2] == (self.task_id, board) and time.monotonic() - self._at < AT_REST:
            return
        self._at = time.monotonic()
        try:
            task = self.claudia.tasks.get(self.task_id)
        except TaskNotFound:
            self._show_none()
            return
        if self._shown[::2] != (self.task_id, task.version):
            self._show(task)
        self.tree.task_id = self.events.subject = self.chart.subject = task.id
        self.tree.refresh()
        self.events.refresh()
        self.chart.refresh()
        self.chart.layout.visible = bool(task.progress.current or (task.progress.total and not task.status.is_terminal))
        self.tree.layout.visible = bool(self.tree.table.rows)
        self.onward.visible = bool(self.tree.table.rows) and self._on_parts is not None
        self._shown = (self.task_id, -1 if self.chart.is_waiting or self.tree.is_waiting else board, task.version)

    def _on_onward(self, _: str) -> None:
        if self._on_parts is not None:
            self._on_parts(self.task_id)

    def _show_none(self) -> None:
        self.name_shown = "Task not found"
        self.title.object = heading_html("Task not found", f"No task has the id {self.task_id[:80]}", level=1)
        self.actions.show(None)
        self.body.visible = False

    def _show(self, task: Task) -> None:
        self.name_shown = task.name
        word = task.status.value
        self.title.object = heading_html(task.name, f"{MARKS[task.status]} {word}", word, level=1)
        self.body.visible = True
        parent, before = self._task(task.parent_id), self._task(task.labels.get(RERUN_OF))
        facts = cells.task_facts(task, parent, self._agent(task), before)
        issues = self.claudia.errors.issues(task_id=task.id, limit=MOST_ISSUES).issues
        self.facts.put([*facts[:-1], *issue_cells.issue_links(issues), facts[-1]])
        self.actions.show(task)
        rows = cells.content_rows(task)
        self.content.put(rows)
        self.content.visible = bool(rows)

    def _task(self, id: str | None) -> Task | None:
        try:
            return self.claudia.tasks.get(id) if id else None
        except TaskNotFound:
            return None

    def _agent(self, task: Task) -> str | None:
        if task.agent_id is None:
            return None
        try:
            return str(self.claudia.agents.get(task.agent_id).name)
        except NotFound:
            return None


def _silent(text: str, tone: str) -> None:
    """Where there is no frame, what an action did is seen in the task itself."""
