"""ServiceDetail: one service: its circuit, its figures, its latencies and its calls."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import panel as pn
import param

from dashboards.cells import integrations as cells
from dashboards.live import LiveView
from dashboards.parts.charts.histogram import LatencyHistogram
from dashboards.parts.frame.act import Say, silent
from dashboards.parts.frame.heading import heading, heading_html
from dashboards.parts.frame.rows import Column, Rows
from dashboards.parts.integrations.call_list import CallList

if TYPE_CHECKING:
    from claudia_core import Claudia

FACTS = (Column("label", ""), Column("value", "", "any"))
SIDE = {"flex": "1 1 320px", "min-width": "min(320px, 100%)"}
MAIN = {"flex": "2 1 480px", "min-width": "min(480px, 100%)", "gap": "16px"}
WRAP = {"gap": "16px", "flex-wrap": "wrap", "align-items": "flex-start"}


class ServiceDetail(LiveView):
    """A service's facts, a histogram of its latencies, and its calls while the debugger is on."""

    service = param.String("", doc="The service's name.")
    process = param.String("", doc="The id of the process whose calls are shown; empty for all.")

    def __init__(self, claudia: Claudia, *, say: Say = silent, **params: Any) -> None:
        super().__init__(claudia, **params)
        self.title = heading("", level=1)
        self.facts = Rows(FACTS, label="Facts about the service", title="Service", layout="facts", styles=SIDE)
        self.chart = LatencyHistogram(claudia)
        self.calls = CallList(claudia, say=say, fixed=True)
        main = pn.Column(self.chart.layout, self.calls.layout, styles=MAIN, sizing_mode="stretch_width", margin=0)
        self.body = pn.Row(self.facts, main, styles=WRAP, sizing_mode="stretch_width", margin=0)
        self.layout = pn.Column(self.title, self.body, styles={"gap": "16px"}, sizing_mode="stretch_width", margin=0)

    def refresh(self) -> None:
        """Bring everything up to date."""
        found = next((one for one in self.claudia.processes.services(self.process) if one.name == self.service), None)
        self.body.visible = found is not None
        if found is None:
            none = f"No process that is there has called {self.service[:80]!r}"
            self.title.object = heading_html("Service not found", none, level=1)
            return
        word = cells.circuit(found)
        text = f"{word['mark']} circuit {word['word']}: {cells.MEANS[found.circuit]}"
        self.title.object = heading_html(found.name, text, word["tone"], level=1)
        self.facts.put(cells.service_facts(found))
        self.chart.param.update(service=found.name, process=self.process)
        self.chart.refresh()
        self.calls.param.update(service=found.name, process=self.process)
        self.calls.refresh()
