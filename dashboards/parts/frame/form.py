"""Form: a dialog to make or change something. What the hub refuses stands at the field that it is about."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import panel as pn
import panel_material_ui as pmui

from claudia_core.api.access.perform import carry_out
from claudia_core.errors import ClaudiaError, InvalidValue
from dashboards.parts.frame.act import Say
from dashboards.parts.frame.heading import heading, heading_html
from dashboards.parts.frame.rows import Column, Rows

if TYPE_CHECKING:
    from claudia_core import Claudia

BOX = {"padding": "14px 6px 4px", "gap": "10px"}
FOOT = {"justify-content": "flex-end", "flex-wrap": "wrap", "gap": "8px"}
MONO = {"& textarea": {"fontFamily": "ui-monospace, Menlo, Consolas, monospace", "fontSize": "13px"}}
WIDE: dict[str, Any] = {"sizing_mode": "stretch_width", "margin": (6, 0)}
ONCE = (Column("label", "", "heading"), Column("value", "", "code"))
PLAIN = ".MuiInputLabel-root { background: none !important; }"
HEAD = {"& .MuiDialogTitle-root": {"minWidth": 0, "overflowWrap": "anywhere", "paddingBottom": "8px"}}
LONGEST = 20_000

PICKED = frozenset({"choice", "several", "flag"})
"""Kinds of fields that are chosen, and not written."""

type Values = dict[str, Any]
type Work = Callable[[Values], Any]


@dataclass(frozen=True, slots=True)
class Entry:
    """One field. `kind` is text, list, json, number, flag, choice or several; `choices` are values by label."""

    key: str
    label: str
    kind: str = "text"
    hint: str = ""
    choices: Mapping[str, Any] = field(default_factory=dict)
    most: int | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """What a form does: an operation of the contract, the work, and how it is told.

    `work` is given the values; `told` what came of it.
    """

    operation: str
    work: Work
    told: Callable[[Any], str]


class Form:
    """A dialog with fields; deleting asks before, and a secret that was made is shown once.

    Args:
        claudia: the hub.
        say: tells how it went.
        on_done: called after something was changed.
        on_choose: called with the form after a choice, to fit other fields to it.
    """

    def __init__(
        self, claudia: Claudia, entries: Sequence[Entry], say: Say, on_done: Callable[[], None],
        on_choose: Callable[[Form], None] | None = None,
    ) -> None:  # fmt: skip
        self._claudia = claudia
        self._say = say
        self._on_done = on_done
        self._entries = {entry.key: entry for entry in entries}
        self._save: Step | None = None
        self._gone: Step | None = None
        self._is_asking = False
        self._name = ""
        self.inputs: dict[str, Any] = {entry.key: _input(entry) for entry in entries}
        for widget in self.inputs.values():
            if on_choose is not None and isinstance(widget, pmui.Select):
                widget.param.watch(lambda _: on_choose(self), "value")
        self.words = heading("")
        self.fields = pn.Column(*self.inputs.values(), sizing_mode="stretch_width", margin=0)
        self.secret = Rows(ONCE, label="Shown once", layout="codes", visible=False)
        self.yes = pmui.Button(label="Save", variant="contained", css_classes=["form-yes"])
        self.no = pmui.Button(label="Leave it", variant="text", css_classes=["form-no"])
        self.delete = pmui.Button(label="Delete …", variant="text", color="error", css_classes=["form-delete"])
        self.yes.on_click(self._on_yes)
        self.no.on_click(self._on_no)
        self.delete.on_click(self._on_delete)
        foot = pn.Row(self.delete, self.no, self.yes, styles=FOOT, sizing_mode="stretch_width")
        parts = (self.words, self.fields, self.secret, foot)
        body = pn.Column(*parts, styles=BOX, sizing_mode="stretch_width", margin=0)
        self.dialog = pmui.Dialog(body, close_on_click=False, width_option="sm", sx=HEAD)

    def ask(
        self, title: str, values: Mapping[str, Any], save: Step, *, text: str = "", gone: Step | None = None
    ) -> None:
        """Open it with these values; with `gone`, it can also be deleted."""
        self._save, self._gone, self._is_asking = save, gone, False
        for key, widget in self.inputs.items():
            _fill(widget, self._entries[key], values.get(key))
        self._tell(None)
        self._head(title, text)
        self.fields.visible, self.secret.visible = True, False
        self.yes.param.update(label="Save", visible=True, color="primary", disabled=False)
        self.no.label, self.delete.visible = "Leave it", gone is not None
        self._name = title
        self.dialog.open = True

    def reveal(self, title: str, secret: str) -> None:
        """Show a secret in the dialog, instead of the fields."""
        self._head(title, "Copy it now: it is not shown again.")
        self.secret.put([{"id": "secret", "label": "Secret", "value": secret}])
        self.fields.visible = self.yes.visible = self.delete.visible = False
        self.secret.visible = True
        self.no.label = "Done"
        self.dialog.open = True

    def hint(self, key: str, label: str, hint: str) -> None:
        """Say another thing at a field."""
        self._entries[key] = replace(self._entries[key], label=label, hint=hint)
        self.inputs[key].param.update(label=label, helper_text=hint, error_state=False)

    def choices(self, key: str, choices: Mapping[str, Any]) -> None:
        """Offer these, before the form is opened."""
        self.inputs[key].options = dict(choices)

    def values(self) -> Values:
        """What is written there.

        Raises:
            InvalidValue: a text is no JSON; `field` names it.
        """
        return {key: _read(widget, self._entries[key]) for key, widget in self.inputs.items() if widget.visible}

    async def _on_yes(self, _: object) -> None:
        step = self._gone if self._is_asking else self._save
        if step is None:
            return
        self.yes.disabled = True
        try:
            work = partial(step.work, {} if self._is_asking else self.values())
            done = await asyncio.to_thread(carry_out, step.operation, self._claudia, work)
        except ClaudiaError as error:
            self._tell(error)
            return
        finally:
            self.yes.disabled = False
        self.dialog.open = False
        self._say(step.told(done), "good")
        self._on_done()

    def _on_no(self, _: object) -> None:
        self.dialog.open = False
        self.secret.put([])

    def _on_delete(self, _: object) -> None:
        self._is_asking = True
        self.fields.visible = self.delete.visible = False
        self._head(f"Delete {self._name.removeprefix('Change ')}?", "This cannot be taken back.")
        self.yes.param.update(label="Yes, delete it", color="error")
        self.no.label = "No, leave it"

    def _tell(self, error: ClaudiaError | None) -> None:
        """At the field that it is about; above all of them where there is none."""
        at = error.field if error is not None else None
        for key, widget in self.inputs.items():
            if "error_state" in widget.param:
                here = error is not None and key == at
                widget.param.update(error_state=here, helper_text=str(error) if here else self._entries[key].hint)
        if error is not None and (at not in self.inputs or not self.inputs[at].visible or self._is_asking):
            self._head(self._name, str(error), "bad")

    def _head(self, title: str, text: str, tone: str = "") -> None:
        self.dialog.title = title  # what it is called for those who hear it
        self.words.param.update(object=heading_html("", text, tone), visible=bool(text))


def labelled(names: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Ids by names to choose from; names that are there twice are told apart."""
    found: dict[str, str] = {}
    for id, name in names:
        found[f"{name} ({id[-6:]})" if name in found else name] = id
    return found


