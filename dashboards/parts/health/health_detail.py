"""HealthDetail: all there is to know about one check."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import panel as pn
import param

from claudia_core.model.times import utc_now
from claudia_core.services.health import Standing
from dashboards.cells import health as cells
from dashboards.event_log import Wanted, older
from dashboards.live import LiveView
from dashboards.parts.charts.latency import LatencyChart
from dashboards.parts.frame.heading import heading, heading_html
from dashboards.parts.frame.rows import Column, Rows
from dashboards.parts.health.health_list import by_name
from dashboards.parts.health.health_run import RunNow

if TYPE_CHECKING:
    from claudia_core import Claudia

FACTS = (Column("label", ""), Column("value", "", "any"))
BARS = (Column("days", "Each day", "days"),)
DAYS = (
    Column("day", "Day"), Column("available", "Available", "figure"), Column("failed", "Fails", "figure"),
    Column("warned", "Warnings", "figure"), Column("runs", "Runs", "figure"), Column("latency", "Mean", "figure"),
)  # fmt: skip
CHANGES = (Column("at", "When", "ago"), Column("says", "Change"), Column("output", "It said"))
NO_CHANGE = ("No change is kept", "When the state turns, it is told here and as the event health:changed.")
NO_DAY = ("No run is counted yet", "A server counts each run; so does “Run now”.")
SIDE = {"flex": "1 1 320px", "min-width": "min(320px, 100%)"}
MAIN = {"flex": "2 1 480px", "min-width": "min(480px, 100%)", "gap": "16px"}
WRAP = {"gap": "16px", "flex-wrap": "wrap", "align-items": "flex-start"}
HEAD = {"align-items": "center", "flex-wrap": "wrap", "gap": "10px"}
MOST_CHANGES = 20
PAUSE = 0.8


class HealthDetail(LiveView):
    """A check's facts, its last 90 days, how long it took by hour, and when its state turned."""

    check = param.String("", doc="The check's name.")

    def __init__(
        self, claudia: Claudia, *, on_open: Callable[[str], None] | None = None,
        say: Callable[[str, str], None] | None = None, **params: Any,
    ) -> None:  # fmt: skip
        super().__init__(claudia, **params)
        opens = "here" if on_open else "there"
        self.title = heading("", level=1)
        self.title.styles = {"flex": "1 1 260px", "min-width": "min(260px, 100%)", "overflow-wrap": "anywhere"}
        self.run = RunNow(claudia, "Run now", lambda: self.check, say or _silent, self._on_done)
        self.facts = Rows(
            FACTS, label="Facts about the check", title="Check", layout="facts", opens=opens, on_open=on_open,
            styles=SIDE,
        )  # fmt: skip
        self.bars = Rows(
            BARS, label="Availability of each day", title="Last 90 days", zero=list(NO_DAY), layout="codes"
        )
        self.chart = LatencyChart(claudia)
        self.changes = Rows(CHANGES, label="Changes of state", title="When it turned", zero=list(NO_CHANGE))
        self.days = Rows(DAYS, label="Days with runs", title="The last week, and days with fails", zero=list(NO_DAY))
        parts = (self.bars, self.chart.layout, self.changes, self.days)
        main = pn.Column(*parts, styles=MAIN, sizing_mode="stretch_width", margin=0)
        self.body = pn.Row(self.facts, main, styles=WRAP, sizing_mode="stretch_width", margin=0)
        head = pn.Row(self.title, self.run.button, styles=HEAD, sizing_mode="stretch_width", margin=0)
        self.layout = pn.Column(head, self.body, styles={"gap": "16px"}, sizing_mode="stretch_width", margin=0)
        self._asked = ""
        self._at = 0.0

    def refresh(self) -> None:
        """Bring everything up to date, unless that was just now."""
        now = time.monotonic()
        if not self.check or (self._asked == self.check and now - self._at < PAUSE):
            return
        standings = self.claudia.health.standings()
        found = by_name(standings, self.check)
        self.body.visible = found is not None
        self.run.button.visible = found is not None and found.is_here
        if found is None:
            none = f"No process on this hub runs or ran a check {self.check[:80]!r}"
            self.title.object = heading_html("Check not found", none, level=1)
        else:
            self._show(found, standings)
        self._asked, self._at = self.check, now

    def _show(self, found: Standing, standings: list[Standing]) -> None:
        moment = utc_now()
        word = cells.status(found, moment)
        says = " · ".join(part for part in (f"{word['mark']} {word['word']}", cells.says(found, moment)) if part)
        self.title.object = heading_html(found.name, says, word["tone"], level=1)
        days = self.claudia.health.days([found.name], cells.DAYS)[found.name]
        self.facts.put(cells.check_facts(found, standings, days, moment))
        bars = cells.day_bars(days, moment, titled=True)
        self.bars.put([{"id": "days", "days": bars}] if bars else [])
        self.days.put(cells.day_rows(days))
        self.chart.check = found.name
        self.chart.refresh()
        wanted = Wanted("health:changed", found.name)
        store = self.claudia.store
        self.changes.put(cells.change_rows(older(store, wanted, store.head(), MOST_CHANGES).events))

    def _on_done(self) -> None:
        self._asked = ""
        self.pull()


def _silent(text: str, tone: str) -> None:
    """Where there is no frame, what a run came to is seen in the check itself."""
