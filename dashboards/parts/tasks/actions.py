"""Actions: what a person can do on a page, each after a question. Everything that a page changes goes through here."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import panel as pn
import panel_material_ui as pmui

from claudia_core.api.access.perform import carry_out
from claudia_core.errors import ClaudiaError
from claudia_core.logs import get_logger
from claudia_core.model.identity import Scope, current
from claudia_core.model.task import TRANSITIONS, Status, Task
from claudia_core.services.tasks import moves
from dashboards import outcomes, units
from dashboards.parts.frame.heading import heading, heading_html
from dashboards.parts.tasks.rerun import RerunEditor

if TYPE_CHECKING:
    from claudia_core import Claudia

log = get_logger(__name__)

QUESTIONS = {
    "cancel": "What is worked on stops, and so does everything below it that has not ended.",
    "retry": "It becomes pending again, as a new attempt that starts from the beginning.",
    "rerun": "A new pending task is made with the same name, type, payload, tags and labels.",
}
VERBS = ("cancel", "retry", "rerun")
REASON = "cancelled on the tasks page"
MOST_NAMES = 3
FOOT = {"justify-content": "flex-end", "flex-wrap": "wrap", "gap": "8px"}
BOX = {"padding": "14px 6px 4px", "gap": "12px"}


class Actions:
    """The dialogs of what can be done to tasks, and the buttons for one task.

    Args:
        claudia: the hub.
        say: tells how it went: a text, and `good` or `bad`.
        on_made: called with the id of a task that was made and should be shown.
        on_done: called after an action on several tasks.
    """

    def __init__(
        self, claudia: Claudia, say: Callable[[str, str], None], *, on_made: Callable[[str], None] | None = None,
        on_done: Callable[[], None] | None = None,
    ) -> None:  # fmt: skip
        self.claudia = claudia
        self._say = say
        self._on_made = on_made
        self._on_done = on_done
        self._task: Task | None = None
        self._may = current().may(Scope.OPERATOR)
        self._verb = ""
        self._asked: dict[str, str] = {}
        self.cancel = pmui.Button(
            label="Cancel task", width=130, variant="outlined", color="error", css_classes=["cancel"]
        )
        self.retry = pmui.Button(label="Retry task", width=130, variant="contained", css_classes=["retry"])
        self.rerun = pmui.Button(label="Rerun …", width=110, variant="outlined", css_classes=["rerun"])
        self.cancel.on_click(lambda _: self._ask_one("cancel"))
        self.retry.on_click(lambda _: self._ask_one("retry"))
        self.rerun.on_click(lambda _: self._edit())
        self.yes = pmui.Button(label="Yes", variant="contained", css_classes=["confirm"])
        self.no = pmui.Button(label="No, leave it", variant="text", css_classes=["leave"])
        self.yes.on_click(self._on_yes)
        self.no.on_click(self._on_no)
        self.question = heading("")
        foot = pn.Row(self.no, self.yes, styles=FOOT, sizing_mode="stretch_width")
        body = pn.Column(self.question, foot, styles=BOX, sizing_mode="stretch_width", margin=0)
        self.dialog = pmui.Dialog(body, close_on_click=True)
        self.editor = RerunEditor(on_run=self._on_rerun)
        self.layout = pn.Row(self.cancel, self.retry, self.rerun, styles={"flex-wrap": "wrap"}, margin=0)
        self.dialogs = pn.Column(self.dialog, self.editor.dialog, margin=0, height=0, sizing_mode="stretch_width")
        self.show(None)

    def show(self, task: Task | None) -> None:
        """Offer what is possible with this task."""
        self._task = task
        task = task if self._may else None
        possible: frozenset[Status] = TRANSITIONS[task.status] if task else frozenset()
        self.cancel.visible = Status.CANCELLED in possible
        self.retry.visible = task is not None and task.status.is_terminal and Status.PENDING in possible
        self.rerun.visible = task is not None

    def ask(self, verb: str, tasks: Mapping[str, str]) -> None:
        """Open the question whether to do this to tasks, given as names by id."""
        if verb not in VERBS or not tasks:
            return
        self._verb, self._asked = verb, dict(tasks)
        one = len(tasks) == 1
        names = list(tasks.values())
        listed = ", ".join(names[:MOST_NAMES]) + (f" and {len(names) - MOST_NAMES} more" if not one else "")
        listed = listed if len(names) > MOST_NAMES or one else ", ".join(names)
        what = "this task" if one else units.plural(len(tasks), "task")
        text = f"{listed}: {QUESTIONS[verb]}" if one else f"{listed}. For each: {QUESTIONS[verb]}"
        self.question.object = heading_html(f"{verb.capitalize()} {what}?", text)
        self.yes.label = f"Yes, {verb} {'it' if one else 'them'}"
        self.no.label = f"No, leave {'it' if one else 'them'}"
        self.dialog.open = True

    async def act(self, verb: str, tasks: Mapping[str, str]) -> None:
        """Do it beside the session's loop, and tell in one text how it went."""
        work: dict[str, Callable[[], Mapping[str, Task | ClaudiaError]]] = {
            "cancel": lambda: self.claudia.tasks.move_each(tasks, lambda: moves.cancelling(REASON)),
            "retry": lambda: self.claudia.tasks.move_each(tasks, moves.retrying),
            "rerun": lambda: {id: self._rerun(id) for id in tasks},
        }
        results = await self.perform(f"tasks.{verb}", work[verb])
        if results is not None:
            self._say(*outcomes.told(verb, tasks, results))
            if self._on_done is not None:
                self._on_done()

    async def perform[T](self, operation: str, work: Callable[[], T]) -> T | None:
        """Carry out one of the contract's operations; what the hub refuses is told, and None is given."""
        try:
            return await asyncio.to_thread(carry_out, operation, self.claudia, work)
        except ClaudiaError as error:
            log.info("an action of a page was refused", operation=operation, code=error.code)
            self._say(str(error), "bad")
            return None

    def _rerun(self, id: str) -> Task | ClaudiaError:
        try:
            return self.claudia.tasks.rerun(id)
        except ClaudiaError as error:
            return error

    def _ask_one(self, verb: str) -> None:
        if self._task is not None:
            self.ask(verb, {self._task.id: self._task.name})

    def _edit(self) -> None:
        if self._task is not None:
            self.editor.edit(self._task)

    async def _on_rerun(self, id: str, payload: Any) -> None:
        made = await self.perform("tasks.rerun", lambda: self.claudia.tasks.rerun(id, payload=payload))
        if made is not None:
            self._say(f"Made anew: {made.name}", "good")
            if self._on_made is not None:
                self._on_made(made.id)

    async def _on_yes(self, _: object) -> None:
        self.dialog.open = False
        asked, self._asked = self._asked, {}  # a second click has nothing to do
        if asked:
            await self.act(self._verb, asked)

    def _on_no(self, _: object) -> None:
        self.dialog.open = False
