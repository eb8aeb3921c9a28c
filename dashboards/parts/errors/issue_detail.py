"""IssueDetail: all there is to know about one issue, and one of its errors in full."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import panel as pn
import panel_material_ui as pmui
import param

from claudia_core.api.access.perform import carry_out
from claudia_core.errors import ClaudiaError, NotFound
from claudia_core.model.issue import Issue, Occurrence
from dashboards.cells import issues as cells
from dashboards.live import LiveView
from dashboards.parts.errors.issue_actions import IssueActions
from dashboards.parts.frame.heading import heading, heading_html
from dashboards.parts.frame.rows import Column, Rows

if TYPE_CHECKING:
    from claudia_core import Claudia

FACTS = (Column("label", ""), Column("value", "", "any"))
CONTENT = (Column("label", "", "heading"), Column("value", "", "code"))
ERRORS = (Column("name", "Error", "link"), Column("at", "When", "ago"))
CRUMBS = (
    Column("at", "When", "ago"), Column("level", "Level", "text", 2), Column("category", "From", "text", 2),
    Column("says", "What happened"),
)  # fmt: skip
TASKS = (Column("status", "Status", "status"), Column("name", "Task", "link"), Column("at", "Last change", "ago"))
SAID = (Column("at", "When", "ago"), Column("author", "Who"), Column("says", "What"))
SIDE = {"flex": "1 1 320px", "min-width": "min(320px, 100%)", "gap": "16px"}
MAIN = {"flex": "2 1 480px", "min-width": "min(480px, 100%)", "gap": "16px"}
WRAP = {"gap": "16px", "flex-wrap": "wrap", "align-items": "flex-start"}
HEAD = {"align-items": "center", "flex-wrap": "wrap", "gap": "10px"}
NOT_KEPT = ("No error is kept", "Its occurrences were thinned out; the counts remain.")
MOST_LISTED = 50
MOST_TASKS = 10
PAUSE = 0.8


class IssueDetail(LiveView):
    """An issue's facts and why its errors are together, one error with source, breadcrumbs and context; what to do."""

    issue_id = param.String("", doc="The issue's id.")
    error_id = param.String("", doc="The error shown in full; empty for the newest.")
    name_shown = param.String("", doc="The issue's title once it is known.")

    def __init__(
        self, claudia: Claudia, *, on_error: Callable[[str], None] | None = None,
        say: Callable[[str, str], None] | None = None, **params: Any,
    ) -> None:  # fmt: skip
        super().__init__(claudia, **params)
        self._say = say or _silent
        self._on_error = on_error
        self.title = heading("", level=1)
        self.title.styles = {"flex": "1 1 260px", "min-width": "min(260px, 100%)", "overflow-wrap": "anywhere"}
        self.actions = IssueActions(claudia, self._this, self._say, self._on_done)
        self.facts = Rows(FACTS, label="Facts about the issue", title="Issue", layout="facts")
        self.error = Rows(FACTS, label="Facts about the error", title="This error", layout="facts")
        self.tasks = Rows(TASKS, label="Affected tasks", title="Affected tasks", opens="there", visible=False)
        self.content = Rows(CONTENT, label="Source, traceback and context", title=" ", layout="codes")
        self.crumbs = Rows(CRUMBS, label="Breadcrumbs", title="Before it happened", visible=False)
        self.errors = Rows(
            ERRORS, label="Errors of this issue", title="Errors", opens="here", on_open=self._on_open,
            zero=list(NOT_KEPT),
        )  # fmt: skip
        self.said = Rows(SAID, label="Comments", title="Comments", zero=["No comment yet", "Say what you found out."])
        self.text = pmui.TextAreaInput(label="Comment", rows=2, sizing_mode="stretch_width", css_classes=["comment"])
        self.send = pmui.Button(label="Add comment", width=140, variant="outlined", css_classes=["say"])
        self.send.on_click(self._on_comment)
        side = pn.Column(self.facts, self.error, self.tasks, styles=SIDE, sizing_mode="stretch_width", margin=0)
        main = pn.Column(
            self.content, self.crumbs, self.errors, self.said, self.text, self.send, styles=MAIN,
            sizing_mode="stretch_width", margin=0,
        )  # fmt: skip
        self.body = pn.Row(side, main, styles=WRAP, sizing_mode="stretch_width", margin=0)
        head = pn.Row(self.title, self.actions.layout, styles=HEAD, sizing_mode="stretch_width", margin=0)
        self.layout = pn.Column(head, self.body, styles={"gap": "16px"}, sizing_mode="stretch_width", margin=0)
        self._issue: Issue | None = None
        self._shown: tuple[Any, ...] = ()
        self._at = 0.0

    def refresh(self) -> None:
        """Bring everything up to date."""
        if not self.issue_id:
            return
        asked = (self.issue_id, self.error_id)
        version, now = self.claudia.boards.tasks.version, time.monotonic()
        if self._shown[1:] == asked and (self._shown[0] == version or now - self._at < PAUSE):
            return
        try:
            issue = self.claudia.errors.issue(self.issue_id)
        except NotFound:
            self._show_none()
            return
        self._show(issue)
        self._shown, self._at = (version, *asked), now

    def _show_none(self) -> None:
        self._issue = None
        self.name_shown = "Issue not found"
        self.title.object = heading_html("Issue not found", f"No issue has the id {self.issue_id[:80]}", level=1)
        self.actions.offer([])
        self.body.visible = False

    def _show(self, issue: Issue) -> None:
        self._issue = issue
        self.name_shown = issue.title
        word = cells.status(issue)
        self.title.object = heading_html(
            issue.title, f"{word['mark']} {word['word']} · {issue.type}", word["tone"], level=1
        )
        self.body.visible = True
        self.actions.offer([issue.status.value])
        self.facts.put(cells.issue_facts(issue, self.claudia.errors.recent([issue]).get(issue.id)))
        errors = self.claudia.errors.occurrences(issue_id=issue.id, limit=MOST_LISTED)
        chosen = self.error_id or (errors[0].id if errors else "")
        self.errors.put([cells.occurrence_row(error, chosen) for error in errors])
        self._show_error(chosen)
        tasks = self._tasks(issue)
        self.tasks.put(cells.task_link_rows(tasks))
        self.tasks.visible = bool(tasks)
        self.said.put(cells.comment_rows(self.claudia.errors.comments(issue.id)))

    def _show_error(self, id: str) -> None:
        error = self._error(id)
        self.error.put([] if error is None else cells.occurrence_facts(error, self._task_name(error)), NOT_KEPT)
        rows = [] if error is None else cells.content_rows(error)
        crumbs = [] if error is None else cells.crumb_rows(error)
        self.content.put(rows)
        self.content.visible = bool(rows)
        self.crumbs.put(crumbs)
        self.crumbs.visible = bool(crumbs)

    def _error(self, id: str) -> Occurrence | None:
        try:
            return self.claudia.errors.occurrence(id) if id else None
        except NotFound:
            return None

    def _task_name(self, error: Occurrence) -> str | None:
        found = self.claudia.store.get("tasks", error.task_id) if error.task_id else None
        return None if found is None else str(found["name"])

    def _tasks(self, issue: Issue) -> list[dict[str, Any]]:
        ids = self.claudia.errors.affected(issue.id, limit=MOST_TASKS)
        found = self.claudia.store.get_many("tasks", ids)
        return [found[id] for id in ids if id in found]

    def _this(self) -> dict[str, str]:
        return {} if self._issue is None else {self._issue.id: self._issue.title}

    def _on_done(self) -> None:
        self._shown = ()
        self.pull()

    def _on_open(self, id: str) -> None:
        if self._on_error is not None:
            self._on_error(id)
            return
        self.error_id = id
        self.pull()

    async def _on_comment(self, _: object) -> None:
        text = str(self.text.value or "")
        if self._issue is None or not text.strip():
            return
        try:
            work = partial(self.claudia.errors.comment, self._issue.id, text)
            await asyncio.to_thread(carry_out, "errors.comment", self.claudia, work)
        except ClaudiaError as error:
            self._say(str(error), "bad")
            return
        self.text.value = ""
        self._on_done()


def _silent(text: str, tone: str) -> None:
    """Where there is no frame, what an action did is seen in the issue itself."""
