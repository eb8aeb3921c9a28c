"""DeliveryList: webhooks on their way, delivered and failed, the newest first."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import param

from claudia_core.errors import BadCursor
from claudia_core.model.delivery import DeliveryStatus
from dashboards.cells import webhooks as cells
from dashboards.live import LiveView
from dashboards.parts.frame.rows import Column, Rows

if TYPE_CHECKING:
    from claudia_core import Claudia

COLUMNS = (
    Column("status", "Status", "status"),
    Column("name", "Event", "link"),
    Column("answer", "Last answer", "text"),
    Column("tries", "Tries", "figure", 2),
    Column("next", "Next try", "left", 2),
    Column("at", "Queued", "ago"),
)
NO_DELIVERY = ("No delivery yet", "An event that an endpoint wants is listed here; “Send test” makes one.")
NO_MATCH = ("No delivery is like this", "Choose another status or endpoint.")
PAUSE = 0.8
"""Seconds for which the list is not asked for again, however much happens."""


class DeliveryList(LiveView):
    """Deliveries of a hub page by page, each with its last answer and when it is tried next."""

    status: Any = param.Selector(default="", objects=["", *DeliveryStatus], doc="Only deliveries like this.")
    endpoint = param.String("", doc="Only those to the endpoint of this id.")
    after = param.String("", doc="The cursor of the page; empty for the first.")
    limit = param.Integer(50, bounds=(1, 500), doc="Deliveries of a page.")

    def __init__(
        self, claudia: Claudia, *, on_open: Callable[[str], None] | None = None,
        on_pick: Callable[[], None] | None = None, title: str = "", **params: Any,
    ) -> None:  # fmt: skip
        super().__init__(claudia, **params)
        self.next: str | None = None
        self.table = Rows(
            COLUMNS, label="Deliveries", title=title, opens="here" if on_open else "there", on_open=on_open,
            on_pick=on_pick, selects=on_pick is not None,
        )  # fmt: skip
        self.layout = self.table
        self._asked: tuple[str, ...] | None = None
        self._at = 0.0

    @property
    def picked(self) -> dict[str, Any]:
        """The selected rows by their delivery's id."""
        return self.table.picked

    def refresh(self) -> None:
        """Ask for the page's deliveries, unless that was just now."""
        asked = (self.endpoint, str(self.status), self.after)
        now = time.monotonic()
        if asked == self._asked and now - self._at < PAUSE:
            return
        if self._asked is not None and self._asked != asked:
            self.table.unpick()  # what is selected belongs to what is seen
        page = self._page()
        self.next = page.next
        names = {one.id: one.name for one in self.claudia.webhooks.list()}
        zero = NO_MATCH if any(asked) else NO_DELIVERY
        self.table.put([cells.delivery_row(one, names) for one in page.deliveries], zero)
        self._asked, self._at = asked, now

    def again(self) -> None:
        """Ask at the next refresh."""
        self._at = 0.0

    def _page(self) -> Any:
        find = self.claudia.webhooks.deliveries
        chosen: dict[str, Any] = {"status": self.status or None, "limit": self.limit}
        try:
            return find(self.endpoint or None, after=self.after or None, **chosen)
        except BadCursor:  # of an address that was made by hand
            return find(self.endpoint or None, **chosen)
