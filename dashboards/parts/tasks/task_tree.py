"""TaskTree: everything below one task, each part below the one it belongs to."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import panel as pn
import param

from claudia_core.ports import Query
from dashboards.cells import tasks as cells
from dashboards.live import LiveView
from dashboards.parts.frame.heading import heading, heading_html
from dashboards.parts.frame.rows import Rows
from dashboards.parts.frame.tiles import Tabs
from dashboards.parts.tasks.task_table import SORTLESS

if TYPE_CHECKING:
    from claudia_core import Claudia

STEP, MOST = 300, 3_000
"""Parts that are shown at first, and after each wish for more; and the most: a browser has to hold them."""

MOST_COUNTED = 100_000
PAUSE = 2.0
"""Seconds for which more than the first parts are not read again, however much happens."""

MORE = [{"key": "more", "label": "Show more parts"}]
NONE = ("No part", "A task or loop that begins inside this one would be listed here.")


class TaskTree(LiveView):
    """The tasks below a task, set in by their depth, with status and progress: the first 300, and more when asked."""

    task_id = param.String("", doc="The task at the root.")
    most = param.Integer(STEP, bounds=(1, MOST), doc="Most parts that are shown.")

    def __init__(self, claudia: Claudia, *, on_open: Callable[[str], None] | None = None, **params: Any) -> None:
        super().__init__(claudia, **params)
        opens = "here" if on_open else "there"
        self.table = Rows(SORTLESS, label="Parts", title="Parts", opens=opens, on_open=on_open, zero=list(NONE))
        self.words = heading("")
        self.words.visible = False
        self.more = Tabs(
            label="More parts", items=MORE, on_choose=self._on_more, css_classes=["more-parts"], visible=False
        )
        self.layout = pn.Column(self.table, self.words, self.more, sizing_mode="stretch_width", margin=0)
        self.is_waiting = False
        self._shown: tuple[Any, ...] = ()
        self._read_at = 0.0

    def refresh(self) -> None:
        """Read the tree anew when something happened."""
        if self._shown and self.task_id != self._shown[0]:
            self.most = STEP
        state = (self.task_id, self.most, self.claudia.boards.tasks.version)
        if state == self._shown:
            return
        self.is_waiting = state[:2] == self._shown[:2] and self._is_early()
        if not self.is_waiting:
            self._show(self.claudia.tasks.below(self.task_id, limit=self.most + 1) if self.task_id else [])
            self._shown, self._read_at = state, time.monotonic()

    def _is_early(self) -> bool:
        return len(self.table.rows) > STEP and time.monotonic() - self._read_at < PAUSE

    def _show(self, found: list[Any]) -> None:
        is_cut = len(found) > self.most
        self.table.put(cells.tree_rows(found[: self.most], self.task_id))
        self.words.visible = is_cut
        self.more.visible = is_cut and self.most < MOST
        if is_cut:
            self.words.object = heading_html("", self._told())

    def _told(self) -> str:
        """What is not shown."""
        direct = self.claudia.store.count(Query("tasks", {"parent_id": self.task_id}), MOST_COUNTED)
        count = f"{'at least ' if direct == MOST_COUNTED else ''}{direct:,} part{'' if direct == 1 else 's'}"
        return f"The first {self.most:,} parts are shown. Directly below this task: {count}."

    def _on_more(self, _: str) -> None:
        self.most = min(MOST, self.most + STEP)
        self.pull()
