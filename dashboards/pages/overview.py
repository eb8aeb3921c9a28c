"""Overview: is everything all right?"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import panel as pn

from dashboards import frames
from dashboards.beat.glance import glance
from dashboards.live import Page
from dashboards.parts.agents.agent_strip import AgentStrip
from dashboards.parts.charts.durations import DurationChart
from dashboards.parts.charts.kpis import KpiRow
from dashboards.parts.charts.throughput import ThroughputChart
from dashboards.parts.charts.trends import TrendTable
from dashboards.parts.frame.heading import heading, heading_html
from dashboards.parts.frame.onward import Onward
from dashboards.parts.frame.rows import Column, Rows
from dashboards.parts.health.health_strip import HealthStrip
from dashboards.parts.tasks.task_table import DURATION, ENDED, ETA, NAME, NO_TASKS, PROGRESS, RATE, STATUS
from dashboards.theme.bare import Bare

if TYPE_CHECKING:
    from claudia_core import Claudia

TIMES = Column("count", "Times", "number")
ERRORS = (Column("what", "Error", "link"), TIMES, Column("at", "Last", "ago"))
ENDS = (STATUS, NAME, replace(DURATION, priority=1), ENDED)
FAILED = (NAME, Column("count", "Times", "link"), replace(ENDED, label="Last"))
FURTHER = (
    ("./tasks?status=active", "All that runs"),
    ("./tasks?status=failed", "All that failed"),
    (frames.ERRORS_HREF, "Errors in the log"),
    ("./tasks?view=timeline&span=1h", "The last hour as a timeline"),
)
HALF = {"flex": "1 1 440px", "min-width": "min(440px, 100%)"}
WRAP = {"gap": "16px", "flex-wrap": "wrap", "align-items": "stretch"}

NOTHING_RUNS = ("Nothing is running", "A task that starts appears here at once.")
NO_ERROR = ("No error", "Errors of tasks and of claudia.errors.capture(...) are listed here.")
NONE_FAILED = ("Nothing failed in the last hour", "A task that fails is listed here with its error.")
NONE_ENDED = ("Nothing has ended yet", "Completed, failed and cancelled tasks are listed here.")


class Overview(Page):
    """A verdict in one line, how checks and agents stand, key figures, what runs, what failed, how long it takes.

    All that stands beside yesterday.
    """

    def __init__(self, claudia: Claudia, **params: Any) -> None:
        super().__init__(claudia, title="Overview", **params)
        self.verdict = heading("Overview", level=1)
        self._verdict: tuple[str, str] = ("", "")
        self.health = HealthStrip(claudia)
        self.agents = AgentStrip(claudia)
        self.kpis = KpiRow(claudia)
        self.running = Rows(
            (STATUS, NAME, PROGRESS, RATE, ETA, DURATION), label="Running tasks", title="Running", opens="there"
        )
        self.failed = Rows(
            FAILED,
            label="Tasks that failed in the last hour",
            title="Failed in the last hour",
            opens="there",
            styles=HALF,
        )
        self.errors = Rows(ERRORS, label="Newest errors", title="Newest errors", opens="there", styles=HALF)
        self.chart = ThroughputChart(claudia, styles=HALF)
        self.durations = DurationChart(claudia, styles=HALF)
        self.trends = TrendTable(claudia)
        self.ended = Rows(ENDS, label="Tasks that ended last", title="Ended last", opens="there")
        self.further = Onward(FURTHER)
        self.layout = pn.Column(
            self.verdict,
            self.health.layout,
            self.agents.layout,
            self.kpis.layout,
            self.running,
            _beside(self.failed, self.errors),
            _beside(self.chart.layout, self.durations.layout),
            self.trends.layout,
            self.ended,
            self.further.layout,
            styles={"gap": "16px"},
            sizing_mode="stretch_width",
            margin=0,
            design=Bare,
        )

    def prepare(self) -> bool:
        """Have the glance made; nothing else is asked for."""
        glance(self.claudia).make()
        return True

    def refresh(self) -> None:
        """Pull what there is to see into every part."""
        now = glance(self.claudia)
        if now.verdict != self._verdict:
            self._verdict = now.verdict
            tone, words = now.verdict
            self.verdict.object = heading_html("Overview", words, tone, level=1)
        self.health.refresh()
        self.agents.refresh()
        self.kpis.refresh()
        self.running.put(now.running, NOTHING_RUNS if any(now.picture.counts.values()) else NO_TASKS)
        self.failed.put(now.failed, NONE_FAILED)
        self.errors.put(now.errors, NO_ERROR)
        self.ended.put(now.ended, NONE_ENDED)
        for part in (self.chart, self.durations, self.trends, self.further):
            part.refresh()


def _beside(*parts: Any) -> Any:
    """Two boxes, one below the other where there is little room."""
    return pn.Row(*parts, styles=WRAP, sizing_mode="stretch_width", margin=0, design=Bare)


if __name__.startswith("bokeh_app_"):  # panel serve dashboards/pages/overview.py
    from dashboards import serve_here

    serve_here(Overview)
