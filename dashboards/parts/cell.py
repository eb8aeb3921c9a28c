"""InCell: a view in a notebook's cell, where there is no other page to go to."""

from __future__ import annotations

from typing import Any

import panel as pn
from panel.viewable import Viewer

from dashboards.live import LiveView
from dashboards.parts.rows import Rows
from dashboards.parts.task_detail import TaskDetail
from dashboards.parts.tiles import Tabs


class InCell(Viewer):
    """A view and, below it, the task that was clicked: what leads to a task on a page opens it here."""

    def __init__(self, view: LiveView, **params: Any) -> None:
        super().__init__(**params)  # type: ignore[no-untyped-call]  # Panel annotates no constructor
        self.view = view
        self.detail: TaskDetail | None = None
        self.below = pn.Column(sizing_mode="stretch_width", margin=0, styles={"gap": "10px"}, visible=False)
        for table in view.layout.select(Rows):
            if table.opens == "there":
                table.opens, table._on_open = "here", self.open
        self.layout = pn.Column(view, self.below, sizing_mode="stretch_width", margin=0, styles={"gap": "16px"})

    def __panel__(self) -> Any:
        return self.layout

    def open(self, id: str) -> None:
        """Show a task below."""
        if self.detail is None:
            self.detail = TaskDetail(self.view.claudia, on_open=self.open)
            close = Tabs(label="Task", items=[{"key": "close", "label": "✕ Close"}], on_choose=self._on_close)
            self.below.objects = [close, self.detail]
        self.detail.task_id = id
        self.detail.pull()
        self.below.visible = True

    def _on_close(self, _: str) -> None:
        self.below.visible = False
