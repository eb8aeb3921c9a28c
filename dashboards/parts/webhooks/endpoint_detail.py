"""EndpointDetail: one endpoint, its deliveries, and what can be done: test, send again, turn off, change, delete."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import panel as pn
import panel_material_ui as pmui
import param

from claudia_core.errors import NotFound
from claudia_core.model.address import host_of
from claudia_core.model.identity import Scope, current
from claudia_core.model.times import utc_now
from claudia_core.model.webhook import Endpoint
from dashboards import units
from dashboards.cells import webhooks as cells
from dashboards.cells.integrations import circuit
from dashboards.cells.tasks import Row
from dashboards.live import LiveView
from dashboards.parts.frame.act import Say, act, silent
from dashboards.parts.frame.heading import heading, heading_html
from dashboards.parts.frame.rows import Column, Rows
from dashboards.parts.webhooks.delivery_list import DeliveryList
from dashboards.parts.webhooks.endpoint_form import EndpointForm
from dashboards.parts.webhooks.endpoint_list import MOST_COUNTED, waiting

if TYPE_CHECKING:
    from claudia_core import Claudia

FACTS = (Column("label", ""), Column("value", "", "any"))
SIDE = {"flex": "1 1 320px", "min-width": "min(320px, 100%)"}
MAIN = {"flex": "2 1 480px", "min-width": "min(480px, 100%)", "gap": "16px"}
WRAP = {"gap": "16px", "flex-wrap": "wrap", "align-items": "flex-start"}
HEAD = {"align-items": "center", "flex-wrap": "wrap", "gap": "10px"}
TITLE = {"flex": "1 1 260px", "min-width": "min(260px, 100%)", "overflow-wrap": "anywhere"}
AGAIN: dict[str, float | None] = {
    "Send failed again …": 0, "failed in the last hour": 1, "failed in the last day": 24,
    "failed in the last week": 168, "all that failed": None,
}  # fmt: skip
ASK = next(iter(AGAIN))
PAUSE = 0.8


class EndpointDetail(LiveView):
    """An endpoint's facts and deliveries; a test event, failed deliveries again, on and off."""

    endpoint_id = param.String("", doc="The endpoint's id.")
    name_shown = param.String("", doc="The endpoint's name once it is known.")

    def __init__(
        self, claudia: Claudia, *, on_delivery: Callable[[str], None] | None = None, say: Say = silent,
        on_gone: Callable[[], None] | None = None, **params: Any,
    ) -> None:  # fmt: skip
        super().__init__(claudia, **params)
        self._say = say
        self.title = heading("", level=1)
        self.title.styles = TITLE
        self.test = pmui.Button(label="Send test", width=120, variant="contained", margin=(4, 0), css_classes=["test"])
        self.turn = pmui.Button(label="Turn off", width=110, variant="outlined", margin=(4, 0), css_classes=["turn"])
        self.again = pmui.Select(
            options=list(AGAIN), value=ASK, width=220, size="small", margin=(4, 0), css_classes=["failed-again"],
            label="Send again",
        )  # fmt: skip
        self.form = EndpointForm(claudia, say, self._look_again, on_gone)
        may = current().may(Scope.ADMIN)
        self.edit = pmui.Button(label="Change …", variant="outlined", margin=(4, 0), css_classes=["edit"], visible=may)
        self.rotate = pmui.Button(
            label="New secret …", variant="outlined", margin=(4, 0), css_classes=["rotate"], visible=may
        )
        self.edit.on_click(lambda _: self._open(self.form.change))
        self.rotate.on_click(lambda _: self._open(self.form.rotate))
        self.test.on_click(self._on_test)
        self.turn.on_click(self._on_turn)
        self.again.param.watch(self._on_again, "value")
        self.actions = pn.Row(self.test, self.again, self.turn, self.edit, self.rotate, styles=HEAD, margin=0)
        self.facts = Rows(FACTS, label="Facts about the endpoint", title="Endpoint", layout="facts", styles=SIDE)
        self.deliveries = DeliveryList(claudia, on_open=on_delivery, title="Deliveries")
        main = pn.Column(self.deliveries.layout, styles=MAIN, sizing_mode="stretch_width", margin=0)
        self.body = pn.Row(self.facts, main, styles=WRAP, sizing_mode="stretch_width", margin=0)
        head = pn.Row(self.title, self.actions, styles=HEAD, sizing_mode="stretch_width", margin=0)
        self.layout = pn.Column(
            head, self.body, self.form.dialogs, styles={"gap": "16px"}, sizing_mode="stretch_width", margin=0
        )
        self._endpoint: Endpoint | None = None
        self._at = 0.0

    def refresh(self) -> None:
        """Bring everything up to date, unless that was just now."""
        now = time.monotonic()
        known = self._endpoint is not None and self._endpoint.id == self.endpoint_id
        if not self.endpoint_id or (known and now - self._at < PAUSE):
            return
        self._at = now
        try:
            self._show(self.claudia.webhooks.get(self.endpoint_id))
        except NotFound:
            self._endpoint, self.name_shown = None, "Endpoint not found"
            self.title.object = heading_html("Endpoint not found", "It was deleted, or never was", level=1)
            self.body.visible = self.actions.visible = False

    def _show(self, endpoint: Endpoint) -> None:
        self._endpoint, self.name_shown = endpoint, endpoint.name
        word = cells.endpoint_state(endpoint)
        because = f" · {endpoint.disabled_reason}" if endpoint.disabled_reason else ""
        text = f"{word['mark']} {word['word']}{because}"
        self.title.object = heading_html(endpoint.name, text, word["tone"], level=1)
        self.body.visible = self.actions.visible = True
        self.turn.label = "Turn off" if endpoint.active else "Turn on"
        self.test.disabled = not endpoint.active
        number = waiting(self.claudia, endpoint.id)
        told = f"{units.plural(number, 'delivery').replace('deliverys', 'deliveries')}"
        more = " or more" if number >= MOST_COUNTED else ""
        self.facts.put(cells.endpoint_facts(endpoint, f"{told}{more}" if number else None, self._circuit(endpoint)))
        self.deliveries.endpoint = endpoint.id
        self.deliveries.refresh()

    def _circuit(self, endpoint: Endpoint) -> Row | None:
        """The circuit of its host, where a process sends to it."""
        name = f"webhook {host_of(endpoint.url)}"[:100]
        found = next((one for one in self.claudia.processes.services() if one.name == name), None)
        return None if found is None else circuit(found)

    def _open(self, dialog: Callable[[Endpoint], None]) -> None:
        if self._endpoint is not None:
            dialog(self._endpoint)

    async def _on_test(self, _: object) -> None:
        work = partial(self.claudia.webhooks.test, self.endpoint_id)
        await act("webhooks.test", self.claudia, work, self._say, lambda _: "A test event is on its way")
        self._look_again()

    async def _on_turn(self, _: object) -> None:
        if self._endpoint is None:
            return
        work = partial(self.claudia.webhooks.update, self.endpoint_id, active=not self._endpoint.active)
        await act("webhooks.update", self.claudia, work, self._say, _turned)
        self._look_again()

    async def _on_again(self, event: Any) -> None:
        hours = AGAIN.get(event.new, 0)
        if hours == 0:
            return
        self.again.value = ASK
        since = None if hours is None else utc_now() - timedelta(hours=hours)
        id = self.endpoint_id

        def work() -> dict[str, int]:
            return {id: self.claudia.webhooks.redrive_failed(id, since)}

        await act("webhooks.redrive", self.claudia, work, self._say, lambda found: again_words(found[id]))
        self._look_again()

    def _look_again(self) -> None:
        self._endpoint = None
        self.deliveries.again()
        self.pull()


def _turned(endpoint: Endpoint) -> str:
    return f"{endpoint.name} is {'on: what waits is sent' if endpoint.active else 'off: nothing is sent to it'}"


def again_words(number: int) -> str:
    """How many deliveries are sent again, in words."""
    noun = "delivery is" if number == 1 else "deliveries are"
    return f"{units.number(number)} {noun} on the way again" if number else "Nothing had failed in that time"
