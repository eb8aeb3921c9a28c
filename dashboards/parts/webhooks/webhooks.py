"""WebhooksView: endpoints, and below them deliveries that can be sent again."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import panel as pn
import panel_material_ui as pmui
import param

from claudia_core.errors import ClaudiaError
from claudia_core.model.delivery import Delivery, DeliveryStatus
from claudia_core.model.identity import Scope, current
from dashboards.live import LiveView
from dashboards.parts.frame.act import Say, act
from dashboards.parts.frame.heading import markup
from dashboards.parts.frame.tiles import Tabs
from dashboards.parts.webhooks.delivery_list import DeliveryList
from dashboards.parts.webhooks.endpoint_detail import again_words
from dashboards.parts.webhooks.endpoint_form import EndpointForm
from dashboards.parts.webhooks.endpoint_list import EndpointList
from dashboards.theme import CARD, HEADING

if TYPE_CHECKING:
    from claudia_core import Claudia

CHOICES = (
    {"key": "", "label": "All"},
    {"key": "failed", "label": "Failed", "mark": "✖"},
    {"key": "pending", "label": "Waiting", "mark": "…"},
    {"key": "delivered", "label": "Delivered", "mark": "✔"},
)


class WebhooksView(LiveView):
    """Endpoints, and all deliveries page by page; those that are selected are sent again."""

    status: Any = param.Selector(default="", objects=["", *DeliveryStatus], doc="Only deliveries like this.")
    after = param.String("", doc="The cursor of the page of deliveries.")

    def __init__(
        self, claudia: Claudia, *, on_endpoint: Callable[[str], None], on_delivery: Callable[[str], None],
        on_status: Callable[[str], None], on_page: Callable[[str], None], say: Say, **params: Any,
    ) -> None:  # fmt: skip
        super().__init__(claudia, **params)
        self._say = say
        self._on_page = on_page
        self.form = EndpointForm(claudia, say, self._changed)
        self.new = pmui.Button(
            label="New endpoint …", width=150, variant="outlined", margin=(2, 0), css_classes=["new-endpoint"],
            visible=current().may(Scope.ADMIN),
        )  # fmt: skip
        self.new.on_click(lambda _: self.form.make())
        self.endpoints = EndpointList(claudia, on_open=on_endpoint, title="Endpoints")
        self.tabs = Tabs(label="Status", on_choose=on_status, items=[dict(one) for one in CHOICES])
        self.deliveries = DeliveryList(claudia, on_open=on_delivery, on_pick=self._on_pick)
        self.send = pmui.Button(
            label="Send again", width=140, variant="contained", margin=(4, 0), css_classes=["again"], visible=False
        )
        self.send.on_click(self._on_send)
        self.pager = Tabs(label="Pages", on_choose=self._on_turn, css_classes=["pager"])
        box = pn.Column(
            markup("<h2>Deliveries</h2>", HEADING), self.tabs, self.send, self.deliveries.layout, self.pager,
            styles={**CARD, "gap": "10px"}, sizing_mode="stretch_width", margin=0,
        )  # fmt: skip
        self.layout = pn.Column(
            self.endpoints.layout,
            self.new,
            box,
            self.form.dialogs,
            styles={"gap": "16px"},
            sizing_mode="stretch_width",
            margin=0,
        )

    def refresh(self) -> None:
        """Bring both lists up to date."""
        self.endpoints.refresh()
        self.deliveries.param.update(status=self.status, after=self.after)
        self.deliveries.refresh()
        self.tabs.value = self.status
        newest = [{"key": "newest", "label": "← First"}] if self.after else []
        items = newest + ([{"key": "older", "label": "Next →"}] if self.deliveries.next else [])
        if items != self.pager.items:
            self.pager.items = items

    def _changed(self) -> None:
        self.endpoints.again()
        self.pull()

    def _on_turn(self, page: str) -> None:
        self._on_page((self.deliveries.next or "") if page == "older" else "")

    def _on_pick(self) -> None:
        self.send.visible = bool(self.deliveries.picked)

    async def _on_send(self, _: object) -> None:
        ids = list(self.deliveries.picked)

        def work() -> dict[str, Delivery | ClaudiaError]:
            return {id: self._again(id) for id in ids}

        await act("deliveries.redrive", self.claudia, work, self._say, _told)
        self.deliveries.table.unpick()
        self._on_pick()
        self.deliveries.again()
        self.pull()

    def _again(self, id: str) -> Delivery | ClaudiaError:
        try:
            return self.claudia.webhooks.redrive(id)
        except ClaudiaError as error:  # one that was pruned meanwhile holds up no other
            return error


def _told(found: dict[str, Delivery | ClaudiaError]) -> str:
    wrong = [str(one) for one in found.values() if isinstance(one, ClaudiaError)]
    return again_words(len(found) - len(wrong)) + (f"; {len(wrong)} not: {wrong[0]}" if wrong else "")
