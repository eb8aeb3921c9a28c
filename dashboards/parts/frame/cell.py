"""InCell: a view in a notebook's cell, where there is no other page to go to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import panel as pn
from panel.viewable import Viewer

from dashboards.live import LiveView
from dashboards.parts.errors.issue_detail import IssueDetail
from dashboards.parts.errors.issue_list import IssueList
from dashboards.parts.frame.rows import Rows
from dashboards.parts.frame.tiles import Tabs
from dashboards.parts.health.health_detail import HealthDetail
from dashboards.parts.health.health_list import HealthList
from dashboards.parts.tasks.task_detail import TaskDetail
from dashboards.parts.webhooks.delivery_detail import DeliveryDetail
from dashboards.parts.webhooks.delivery_list import DeliveryList

type Detail = tuple[str, Callable[..., LiveView], str]
"""What is shown, its view, and the parameter that says which one."""

TASK: Detail = ("Task", TaskDetail, "task_id")
DETAILS: dict[type[LiveView], Detail] = {
    DeliveryList: ("Delivery", DeliveryDetail, "delivery_id"),
    HealthList: ("Check", HealthDetail, "check"),
    IssueList: ("Issue", IssueDetail, "issue_id"),
}
"""What a list leads to, where it is no task."""


class InCell(Viewer):
    """A view and, below it, what was clicked: what leads to a page of a task, an issue or the like opens it here."""

    def __init__(self, view: LiveView, **params: Any) -> None:
        super().__init__(**params)  # type: ignore[no-untyped-call]  # Panel annotates no constructor
        self.view = view
        self.detail: Any = None
        self._what, self._make, self._field = DETAILS.get(type(view), TASK)
        self.below = pn.Column(sizing_mode="stretch_width", margin=0, styles={"gap": "10px"}, visible=False)
        for table in view.layout.select(Rows):
            if table.opens == "there":
                table.opens, table._on_open = "here", self.open
        self.layout = pn.Column(view, self.below, sizing_mode="stretch_width", margin=0, styles={"gap": "16px"})

    def __panel__(self) -> Any:
        return self.layout

    def open(self, id: str) -> None:
        """Show a task, or whatever the view lists, below."""
        if self.detail is None:
            follows = {"on_open": self.open} if self._make in (TaskDetail, HealthDetail) else {}
            self.detail = self._make(self.view.claudia, **follows)
            close = Tabs(label=self._what, items=[{"key": "close", "label": "✕ Close"}], on_choose=self._on_close)
            self.below.objects = [close, self.detail]
        setattr(self.detail, self._field, id)
        self.detail.pull()
        self.below.visible = True

    def _on_close(self, _: str) -> None:
        self.below.visible = False
