"""Views where there is no page around them: in a notebook's cell, in somebody else's app."""

import panel as pn
import pytest
from bokeh.document import Document

from claudia_core.testing.outage import staged_outage
from claudia_core.testing.refusals import staged_refusals
from dashboards import PAGES, make_page
from dashboards.pages.health import HealthPage
from dashboards.pages.overview import Overview
from dashboards.parts import (
    DeliveryList,
    DurationChart,
    EventList,
    HealthList,
    HealthStrip,
    IssueList,
    KpiRow,
    TaskTable,
    TaskTimeline,
    ThroughputChart,
    TrendTable,
)  # fmt: skip
from dashboards.parts.frame.cell import InCell
from dashboards.theme import part
from tests.dashboards.conftest import settle


def models(view):
    """What a browser is sent of a view outside of a server: the models of the parts, by class."""
    root = view.get_root() if hasattr(view, "get_root") else pn.panel(view).get_root()
    return [model for model in root.references() if hasattr(model, "esm")]


def test_parts_bring_their_styles(busy):
    """A notebook's document has no link to them."""
    settle(busy)
    view = TaskTable(busy)
    view.refresh()
    found = models(view.layout)
    assert found
    assert all(part.styles() in model.stylesheets for model in found)


def test_there_are_no_links_to_pages_that_are_not_there(busy):
    """Tiles are plain; a task can be reached by keyboard, and leads nowhere else."""
    settle(busy)
    kpis, table = KpiRow(busy), TaskTable(busy)
    table.refresh()
    (tiles,) = models(kpis.layout)
    assert {item["href"] for item in tiles.data.items} == {None}
    (rows,) = models(table.layout)
    assert {row["name"]["href"] for row in rows.data.initial} == {"#"}
    assert kpis.tiles.items[0]["href"] == "./tasks?status=active"


def test_within_a_page_links_lead_on(busy, monkeypatch):
    """The frame says that it is one."""
    settle(busy)
    document = Document()
    monkeypatch.setattr(type(pn.state), "curdoc", document)
    make_page(PAGES[0], busy)
    assert part.is_within_pages()
    (tiles,) = models(KpiRow(busy).layout)
    assert tiles.data.items[0]["href"] == "./tasks?status=active"


def test_a_task_opens_in_the_cell(busy):
    """Below the view, and closes again."""
    settle(busy)
    page = Overview(busy)
    cell = InCell(page)
    page.refresh()
    row = page.failed.rows[0]
    page.failed._on_message({"open": row["name"]["key"]})
    assert cell.below.visible
    assert cell.detail.name_shown == "broke"
    cell._on_close("close")
    assert not cell.below.visible


@pytest.mark.parametrize(
    "view", [DurationChart, EventList, KpiRow, TaskTable, TaskTimeline, ThroughputChart, TrendTable, Overview]
)
def test_every_view_saves_itself(busy, tmp_path, view):
    """As one file without scripts."""
    settle(busy)
    file = tmp_path / "report.html"
    view(busy).save(file)
    text = file.read_text(encoding="utf-8")
    assert "<script" not in text
    assert "<h2" in text


@pytest.fixture
def outage():
    """A hub whose database is away."""
    with staged_outage() as hub:
        settle(hub)
        yield hub


def test_a_check_or_an_issue_opens_in_the_cell(outage):
    """What a list leads to, and from there what a check depends on."""
    checks = HealthList(outage, state="fail")
    cell = InCell(checks)
    checks.refresh()
    checks.table._on_message({"open": checks.table.rows[0]["id"]})
    assert "database" in cell.detail.title.object
    cell.detail.facts._on_message({"open": "network"})
    assert cell.detail.check == "network"
    issues = IssueList(outage)
    cell = InCell(issues)
    issues.refresh()
    issues.table._on_message({"open": issues.table.rows[0]["id"]})
    assert "could not connect" in cell.detail.title.object


def test_a_delivery_opens_in_the_cell():
    """With its attempts."""
    with staged_refusals() as hub:
        settle(hub)
        deliveries = DeliveryList(hub, status="failed")
        cell = InCell(deliveries)
        deliveries.refresh()
        deliveries.table._on_message({"open": deliveries.table.rows[0]["id"]})
        assert cell.detail.attempts.rows


def test_health_is_saved_with_what_silences_what(outage, tmp_path):
    """Checks with their days in words, the strip, the picture as sentences, circuits; one check in detail."""
    views = {"page": HealthPage(outage), "check": HealthPage(outage, id="database"), "strip": HealthStrip(outage)}
    texts = {}
    for name, view in views.items():
        file = tmp_path / f"{name}.html"
        view.save(file)
        texts[name] = file.read_text(encoding="utf-8")
        assert "<script" not in texts[name]
    assert "database (fail) → orders api (silenced)" in texts["page"]
    assert "did not fail; fails on" in texts["page"]
    assert "warehouse" in texts["page"]
    assert "refused the connection" in texts["check"]
    assert "✖ database: fail" in texts["strip"]
