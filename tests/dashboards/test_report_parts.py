"""Parts and pages frozen: what they show, without Bokeh and without a script."""

import pytest

from claudia_core.model.task import Status
from claudia_core.testing.builders import saved_task
from dashboards import PAGES
from dashboards.pages.overview import Overview
from dashboards.pages.tasks import TasksPage
from dashboards.parts import EventList, KpiRow, ProgressBar, TaskTable, ThroughputChart
from dashboards.report import save
from dashboards.report.parts import freeze
from tests.dashboards.conftest import XSS
from tests.dashboards.staged import Read


def frozen(view):
    read = Read(freeze(view))
    assert read.broken == []
    assert not {"script", "img"} & {tag for tag, _ in read.elements}
    return read


def test_a_task_table_keeps_its_filters_and_cells(busy):
    """The rows that are shown, with status, progress, tags and times; the name is the heading of its row."""
    assert [row[0] for row in frozen(TaskTable(busy, status="failed")).tables[0]] == ["Status", "✖ failed"]
    table = frozen(TaskTable(busy)).tables[0]
    assert len(table) == 6
    running = dict(zip(table[0], next(row for row in table if "runs" in row[1]), strict=True))
    assert running["Status"] == "▶ active"
    assert running["Progress"] == "4 of 10 rows · 40%"
    assert running["Tags"] == "nightly"
    assert running["Started"].startswith("20")


def test_a_chart_becomes_svg_with_its_table(busy):
    """Without HoloViews being loaded."""
    read = frozen(ThroughputChart(busy))
    assert [row[1:4] for row in read.tables[0]] == [["Completed", "Failed", "Cancelled"], ["1", "1", "1"]]
    assert [svg["role"] for svg in read.named("svg") if "role" in svg] == ["img"]


def test_figures_events_and_one_bar(busy):
    """Numbers as a list of terms, events and one task as tables."""
    figures = frozen(KpiRow(busy))
    assert figures.tables == []
    assert "Completed" in figures.text
    assert "task:failed" in {row[1] for row in frozen(EventList(busy)).tables[0]}
    task = busy.tasks.list(name="runs").tasks[0]
    bar = frozen(ProgressBar(busy, task))
    assert "4 of 10 rows · 40%" in bar.tables[0][1]
    assert {rect["width"] for rect in bar.named("rect")} == {"100%", "40%"}


def test_a_frozen_part_shows_what_was_saved_just_before(claudia):
    """No wait is needed between a change and its picture."""
    view = EventList(claudia)
    freeze(view)
    saved_task(claudia, Status.COMPLETED, name="just now")
    assert "just now completed" in freeze(view)


@pytest.mark.parametrize("spec", PAGES, ids=lambda spec: spec.title)
def test_every_page_can_be_frozen(busy, claudia_file, spec):
    """With tasks and without; nothing that users wrote becomes markup."""
    assert frozen(spec.load()(busy)).text
    assert frozen(spec.load()(claudia_file)).text


def test_a_page_keeps_its_order_and_headings(busy):
    """A section for each heading, the verdict first."""
    read = frozen(Overview(busy))
    assert "1 task failed in the last hour" in read.text
    headings = [
        read.text.index(title) for title in ("Overview", "Running", "Throughput", "Newest errors", "Ended last")
    ]
    assert headings == sorted(headings)
    assert XSS in read.text


def test_a_detail_keeps_traceback_and_payload(busy):
    """Code stands as it was written."""
    read = frozen(TasksPage(busy, id=busy.tasks.list(name="broke").tasks[0].id))
    assert f"ValueError: {XSS}" in read.text
    assert '"file": "a.csv"' in read.text


def test_an_empty_part_says_what_to_do(claudia):
    """The words for having nothing are frozen, too."""
    assert "claudia.track(" in frozen(TaskTable(claudia)).text
    assert "No task ended" in frozen(ThroughputChart(claudia)).text


def test_two_frozen_parts_share_a_page(busy):
    """Ids of one do not meet those of the other, and styles reach nothing else."""
    first, second = freeze(KpiRow(busy)), freeze(TaskTable(busy))
    ids = [attributes["id"] for _, attributes in Read(first + second).elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    style = first.split("<style>")[1].split("</style>")[0]
    assert style.startswith(".claudia{")
    assert "}.claudia{.claudia" in style


def test_save_writes_both_forms(busy, tmp_path):
    """A whole file around the part, by the ending of its name."""
    save(TaskTable(busy), tmp_path / "tasks.html", "The tasks")
    read = Read((tmp_path / "tasks.html").read_text(encoding="utf-8"))
    assert read.broken == []
    assert "The tasks" in read.text
    save(Overview(busy), tmp_path / "overview.md")
    assert (tmp_path / "overview.md").read_text(encoding="utf-8").startswith("# Overview\n")
