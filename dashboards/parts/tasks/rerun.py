"""RerunEditor: a task once more, with its payload as it was or changed."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

import panel as pn
import panel_material_ui as pmui

from claudia_core.errors import InvalidValue, TooLarge
from claudia_core.model.task import Task
from claudia_core.model.values import MAX_CONTENT_BYTES, require_json
from dashboards.parts.frame.heading import heading, heading_html

TEXT = "A new pending task is made with the same name, type, tags and labels. Its label rerun_of leads to this one."
BOX = {"padding": "14px 6px 4px", "gap": "12px"}
FOOT = {"justify-content": "flex-end", "flex-wrap": "wrap", "gap": "8px"}
MONO = {"& textarea": {"fontFamily": "ui-monospace, Menlo, Consolas, monospace", "fontSize": "13px"}}


class RerunEditor:
    """A dialog with a task's payload as JSON. `on_run` is given the task's id and the payload once that is valid."""

    def __init__(self, on_run: Callable[[str, Any], Awaitable[None]]) -> None:
        self._on_run = on_run
        self._id = ""
        self.title = heading("")
        self.text = pmui.TextAreaInput(
            label="Payload (JSON; empty for none)", rows=10, max_length=2 * MAX_CONTENT_BYTES, sx=MONO,
            sizing_mode="stretch_width", margin=(6, 0), css_classes=["payload"],
        )  # fmt: skip
        self.run = pmui.Button(label="Make the new task", variant="contained", css_classes=["run"])
        self.no = pmui.Button(label="Leave it", variant="text", css_classes=["leave-rerun"])
        self.run.on_click(self._on_click)
        self.no.on_click(self._on_no)
        foot = pn.Row(self.no, self.run, styles=FOOT, sizing_mode="stretch_width")
        parts = (self.title, self.text, foot)
        body = pn.Column(*parts, styles=BOX, sizing_mode="stretch_width", margin=0)
        self.dialog = pmui.Dialog(body, close_on_click=False, width_option="md")

    def edit(self, task: Task) -> None:
        """Open it for this task."""
        self._id = task.id
        self.title.object = heading_html(f"Rerun {task.name}", TEXT)
        shown = "" if task.payload is None else json.dumps(task.payload, indent=2, ensure_ascii=False)
        self.text.param.update(value=shown, value_input=shown)
        self._tell("")
        self.dialog.open = True

    async def _on_click(self, _: object) -> None:
        try:
            payload = read_payload(self.text.value_input or self.text.value or "")
        except InvalidValue as error:
            self._tell(str(error))
            return
        self.dialog.open = False
        id, self._id = self._id, ""  # a second click has nothing to do
        if id:
            await self._on_run(id, payload)

    def _on_no(self, _: object) -> None:
        self.dialog.open = False

    def _tell(self, fault: str) -> None:
        self.text.param.update(error_state=bool(fault), helper_text=fault)


def read_payload(text: str) -> Any:
    """The payload that somebody wrote; None for an empty text.

    Raises:
        InvalidValue: it is not JSON; the message says where.
        TooLarge: it is over the limit of a payload.
    """
    if not text.strip():
        return None
    if len(text) > MAX_CONTENT_BYTES * 2:
        raise TooLarge(f"the payload has {len(text):,} characters", hint=f"at most {MAX_CONTENT_BYTES:,} bytes of JSON")
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise InvalidValue(f"This is not JSON: {error.msg} at {place}", field="payload") from error
    except RecursionError as error:
        raise InvalidValue("the payload is nested too deep", field="payload") from error
    return require_json(value, "payload")
