"""Tasks: all of them, page by page, and one in detail."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import panel as pn
import panel_material_ui as pmui
import param

from claudia_core.model.task import Status
from dashboards import units
from dashboards.live import Page
from dashboards.parts.heading import heading, heading_html
from dashboards.parts.task_detail import TaskDetail
from dashboards.parts.task_table import TaskTable
from dashboards.parts.tiles import Tabs
from dashboards.parts.timeline import TaskTimeline
from dashboards.theme import CARD, MARKS

if TYPE_CHECKING:
    from claudia_core import Claudia

ORDER = (Status.ACTIVE, Status.PENDING, Status.FAILED, Status.COMPLETED, Status.CANCELLED)
FILTERS = ("status", "type", "name_prefix", "after")


class TasksPage(Page):
    """A live table of tasks with filters, and in its place the detail of the one that was chosen."""

    status: Any = param.Selector(
        default="", objects=["", *(status.value for status in Status)], doc="Only this status."
    )
    type = param.String("", doc="Only this type.")
    name_prefix = param.String("", doc="Only names that begin so.")
    after = param.String("", doc="The cursor of the page of the table.")
    view: Any = param.Selector(default="", objects=["", "timeline"], doc="How tasks are shown; empty for the table.")
    id = param.String("", doc="The task shown in detail; empty for the table.")

    ADDRESS: ClassVar[tuple[str, ...]] = ("status", "type", "name_prefix", "after", "view", "id")
    TYPED: ClassVar[tuple[str, ...]] = ("type", "name_prefix")

    def __init__(self, claudia: Claudia, **params: Any) -> None:
        super().__init__(claudia, title="Tasks", **params)
        self.heading = heading("Tasks", level=1)
        self.tabs = Tabs(label="Status", on_choose=self._on_status, items=self._tabs())
        self.find = pmui.TextInput(
            label="Name begins with",
            size="small",
            margin=(4, 0),
            css_classes=["find"],
            sizing_mode="stretch_width",
            max_width=320,
        )
        self.kind = pmui.TextInput(label="Type", size="small", margin=(4, 0), css_classes=["kind"], width=140)
        self.table = TaskTable(claudia, on_open=self._on_open)
        self.pager = Tabs(label="Pages", on_choose=self._on_turn, css_classes=["pager"])
        self.detail: TaskDetail | None = None
        self.timeline: TaskTimeline | None = None
        views = [{"key": "", "label": "☰ Table"}, {"key": "timeline", "label": "▤ Timeline"}]
        self.views = Tabs(label="View", items=views, on_choose=self._on_view, css_classes=["views"])
        self.find.param.watch(self._on_find, "value_input")
        self.kind.param.watch(self._on_kind, "value_input")
        fields = pn.Row(self.find, self.kind, styles={"gap": "10px"}, sizing_mode="stretch_width", margin=0)
        self.paged = pn.Column(
            self.tabs, fields, self.table.layout, self.pager, styles={"gap": "10px"},
            sizing_mode="stretch_width", margin=0,
        )  # fmt: skip
        self.box = pn.Column(self.views, self.paged, styles=CARD, sizing_mode="stretch_width", margin=0)
        self.listing = pn.Column(self.heading, self.box, styles={"gap": "16px"}, sizing_mode="stretch_width", margin=0)
        self.single = pn.Column(sizing_mode="stretch_width", margin=0, visible=False)
        self.layout = pn.Column(self.listing, self.single, sizing_mode="stretch_width", margin=0)

    def refresh(self) -> None:
        """Show the chosen task, or else the page of the table."""
        self.listing.visible, self.single.visible = not self.id, bool(self.id)
        if self.id:
            self._refresh_detail()
            return
        self.title = "Tasks"
        total = sum(self.claudia.boards.tasks.picture().counts.values())
        self.heading.object = heading_html("Tasks", f"{units.plural(total, 'task')} on this hub, newest first", level=1)
        self.views.value = self.view
        self.paged.visible = not self.view
        if self.view or self.timeline:
            self._refresh_timeline()
        if not self.view:
            self._refresh_table()

    def _refresh_table(self) -> None:
        self.table.param.update(**{name: getattr(self, name) for name in FILTERS})
        self.table.refresh()
        self.tabs.param.update(items=self._tabs(), value=self.status)
        self.find.param.update(value=self.name_prefix, value_input=self.name_prefix)
        self.kind.param.update(value=self.type, value_input=self.type)
        self.pager.items = self._pages()

    def _refresh_timeline(self) -> None:
        if self.timeline is None:  # most visits never see one
            self.timeline = TaskTimeline(self.claudia, on_open=self._on_open)
            self.box.append(self.timeline.layout)
        self.timeline.layout.visible = bool(self.view)
        if self.view:
            self.timeline.refresh()

    def _tabs(self) -> list[dict[str, Any]]:
        counts = self.claudia.boards.tasks.picture().counts
        items: list[dict[str, Any]] = [{"key": "", "label": "All"}]
        for status in ORDER:
            count = units.number(counts[status])
            items.append(
                {"key": status.value, "label": status.value.capitalize(), "mark": MARKS[status], "count": count}
            )
        return items

    def _pages(self) -> list[dict[str, Any]]:
        newest = [{"key": "newest", "label": "← Newest"}] if self.after else []
        return newest + ([{"key": "older", "label": "Older →"}] if self.table.next else [])

    def _refresh_detail(self) -> None:
        if self.detail is None:  # most visits never see one
            self.detail = TaskDetail(self.claudia, on_open=self._on_open, say=self.say)
            back = [{"key": "back", "label": "← All tasks"}]
            self.single.objects = [
                Tabs(label="Back", items=back, on_choose=self._on_back, css_classes=["back"]),
                self.detail.layout,
            ]
        self.detail.task_id = self.id
        self.detail.refresh()
        self.title = self.detail.name_shown

    def _on_view(self, view: str) -> None:
        self.view = view

    def _on_status(self, status: str) -> None:
        self.param.update(status=status, after="")

    def _on_find(self, event: Any) -> None:
        self.param.update(name_prefix=event.new or "", after="")

    def _on_kind(self, event: Any) -> None:
        self.param.update(type=event.new or "", after="")

    def _on_turn(self, page: str) -> None:
        self.after = (self.table.next or "") if page == "older" else ""

    def _on_open(self, id: str) -> None:
        self.id = id

    def _on_back(self, _: str) -> None:
        self.id = ""


if __name__.startswith("bokeh_app_"):  # panel serve dashboards/pages/tasks.py
    from dashboards import serve_here

    serve_here(TasksPage)
