"""TaskTable: tasks as a live table, with their status, progress, rate and time to go."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import param

from dashboards import choices
from dashboards.cells import tasks as cells
from dashboards.live import LiveView
from dashboards.parts.frame.rows import Column, Rows

if TYPE_CHECKING:
    from claudia_core import Claudia

NAME = Column("name", "Name", "link", sort="name")
STATUS = Column("status", "Status", "status", sort="status")
PROGRESS = Column("progress", "Progress", "progress")
RATE = Column("rate", "Rate", "text", 2)
ETA = Column("eta", "To go", "left", 2)
DURATION = Column("duration", "Duration", "span", 2, sort="duration")
STARTED = Column("started", "Started", "ago", 2, sort="started")
CHANGED = Column("changed", "Changed", "ago", 4, sort="updated")
TYPE = Column("type", "Type", "text", 3, sort="type")
TAGS = Column("tags", "Tags", "tags", 3)
ENDED = Column("ended", "Ended", "ago")

COLUMNS = (STATUS, NAME, PROGRESS, RATE, ETA, DURATION, STARTED, CHANGED, TYPE, TAGS)

FIRST_STEPS = """from claudia_core import Claudia
claudia = Claudia()
for row in claudia.track(rows, name="clean rows"): ..."""
NO_TASKS = ("No task yet", "Track a loop in a notebook or script on the same store, and it appears here:", FIRST_STEPS)
NO_MATCH = ("No task matches", "Choose another status, or clear the filters.")
SORTLESS = tuple(replace(column, sort="") for column in COLUMNS)


class TaskTable(LiveView):
    """Tasks of a hub, newest first or as sorted, page by page; filtered by status, type, name, tag, agent and so on.

    Rows can be selected where `selects` is set: `picked` is what is, and `on_pick` is called when it changes.
    """

    status = param.String("", doc="Only tasks of this status; empty for all.")
    type = param.String("", doc="Only tasks of this type, or of all that begin so where there is none; empty for all.")
    name_prefix = param.String("", doc="Only tasks whose name begins so; case does not matter.")
    tag = param.String("", doc="Only tasks with this tag.")
    agent = param.String("", doc="Only tasks of the agent with this id.")
    parent_id = param.String("", doc="Only children of this task.")
    since: Any = param.Selector(
        default="", objects=["", *choices.SPANS], doc="Only tasks something happened to since: 15m, 1h, 24h, 7d, 30d."
    )
    sort: Any = param.Selector(
        default="", objects=list(choices.SORTS), doc="What they are sorted by; `-` before it for downwards."
    )
    after = param.String("", doc="The cursor of the page; empty for the first.")
    limit = param.Integer(50, bounds=(1, 500), doc="Tasks of a page.")

    def __init__(
        self, claudia: Claudia, *, on_open: Callable[[str], None] | None = None,
        on_sort: Callable[[str], None] | None = None, on_pick: Callable[[], None] | None = None,
        label: str = "Tasks", title: str = "", sorts: bool = True, **params: Any,
    ) -> None:  # fmt: skip
        super().__init__(claudia, **params)
        self.next: str | None = None
        opens = "here" if on_open else "there"
        self._on_sort = on_sort
        self.table = Rows(
            COLUMNS if sorts else SORTLESS, label=label, title=title, opens=opens, on_open=on_open,
            on_sort=self._on_head, on_pick=on_pick, selects=on_pick is not None, sort=self.sort,
        )  # fmt: skip
        self.layout = self.table
        self._shown: tuple[Any, ...] = ()

    @property
    def picked(self) -> dict[str, Any]:
        """The selected rows by their task's id."""
        return self.table.picked

    def refresh(self) -> None:
        """Ask for the page's tasks, unless nothing happened since."""
        state = self._state()
        seen = (self.claudia.boards.tasks.version, choices.since(self.since), state)
        if seen == self._shown:
            return
        if self._shown and self._shown[2] != state:
            self.table.unpick()  # what is selected belongs to what is seen
        page = self.claudia.tasks.list(**choices.filters(self.claudia, state), limit=self.limit)
        self.next = page.next
        zero = NO_MATCH if any(state.values()) else NO_TASKS
        self.table.sort = self.sort
        self.table.put(cells.task_rows(task.to_summary() for task in page.tasks), zero)
        self._shown = seen

    def _state(self) -> dict[str, str]:
        names = {"name": self.name_prefix, "parent": self.parent_id}
        return names | {key: getattr(self, key) for key in ("status", "type", "tag", "agent", "since", "sort", "after")}

    def _on_head(self, column: str) -> None:
        if column not in choices.ORDERS:
            return
        sort = choices.turned(self.sort, column)
        if self._on_sort is not None:
            self._on_sort(sort)
            return
        self.param.update(sort=sort, after="")
        self.pull()
