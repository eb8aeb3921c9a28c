"""CallList: the live debugger: calls to services as they go, and one with what was sent and answered."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import panel as pn
import panel_material_ui as pmui
import param

from claudia_core.resilience.debugger import EVERY
from dashboards import units
from dashboards.cells import integrations as cells
from dashboards.live import LiveView
from dashboards.parts.frame.act import Say, act, silent
from dashboards.parts.frame.fields import Fields
from dashboards.parts.frame.rows import Column, Rows
from dashboards.theme import CARD

if TYPE_CHECKING:
    from claudia_core import Claudia

COLUMNS = (
    Column("status", "Outcome", "status"), Column("name", "Call", "link"), Column("took", "Took", "figure"),
    Column("at", "When", "ago"),
)  # fmt: skip
CONTENT = (Column("label", "", "heading"), Column("value", "", "code"))
type Change = Callable[[str, str], None]
"""Called with the name of a field, and what it is now."""

OUTCOMES = ("", "ok", "error", "refused")
KEEP = {"Keep calls …": None, "for 5 minutes": 5.0, "for 15 minutes": 15.0, "for an hour": 60.0, "stop": 0.0}
ASK = next(iter(KEEP))
OFF = ("No call is kept", "Calls are kept while the debugger is on for their service: choose for how long above.")
ON = ("No call yet", "The debugger is on: the next call appears here.")
NO_MATCH = ("No call is like this", "Choose another service or outcome.")
NO_CONTENT = ("Nothing was noted", "The call told neither what it sent nor what came back.")
HEAD = {"align-items": "flex-end", "flex-wrap": "wrap", "gap": "10px"}
MOST = 100


class CallList(LiveView):
    """Calls that the debugger keeps, newest first, for one service or all; secrets were taken out."""

    service = param.String("", doc="Only calls to this service; empty for all.")
    outcome: Any = param.Selector(default="", objects=list(OUTCOMES), doc="Only calls that ended like this.")
    process = param.String("", doc="The id of the process whose calls are listed; empty for all.")
    call = param.String("", doc="The call shown in full.")

    def __init__(
        self, claudia: Claudia, *, say: Say = silent, on_change: Change | None = None, fixed: bool = False,
        **params: Any,
    ) -> None:  # fmt: skip
        super().__init__(claudia, **params)
        self._say = say
        self._on_change = on_change
        self._is_fixed = fixed
        self.fields = Fields(label="Which calls", on_change=self._on_field)
        self.keep = pmui.Select(
            options=list(KEEP), value=ASK, width=180, size="small", margin=(4, 0), css_classes=["keep"],
            label="Debugger",
        )  # fmt: skip
        self.keep.param.watch(self._on_keep, "value")
        self.table = Rows(COLUMNS, label="Calls", opens="here", on_open=self._on_open)
        self.content = Rows(CONTENT, label="The chosen call", title="The chosen call", layout="codes", visible=False)
        head = pn.Row(self.fields, self.keep, styles=HEAD, sizing_mode="stretch_width", margin=0)
        box = pn.Column(head, self.table, styles={**CARD, "gap": "10px"}, sizing_mode="stretch_width", margin=0)
        self.layout = pn.Column(self.content, box, styles={"gap": "16px"}, sizing_mode="stretch_width", margin=0)

    def refresh(self) -> None:
        """Bring the list up to date."""
        seen = self.claudia.processes
        chosen: dict[str, Any] = {"integration": self.service or None, "process": self.process}
        calls = seen.calls(**chosen, outcome=self.outcome or None, limit=MOST)
        is_on = self.claudia.integrations.debugger.is_on(self.service or EVERY)
        filtered = self.outcome and seen.calls(**chosen, limit=1)
        self.table.put(cells.call_rows(calls, self.call), NO_MATCH if filtered else ON if is_on else OFF)
        found = next((one for one in calls if cells.call_id(one) == self.call), None)
        self.content.put([] if found is None else cells.call_blocks(found), NO_CONTENT)
        self.content.visible = found is not None
        self._show_fields()

    def _show_fields(self) -> None:
        outcomes = [[one, one or "all"] for one in OUTCOMES]
        items = [{"key": "outcome", "label": "Outcome", "value": self.outcome, "choices": outcomes}]
        if not self._is_fixed:
            names = sorted({one.name for one in self.claudia.processes.services()} | ({self.service} - {""}))
            services = [["", "all"], *([one, one] for one in names)]
            items = [{"key": "service", "label": "Service", "value": self.service, "choices": services}, *items]
        if items != self.fields.items:
            self.fields.items = items

    def _on_field(self, key: str, value: str) -> None:
        if key == "outcome" and value not in OUTCOMES:
            return
        self.param.update(**{key: value[:100]})
        if self._on_change is not None:
            self._on_change(key, value[:100])
        self.pull()

    def _on_open(self, id: str) -> None:
        self.call = "" if id == self.call else id
        self.pull()

    async def _on_keep(self, event: Any) -> None:
        minutes = KEEP.get(event.new)
        if minutes is None:
            return
        self.keep.value = ASK
        name = self.service or EVERY
        work = partial(self._turn, name, minutes)
        whose = self.service or "all services"
        told = f"Calls to {whose} are " + (f"kept for {units.span(minutes * 60)}" if minutes else "no longer kept")
        await act("integrations.debug", self.claudia, work, self._say, lambda _: told)
        self.pull()

    def _turn(self, name: str, minutes: float) -> dict[str, float]:
        self.claudia.processes.debug(name, minutes)
        return {name: minutes}