def _input(entry: Entry) -> Any:
    common: dict[str, Any] = {"label": entry.label, "css_classes": [f"form-{entry.key}"], **WIDE}
    if entry.kind == "flag":
        return pmui.Checkbox(**common)
    common["helper_text"] = entry.hint
    if entry.kind == "choice":
        return pmui.Select(options=dict(entry.choices), **common)
    if entry.kind == "several":
        return pmui.MultiChoice(options=dict(entry.choices), stylesheets=[PLAIN], **common)
    if entry.kind in ("list", "json"):
        return pmui.TextAreaInput(rows=3, max_length=LONGEST, sx=MONO, **common)
    return pmui.TextInput(max_length=9 if entry.kind == "number" else entry.most or 2_000, **common)


def _fill(widget: Any, entry: Entry, value: Any) -> None:
    if entry.kind in PICKED:
        widget.value = bool(value) if entry.kind == "flag" else value
        return
    text = value or ""
    if entry.kind == "number":
        text = "" if value is None else str(value)
    elif entry.kind == "list":
        text = "\n".join(value or ())
    elif entry.kind == "json":
        text = json.dumps(value, ensure_ascii=False) if value else ""
    widget.param.update(value=text, value_input=text)


def _read(widget: Any, entry: Entry) -> Any:
    if entry.kind in PICKED:
        return widget.value
    text = str(widget.value or "")  # of when the field was left: to click elsewhere is to leave it
    if entry.kind == "number":
        return read_number(text, entry)
    if entry.kind == "list":
        return [part.strip() for part in re.split(r"[\n,]", text) if part.strip()]
    return read_object(text, entry.key) if entry.kind == "json" else text.strip()


def read_number(text: str, entry: Entry) -> int:
    """What somebody wrote as a whole number.

    Raises:
        InvalidValue: it is none.
    """
    if not re.fullmatch(r"\s*\d{1,9}\s*", text, re.ASCII):
        raise InvalidValue(
            "This is no whole number", field=entry.key, hint=f"0 to {entry.most:,}" if entry.most else None
        )
    return int(text)


def read_object(text: str, field: str) -> dict[str, Any]:
    """What somebody wrote as a JSON object; an empty one for nothing.

    Raises:
        InvalidValue: it is none; the message says where.
    """
    try:
        found = json.loads(text) if text.strip() else {}
    except (json.JSONDecodeError, RecursionError) as error:
        place = f" at line {error.lineno}, column {error.colno}" if isinstance(error, json.JSONDecodeError) else ""
        raise InvalidValue(f"This is not JSON{place}", field=field, hint='such as {"data.type": ["etl"]}') from error
    if not isinstance(found, dict):
        raise InvalidValue("This is no JSON object", field=field, hint='such as {"data.type": ["etl"]}')
    return found
