"""NoticeList: what somebody was told, to acknowledge; for admins also what everybody was told."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import panel as pn
import panel_material_ui as pmui
import param

from claudia_core.errors import BadCursor
from claudia_core.model.identity import Identity, Scope, acting_as
from claudia_core.model.rule import EVERYBODY
from claudia_core.services.notifications.notices import NoticePage
from dashboards import units
from dashboards.cells import notices as cells
from dashboards.live import LiveView
from dashboards.parts.frame.act import Say, act
from dashboards.parts.frame.heading import heading_html, markup
from dashboards.parts.frame.rows import Column, Rows
from dashboards.parts.frame.tiles import Tabs
from dashboards.theme import CARD, HEADING

if TYPE_CHECKING:
    from claudia_core import Claudia

MINE = (
    Column("status", "Level", "status"), Column("name", "Notice", "link"), Column("seen", "Seen"),
    Column("at", "When", "ago"),
)  # fmt: skip
ALL = (*MINE[:2], Column("owner", "For"), *MINE[2:])
NO_NOTICE = ("No notice yet", "What rules tell you is listed here, until you acknowledge it and after.")
NOBODYS = ("No notice yet", "What rules tell people in their lists is listed here.")
WHOSE = ({"key": "", "label": "Yours"}, {"key": "all", "label": "Everybody's"})
FOOT = {"flex-wrap": "wrap", "gap": "8px", "align-items": "center"}
MOST = 50
PAUSE = 1.0
"""Seconds for which nothing is asked for again, however much happens."""


class NoticeList(LiveView):
    """One's own notices, or everybody's, page by page; one's own are acknowledged."""

    whose: Any = param.Selector(default="", objects=[one["key"] for one in WHOSE], doc="Whose notices.")
    after = param.String("", doc="The cursor of the page.")

    def __init__(
        self, claudia: Claudia, *, who: Identity, on_change: Callable[[str, str], None], say: Say, **params: Any
    ) -> None:
        super().__init__(claudia, **params)
        self._who = who
        self._say = say
        self._on_change = on_change
        self._next = ""
        self.head = markup("", HEADING)
        self.tabs = Tabs(
            label="Whose notices", on_choose=lambda key: on_change("whose", key), items=[dict(one) for one in WHOSE],
            visible=who.may(Scope.ADMIN) and not who.is_confined,
        )  # fmt: skip
        self.table = Rows(
            MINE, label="Notices", opens="there", on_pick=self._on_pick, selects=True, zero=list(NO_NOTICE)
        )
        self.everybodys = Rows(ALL, label="Everybody's notices", opens="there", zero=list(NOBODYS), visible=False)
        self.seen = _button("Acknowledge", visible=False)
        self.all_seen = _button("Acknowledge all", visible=False)
        self.seen.on_click(self._on_seen)
        self.all_seen.on_click(self._on_all_seen)
        self.pager = Tabs(label="Pages of notices", on_choose=self._on_turn, css_classes=["pager"])
        actions = pn.Row(self.seen, self.all_seen, styles=FOOT, margin=0)
        parts = (self.head, self.tabs, actions, self.table, self.everybodys, self.pager)
        self.layout = pn.Column(*parts, styles={**CARD, "gap": "8px"}, sizing_mode="stretch_width", margin=0)
        self._asked: tuple[str, str] | None = None
        self._at = 0.0

    def refresh(self) -> None:
        """Bring the list up to date, unless that was just now."""
        now, asked = time.monotonic(), (self.whose, self.after)
        if self._asked == asked and now - self._at < PAUSE:
            return
        self._asked, self._at = asked, now
        is_all = self.whose == "all" and self.tabs.visible
        page = self._page(EVERYBODY if is_all else None)
        unread = f"{units.plural(page.unread, 'notice')} to acknowledge" if page.unread else ""
        self.head.object = heading_html("Everybody's notices" if is_all else "Your notices", unread, level=2)
        self.tabs.value = "all" if is_all else ""
        self.table.visible, self.everybodys.visible = not is_all, is_all
        if is_all:
            people = {one.id: one.name for one in self.claudia.notifications.people.all()}
            self.everybodys.put([cells.notice_row(notice, people) for notice in page.notices])
        else:
            self.table.put([cells.notice_row(notice) for notice in page.notices])
        self.all_seen.visible = page.unread > 0 and not is_all
        self._next = page.next or ""
        newest = [{"key": "newest", "label": "← First"}] if self.after else []
        items = newest + ([{"key": "older", "label": "Next →"}] if self._next else [])
        if items != self.pager.items:
            self.pager.items = items

    def _page(self, user: str | None) -> NoticePage:
        notices = self.claudia.notifications.notices
        with acting_as(self._who):  # the beat is nobody's
            try:
                return notices.list(user, limit=MOST, after=self.after or None)
            except BadCursor:  # made by hand
                return notices.list(user, limit=MOST)

    def again(self) -> None:
        """Ask at the next refresh."""
        self._asked = None

    def _on_turn(self, page: str) -> None:
        self._on_change("after", self._next if page == "older" else "")

    def _on_pick(self) -> None:
        self.seen.visible = bool(self.table.picked)

    async def _on_seen(self, _: object) -> None:
        await self._acknowledge(list(self.table.picked))

    async def _on_all_seen(self, _: object) -> None:
        await self._acknowledge(None)

    async def _acknowledge(self, ids: Sequence[str] | None) -> None:
        def work() -> dict[str, int]:
            return {"notices": self.claudia.notifications.notices.acknowledge(ids)}

        await act("notices.acknowledge", self.claudia, work, self._say, _acknowledged)
        self.table.unpick()
        self._on_pick()
        self.again()
        self.pull()


def _button(label: str, **params: Any) -> Any:
    return pmui.Button(label=label, width=150, variant="outlined", margin=(2, 0), **params)


def _acknowledged(found: dict[str, int]) -> str:
    return f"Acknowledged: {units.plural(found['notices'], 'notice')}"
