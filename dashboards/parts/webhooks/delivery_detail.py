"""DeliveryDetail: one webhook with every attempt, what is sent, and sending it again."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import panel as pn
import panel_material_ui as pmui
import param

from claudia_core.errors import NotFound
from claudia_core.model.delivery import Delivery
from dashboards.cells import webhooks as cells
from dashboards.live import LiveView
from dashboards.parts.frame.act import Say, act, silent
from dashboards.parts.frame.heading import heading, heading_html
from dashboards.parts.frame.rows import Column, Rows

if TYPE_CHECKING:
    from claudia_core import Claudia

FACTS = (Column("label", ""), Column("value", "", "any"))
CONTENT = (Column("label", "", "heading"), Column("value", "", "code"))
ATTEMPTS = (
    Column("status", "Answer", "status"), Column("at", "When", "ago"), Column("took", "Took", "figure"),
    Column("says", "It said"),
)  # fmt: skip
NO_ATTEMPT = ("No attempt yet", "It is sent when its time comes, by the process that serves the hub.")
SIDE = {"flex": "1 1 320px", "min-width": "min(320px, 100%)"}
MAIN = {"flex": "2 1 480px", "min-width": "min(480px, 100%)", "gap": "16px"}
WRAP = {"gap": "16px", "flex-wrap": "wrap", "align-items": "flex-start"}
HEAD = {"align-items": "center", "flex-wrap": "wrap", "gap": "10px"}
TITLE = {"flex": "1 1 260px", "min-width": "min(260px, 100%)", "overflow-wrap": "anywhere"}
PAUSE = 0.8


class DeliveryDetail(LiveView):
    """A delivery's facts, its attempts with answers and latencies, and its body."""

    delivery_id = param.String("", doc="The delivery's id.")

    def __init__(
        self, claudia: Claudia, *, on_endpoint: Callable[[str], None] | None = None, say: Say = silent, **params: Any
    ) -> None:
        super().__init__(claudia, **params)
        self._say = say
        self.title = heading("", level=1)
        self.title.styles = TITLE
        self.send = pmui.Button(label="Send again", width=130, variant="outlined", margin=(4, 0), css_classes=["again"])
        self.send.on_click(self._on_send)
        opens = "here" if on_endpoint else "there"
        self.facts = Rows(
            FACTS, label="Facts about the delivery", title="Delivery", layout="facts", opens=opens,
            on_open=on_endpoint, styles=SIDE,
        )  # fmt: skip
        self.attempts = Rows(ATTEMPTS, label="Attempts", title="Attempts", zero=list(NO_ATTEMPT))
        self.content = Rows(CONTENT, label="What is sent", title=" ", layout="codes")
        main = pn.Column(self.attempts, self.content, styles=MAIN, sizing_mode="stretch_width", margin=0)
        self.body = pn.Row(self.facts, main, styles=WRAP, sizing_mode="stretch_width", margin=0)
        head = pn.Row(self.title, self.send, styles=HEAD, sizing_mode="stretch_width", margin=0)
        self.layout = pn.Column(head, self.body, styles={"gap": "16px"}, sizing_mode="stretch_width", margin=0)
        self._asked = ""
        self._at = 0.0

    def refresh(self) -> None:
        """Bring everything up to date, unless that was just now."""
        now = time.monotonic()
        if not self.delivery_id or (self._asked == self.delivery_id and now - self._at < PAUSE):
            return
        self._asked, self._at = self.delivery_id, now
        try:
            self._show(self.claudia.webhooks.delivery(self.delivery_id))
        except NotFound:
            none = "It was pruned, or there never was one of this id"
            self.title.object = heading_html("Delivery not found", none, level=1)
            self.body.visible = self.send.visible = False

    def _show(self, delivery: Delivery) -> None:
        names = {one.id: one.name for one in self.claudia.webhooks.list()}
        word = cells.delivery_status(delivery)
        last = f" · {cells.answer(delivery.attempts[-1])}" if delivery.attempts else ""
        text = f"{word['mark']} {word['word']}{last}"
        self.title.object = heading_html(delivery.event_type, text, word["tone"], level=1)
        self.body.visible = True
        self.send.visible = delivery.endpoint_id in names
        self.facts.put(cells.delivery_facts(delivery, names.get(delivery.endpoint_id)))
        self.attempts.put(cells.attempt_rows(delivery.attempts))
        self.content.put(cells.delivery_blocks(delivery))

    async def _on_send(self, _: object) -> None:
        work = partial(self.claudia.webhooks.redrive, self.delivery_id)
        if await act("deliveries.redrive", self.claudia, work, self._say, lambda _: "On its way again"):
            self._asked = ""
            self.pull()
