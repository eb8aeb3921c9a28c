"""Errors: issues that are to be worked on, page by page, and one in detail."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import panel as pn
import panel_material_ui as pmui
import param

from dashboards import units
from dashboards.live import Page
from dashboards.parts.errors.issue_actions import IssueActions
from dashboards.parts.errors.issue_detail import IssueDetail
from dashboards.parts.errors.issue_list import SORTS, IssueList
from dashboards.parts.frame.heading import heading, heading_html
from dashboards.parts.frame.tiles import Tabs
from dashboards.theme import CARD

if TYPE_CHECKING:
    from claudia_core import Claudia

CHOICES = (
    {"key": "", "label": "Unresolved", "mark": "✖"},
    {"key": "resolved", "label": "Resolved", "mark": "✔"},
    {"key": "ignored", "label": "Ignored", "mark": "⊘"},
    {"key": "all", "label": "All"},
)
FILTERS = ("status", "find", "service", "environment", "sort", "after")


class ErrorsPage(Page):
    """Issues with how often, how lately and whom they affected; and in their place the detail of the one chosen."""

    status: Any = param.Selector(
        default="", objects=["", "resolved", "ignored", "all"], doc="Only issues like this; empty for unresolved ones."
    )
    find = param.String("", doc="Words that all are in type, message, place or release.")
    service = param.String("", doc="Only issues of this service.")
    environment = param.String("", doc="Only issues of this environment.")
    sort: Any = param.Selector(default="", objects=list(SORTS), doc="What they are sorted by; empty for last seen.")
    after = param.String("", doc="The cursor of the page of the list.")
    id = param.String("", doc="The issue shown in detail; empty for the list.")
    error = param.String("", doc="The error of it that is shown in full; empty for the newest.")

    ADDRESS: ClassVar[tuple[str, ...]] = (*FILTERS, "id", "error")
    TYPED: ClassVar[tuple[str, ...]] = ("find",)

    def __init__(self, claudia: Claudia, **params: Any) -> None:
        super().__init__(claudia, title="Errors", **params)
        self.heading = heading("Errors", level=1)
        self.tabs = Tabs(label="Status", on_choose=self._on_status, items=[dict(one) for one in CHOICES])
        self.search = pmui.TextInput(
            label="Search type, message, place, release", size="small", margin=(4, 0), css_classes=["find"],
            sizing_mode="stretch_width", max_width=420,
        )  # fmt: skip
        self.search.param.watch(self._on_find, "value_input")
        self.issues = IssueList(claudia, on_open=self._on_open, on_sort=self._on_sort, on_pick=self._on_pick)
        self.actions = IssueActions(claudia, self._picked, self.say, self._on_done)
        self.bulk = pn.Row(self.actions.layout, visible=False, margin=0)
        self.pager = Tabs(label="Pages", on_choose=self._on_turn, css_classes=["pager"])
        self.detail: IssueDetail | None = None
        box = pn.Column(
            self.tabs, self.search, self.bulk, self.issues.layout, self.pager, styles={**CARD, "gap": "10px"},
            sizing_mode="stretch_width", margin=0,
        )  # fmt: skip
        self.listing = pn.Column(self.heading, box, styles={"gap": "16px"}, sizing_mode="stretch_width", margin=0)
        self.single = pn.Column(sizing_mode="stretch_width", margin=0, visible=False)
        self.layout = pn.Column(self.listing, self.single, sizing_mode="stretch_width", margin=0)

    def refresh(self) -> None:
        """Show the chosen issue, or else the page of the list."""
        self.listing.visible, self.single.visible = not self.id, bool(self.id)
        if self.id:
            self._refresh_detail()
            return
        self.title = "Errors"
        self.issues.param.update(**{name: getattr(self, name) for name in FILTERS})
        self.issues.refresh()
        shown = len(self.issues.table.rows)
        more = " and more" if self.issues.next else ""
        words = {"": "unresolved", "all": ""}.get(self.status, self.status)
        what = f"{words} issue".strip()
        self.heading.object = heading_html("Errors", f"{units.plural(shown, what)}{more}", level=1)
        self.tabs.value = self.status
        self.search.param.update(value=self.find, value_input=self.find)
        newest = [{"key": "newest", "label": "← First"}] if self.after else []
        self.pager.items = newest + ([{"key": "older", "label": "Next →"}] if self.issues.next else [])

    def _refresh_detail(self) -> None:
        if self.detail is None:  # most visits never see one
            self.detail = IssueDetail(self.claudia, on_error=self._on_error, say=self.say)
            back = [{"key": "back", "label": "← All issues"}]
            self.single.objects = [
                Tabs(label="Back", items=back, on_choose=self._on_back, css_classes=["back"]),
                self.detail.layout,
            ]
        self.detail.param.update(issue_id=self.id, error_id=self.error)
        self.detail.refresh()
        self.title = self.detail.name_shown

    def _picked(self) -> dict[str, str]:
        return {id: row["name"]["text"] for id, row in self.issues.picked.items()}

    def _on_pick(self) -> None:
        words = [row["status"]["word"].replace("regressed", "unresolved") for row in self.issues.picked.values()]
        self.actions.offer(words)
        self.bulk.visible = bool(words)

    def _on_done(self) -> None:
        self.issues.table.unpick()
        self._on_pick()
        self.issues._shown = ()
        self.pull()

    def _on_status(self, status: str) -> None:
        self.param.update(status=status, after="")

    def _on_find(self, event: Any) -> None:
        self.param.update(find=(event.new or "")[:200], after="")

    def _on_sort(self, sort: str) -> None:
        self.param.update(sort="" if sort == "-last_seen" else sort, after="")

    def _on_turn(self, page: str) -> None:
        self.after = (self.issues.next or "") if page == "older" else ""

    def _on_open(self, id: str) -> None:
        self.param.update(id=id, error="")

    def _on_error(self, id: str) -> None:
        self.error = id

    def _on_back(self, _: str) -> None:
        self.param.update(id="", error="")


if __name__.startswith("bokeh_app_"):  # panel serve dashboards/pages/errors.py
    from dashboards import serve_here

    serve_here(ErrorsPage)
