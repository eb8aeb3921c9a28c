"""SavedFilters: named choices of tasks, to apply with a click; saved, renamed and deleted by everybody on the hub."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import panel as pn
import panel_material_ui as pmui

from claudia_core.model.saved_filter import MAX_TITLE, SavedFilter
from dashboards.choices import BUILTIN
from dashboards.parts.frame.heading import heading, heading_html
from dashboards.parts.frame.tiles import Tabs
from dashboards.parts.tasks.actions import Actions

if TYPE_CHECKING:
    from claudia_core import Claudia

BOX = {"padding": "14px 6px 4px", "gap": "12px"}
FOOT = {"justify-content": "flex-end", "flex-wrap": "wrap", "gap": "8px"}
WORDS = {
    "save": ("Save this filter", "Everybody on this hub sees it beside the others.", "Save"),
    "rename": ("Rename this filter", "Everybody on this hub sees the new name.", "Rename"),
    "delete": ("Delete this filter?", "It goes for everybody on this hub. No task is touched.", "Yes, delete it"),
}


class SavedFilters:
    """A row of filters, of which the one that is in force is marked, and a dialog for their names.

    Args:
        claudia: the hub.
        actions: carries out what is asked for.
        say: tells how it went.
        on_choose: called with the filter to apply.
    """

    def __init__(
        self, claudia: Claudia, actions: Actions, say: Callable[[str, str], None],
        on_choose: Callable[[Mapping[str, str]], None],
    ) -> None:  # fmt: skip
        self.claudia = claudia
        self._actions = actions
        self._say = say
        self._on_choose = on_choose
        self._verb = ""
        self._state: dict[str, str] = {}
        self._saved: list[SavedFilter] = []
        self.choices = Tabs(label="Saved filters", on_choose=self._on_chip, css_classes=["saved"])
        self.verbs = Tabs(label="This filter", on_choose=self._on_verb, css_classes=["filter-verbs"])
        self.title = heading("")
        self.name = pmui.TextInput(
            label="Name", max_length=MAX_TITLE, sizing_mode="stretch_width", margin=(6, 0), css_classes=["filter-name"]
        )
        self.yes = pmui.Button(label="Save", variant="contained", css_classes=["filter-yes"])
        self.no = pmui.Button(label="Leave it", variant="text", css_classes=["filter-no"])
        self.yes.on_click(self._on_yes)
        self.no.on_click(self._on_no)
        foot = pn.Row(self.no, self.yes, styles=FOOT, sizing_mode="stretch_width")
        body = pn.Column(self.title, self.name, foot, styles=BOX, sizing_mode="stretch_width", margin=0)
        self.dialog = pmui.Dialog(body, close_on_click=True)
        self.layout = pn.Column(
            self.choices, self.verbs, self.dialog, styles={"gap": "0"}, sizing_mode="stretch_width", margin=0
        )

    @property
    def chosen(self) -> SavedFilter | None:
        """The saved filter that is in force."""
        return next((saved for saved in self._saved if dict(saved.query) == self._state), None)

    def show(self, state: Mapping[str, str]) -> None:
        """Show what there is; `state` is the filter in force."""
        self._state = dict(state)
        self._saved = self.claudia.filters.list()
        builtin = [{"key": f"own/{filter.name}", "label": filter.name} for filter in BUILTIN]
        saved = [{"key": f"saved/{filter.id}", "label": f"★ {filter.name}"} for filter in self._saved]
        here = next((f"own/{own.name}" for own in BUILTIN if own.query == self._state), "")
        chosen = self.chosen
        value = here or (f"saved/{chosen.id}" if chosen else "")
        self.choices.param.update(items=builtin + saved, value=value)
        verbs = [("clear", "✕ Clear filters")] if self._state else []
        if chosen is not None:
            verbs += [("rename", "Rename …"), ("delete", "Delete …")]
        elif self._state and not here:
            verbs += [("save", "☆ Save this filter …")]
        self.verbs.param.update(items=[{"key": key, "label": label} for key, label in verbs], visible=bool(verbs))

    def _on_chip(self, key: str) -> None:
        kind, _, name = key.partition("/")
        asked = next((own.query for own in BUILTIN if kind == "own" and own.name == name), None)
        asked = asked or next((saved.query for saved in self._saved if kind == "saved" and saved.id == name), None)
        if asked is not None:
            self._on_choose({} if dict(asked) == self._state else asked)

    def _on_verb(self, verb: str) -> None:
        if verb == "clear":
            self._on_choose({})
            return
        self._verb = verb
        chosen = self.chosen
        title, text, label = WORDS[verb]
        named = chosen.name if chosen is not None and verb != "save" else ""
        self.title.object = heading_html(title, f"{named}: {text}" if named else text)
        self.name.param.update(value=named, value_input=named, visible=verb != "delete")
        self.yes.label = label
        self.dialog.open = True

    async def _on_yes(self, _: object) -> None:
        verb, self._verb = self._verb, ""
        chosen, state = self.chosen, dict(self._state)
        name = self.name.value_input or self.name.value or ""
        filters = self.claudia.filters
        work: dict[str, Callable[[], Any]] = {"save": lambda: filters.save(name, state)}
        if chosen is not None:
            work |= {"rename": lambda: filters.rename(chosen.id, name), "delete": lambda: filters.delete(chosen.id)}
        if verb not in work:
            return
        done = await self._actions.perform(f"filters.{verb}", work[verb])
        if done is None:
            self._verb = verb  # the dialog stays: a name can be taken
            return
        self.dialog.open = False
        past = {"save": "Saved", "rename": "Renamed", "delete": "Deleted"}[verb]
        self._say(f"{past}: {done.name}", "good")
        self.show(state)

    def _on_no(self, _: object) -> None:
        self.dialog.open = False
