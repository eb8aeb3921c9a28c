"""Tasks: all of them, page by page, and one in detail."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import panel as pn
import param

from claudia_core.errors import NotFound
from claudia_core.model.task import Status
from dashboards import choices, units
from dashboards.live import Page
from dashboards.parts.frame.fields import Fields
from dashboards.parts.frame.heading import heading, heading_html
from dashboards.parts.frame.tiles import Tabs
from dashboards.parts.tasks.actions import VERBS, Actions
from dashboards.parts.tasks.saved_filters import SavedFilters
from dashboards.parts.tasks.task_detail import TaskDetail
from dashboards.parts.tasks.task_table import TaskTable
from dashboards.parts.tasks.timeline import SPANS, TaskTimeline
from dashboards.theme import CARD, MARKS

if TYPE_CHECKING:
    from claudia_core import Claudia

ORDER = (Status.ACTIVE, Status.PENDING, Status.FAILED, Status.COMPLETED, Status.CANCELLED)
FILTERS = ("status", "type", "tag", "agent", "parent", "since", "name_prefix", "sort")
MOST_OFFERS = 100
WIDE = {"sizing_mode": "stretch_width", "margin": 0}
VIEWS = [{"key": "", "label": "☰ Table"}, {"key": "timeline", "label": "▤ Timeline"}]


class TasksPage(Page):
    """A live table of tasks with filters and actions, and in its place the detail of the one that was chosen."""

    status: Any = param.Selector(
        default="", objects=["", *(status.value for status in Status)], doc="Only this status."
    )
    type = param.String("", doc="Only this type, or all that begin so.")
    tag = param.String("", doc="Only with this tag.")
    agent = param.String("", doc="Only of the agent with this id.")
    parent = param.String("", doc="Only parts of the task with this id.")
    since: Any = param.Selector(default="", objects=["", *choices.SPANS], doc="Only what something happened to since.")
    name_prefix = param.String("", doc="Only names that begin so.")
    sort: Any = param.Selector(default="", objects=list(choices.SORTS), doc="What the table is sorted by.")
    after = param.String("", doc="The cursor of the page of the table.")
    view: Any = param.Selector(default="", objects=["", "timeline"], doc="How tasks are shown; empty for the table.")
    span: Any = param.Selector(default="", objects=["", *SPANS], doc="How far back the timeline reaches.")
    id = param.String("", doc="The task shown in detail; empty for the table.")

    ADDRESS: ClassVar[tuple[str, ...]] = (*FILTERS, "after", "view", "span", "id")
    TYPED: ClassVar[tuple[str, ...]] = ("type", "tag", "name_prefix")

    def __init__(self, claudia: Claudia, **params: Any) -> None:
        super().__init__(claudia, title="Tasks", **params)
        self.heading = heading("Tasks", level=1)
        self.actions = Actions(claudia, self.say, on_made=self._on_open, on_done=self._on_done)
        self.saved = SavedFilters(claudia, self.actions, self.say, self._on_filter)
        self.tabs = Tabs(label="Status", on_choose=self._on_status, items=self._tabs())
        self.fields = Fields(label="Filters", on_change=self._on_field, items=self._fields())
        self.table = TaskTable(claudia, on_open=self._on_open, on_sort=self._on_sort, on_pick=self._on_pick)
        self.selected = heading("")
        self.verbs = Tabs(label="With the selected tasks", on_choose=self._on_verb, css_classes=["bulk"])
        self.bulk = pn.Row(self.selected, self.verbs, visible=False, styles={"align-items": "center"}, **WIDE)
        self.pager = Tabs(label="Pages", on_choose=self._on_turn, css_classes=["pager"])
        self.detail: TaskDetail | None = None
        self.timeline: TaskTimeline | None = None
        self.views = Tabs(label="View", items=VIEWS, on_choose=self._on_view, css_classes=["views"])
        parts = (self.saved.layout, self.tabs, self.fields, self.bulk, self.table.layout, self.pager)
        self.paged = pn.Column(*parts, styles={"gap": "10px"}, **WIDE)
        self.box = pn.Column(self.views, self.paged, styles=CARD, **WIDE)
        self.listing = pn.Column(self.heading, self.box, self.actions.dialogs, styles={"gap": "16px"}, **WIDE)
        self.single = pn.Column(pn.Spacer(height=0), visible=False, **WIDE)
        self.layout = pn.Column(self.listing, self.single, **WIDE)

    @property
    def filter(self) -> dict[str, str]:
        """The filter and order in force, as a saved filter keeps it."""
        return {_public(name): getattr(self, name) for name in FILTERS if getattr(self, name)}

    def refresh(self) -> None:
        """Show the chosen task, or else the page of the table."""
        self.listing.visible, self.single.visible = not self.id, bool(self.id)
        if self.id:
            self._refresh_detail()
            return
        self.title = "Tasks"
        total = sum(self.claudia.boards.tasks.picture().counts.values())
        self.heading.object = heading_html("Tasks", f"{units.plural(total, 'task')} on this hub", level=1)
        self.views.value = self.view
        self._refresh_filters()
        if self.view or self.timeline:
            self._refresh_timeline()
        for part in (self.table.layout, self.pager):
            part.visible = not self.view
        if self.view:
            self.bulk.visible = False
        else:
            self._refresh_table()

    def _refresh_filters(self) -> None:
        self.tabs.param.update(items=self._tabs(), value=self.status)
        self.fields.items = self._fields()
        self.saved.show(self.filter)

    def _refresh_table(self) -> None:
        values = {name: getattr(self, name) for name in (*FILTERS, "after") if name != "parent"}
        self.table.param.update(parent_id=self.parent, **values)
        self.table.refresh()
        self.pager.items = self._pages()
        self._show_picked()

    def _refresh_timeline(self) -> None:
        if self.timeline is None:  # most visits never see one
            self.timeline = TaskTimeline(self.claudia, on_open=self._on_open, on_span=self._on_span)
            self.box.append(self.timeline.layout)
        self.timeline.layout.visible = bool(self.view)
        if self.view:
            values = {name: getattr(self, name) for name in ("status", "type", "tag", "agent", "name_prefix")}
            self.timeline.param.update(parent_id=self.parent, span=self.span or "15m", **values)
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

    def _fields(self) -> list[dict[str, Any]]:
        tasks = self.claudia.tasks
        types = [[name] for name in tasks.types(limit=MOST_OFFERS)]
        tags = [[name] for name in tasks.tags(limit=MOST_OFFERS)]
        spans = [["", "Any time"], *([key, label] for key, (label, _) in choices.SPANS.items())]
        agents = [[agent.id, f"{agent.name} · {agent.host}"] for agent in self.claudia.agents.list(limit=MOST_OFFERS)]
        if self.agent and all(id != self.agent for id, _ in agents):
            agents.append([self.agent, self.agent])
        fields = [
            _field("name_prefix", "Name begins with", self.name_prefix),
            _field("type", "Type", self.type, offers=types),
            _field("tag", "Tag", self.tag, offers=tags),
            _field("since", "Changed", self.since, choices=spans),
            _field("agent", "Agent", self.agent, choices=[["", "Any agent"], *agents]),
        ]
        if self.parent:
            fields.append(_field("parent", "Part of", self.parent, choices=[["", "Anything"], self._parent_name()]))
        return fields

    def _parent_name(self) -> list[str]:
        try:
            return [self.parent, self.claudia.tasks.get(self.parent).name]
        except NotFound:
            return [self.parent, "a task that is not there"]

    def _pages(self) -> list[dict[str, Any]]:
        first = [{"key": "first", "label": "← First page"}] if self.after else []
        return first + ([{"key": "next", "label": "Next page →"}] if self.table.next else [])

    def _show_picked(self) -> None:
        picked = self.table.picked
        self.bulk.visible = bool(picked)
        gone = len(set(picked) - {row["id"] for row in self.table.table.rows})
        elsewhere = f", {gone} of them not on this page now" if gone else ""
        self.selected.object = heading_html("", f"{units.plural(len(picked), 'task')} selected{elsewhere}")
        items = [{"key": verb, "label": f"{verb.capitalize()} …"} for verb in VERBS]
        self.verbs.items = [*items, {"key": "none", "label": "✕ Select none"}]

    def _refresh_detail(self) -> None:
        if self.detail is None:  # most visits never see one
            self.detail = TaskDetail(self.claudia, on_open=self._on_open, say=self.say, on_parts=self._on_parts)
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

    def _on_span(self, span: str) -> None:
        self.span = span

    def _on_status(self, status: str) -> None:
        self.param.update(status=status, after="")

    def _on_field(self, key: str, value: str) -> None:
        allowed = getattr(self.param[key], "objects", None)
        if key in FILTERS and (allowed is None or value in allowed):
            self.param.update(**{key: value.strip(), "after": ""})

    def _on_filter(self, query: Mapping[str, str]) -> None:
        state = {}
        for name in FILTERS:
            value = query.get(_public(name), "")
            allowed = getattr(self.param[name], "objects", None)
            state[name] = value if allowed is None or value in allowed else ""
        self.param.update(**state, after="")

    def _on_sort(self, sort: str) -> None:
        self.param.update(sort=sort, after="")

    def _on_pick(self) -> None:
        self._show_picked()

    def _on_verb(self, verb: str) -> None:
        if verb == "none":
            self._on_done()
            return
        self.actions.ask(verb, {id: row["name"]["text"] for id, row in self.table.picked.items()})

    def _on_done(self) -> None:
        self.table.table.unpick()
        self._show_picked()

    def _on_turn(self, page: str) -> None:
        self.after = (self.table.next or "") if page == "next" else ""

    def _on_open(self, id: str) -> None:
        self.id = id

    def _on_parts(self, id: str) -> None:
        self.param.update({**dict.fromkeys((*FILTERS, "after", "view", "id"), ""), "parent": id})

    def _on_back(self, _: str) -> None:
        self.id = ""


def _field(key: str, label: str, value: str, **more: Any) -> dict[str, Any]:
    return {"key": key, "label": label, "value": value, **more}


def _public(name: str) -> str:
    return name.removesuffix("_prefix")


if __name__.startswith("bokeh_app_"):  # panel serve dashboards/pages/tasks.py
    from dashboards import serve_here

    serve_here(TasksPage)
