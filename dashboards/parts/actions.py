"""Actions: what a person can do to a task, each after a question."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import panel as pn
import panel_material_ui as pmui

from claudia_core.errors import ClaudiaError
from claudia_core.model.task import TRANSITIONS, Status, Task
from dashboards.parts.heading import heading, heading_html

if TYPE_CHECKING:
    from claudia_core import Claudia

QUESTIONS = {
    "cancel": ("Cancel this task?", "It stops being worked on, and so does everything below it that has not ended."),
    "retry": ("Retry this task?", "It becomes pending again, as a new attempt that starts from the beginning."),
}
DONE = {"cancel": "Cancelled: {}", "retry": "Waiting again: {}"}


class Actions:
    """The buttons cancel and retry of a task, with a dialog that asks first."""

    def __init__(self, claudia: Claudia, say: Callable[[str, str], None]) -> None:
        self.claudia = claudia
        self._say = say
        self._task: Task | None = None
        self._verb = ""
        self.cancel = pmui.Button(
            label="Cancel task", width=130, variant="outlined", color="error", css_classes=["cancel"]
        )
        self.retry = pmui.Button(label="Retry task", width=130, variant="contained", css_classes=["retry"])
        self.cancel.on_click(lambda _: self.ask("cancel"))
        self.retry.on_click(lambda _: self.ask("retry"))
        self.yes = pmui.Button(label="Yes", variant="contained", css_classes=["confirm"])
        self.no = pmui.Button(label="No, leave it", variant="text", css_classes=["leave"])
        self.yes.on_click(self._on_yes)
        self.no.on_click(self._on_no)
        self.question = heading("")
        self.dialog = pmui.Dialog(
            pn.Column(
                self.question,
                pn.Row(self.no, self.yes, styles={"justify-content": "flex-end"}, sizing_mode="stretch_width"),
                styles={"padding": "14px 6px 4px", "gap": "12px"},
                sizing_mode="stretch_width",
                margin=0,
            ),
            close_on_click=True,
        )
        self.layout = pn.Row(self.cancel, self.retry, width_policy="min", margin=0)
        self.show(None)

    def show(self, task: Task | None) -> None:
        """Offer what is possible with this task."""
        self._task = task
        possible: frozenset[Status] = TRANSITIONS[task.status] if task else frozenset()
        self.cancel.visible = Status.CANCELLED in possible
        self.retry.visible = task is not None and task.status.is_terminal and Status.PENDING in possible

    def ask(self, verb: str) -> None:
        """Open the question."""
        if self._task is None:
            return
        self._verb = verb
        title, text = QUESTIONS[verb]
        self.question.object = heading_html(title, f"{self._task.name}: {text}")
        self.yes.label = f"Yes, {verb} it"
        self.dialog.open = True

    async def _on_yes(self, _: object) -> None:
        self.dialog.open = False
        task = self._task
        if task is not None:
            await self.act(self._verb, task)

    def _on_no(self, _: object) -> None:
        self.dialog.open = False

    async def act(self, verb: str, task: Task) -> None:
        """Do it beside the session's loop, and tell how it went."""
        work: dict[str, Callable[[], Any]] = {
            "cancel": lambda: self.claudia.tasks.cancel(task.id, reason="cancelled on the tasks page"),
            "retry": lambda: self.claudia.tasks.retry(task.id),
        }
        try:
            await asyncio.to_thread(work[verb])
        except ClaudiaError as error:
            self._say(str(error), "bad")
        else:
            self._say(DONE[verb].format(task.name), "good")
