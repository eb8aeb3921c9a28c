"""`claudia.show(...)`: the same pages and parts as on the web, in a cell."""

from importlib.metadata import EntryPoint, EntryPoints

import nbformat
import pytest
from nbclient import NotebookClient
from panel.viewable import Viewer

from claudia_core import showing
from claudia_core.errors import InvalidValue, MissingExtra
from claudia_core.model import Status
from claudia_core.testing.builders import saved_task
from dashboards import PAGES
from dashboards.pages.tasks import TasksPage
from dashboards.parts import ProgressBar
from dashboards.parts.tasks.task_detail import TaskDetail
from dashboards.views import PARTS, views


@pytest.mark.parametrize("name", [name for name in views() if name != "progress"])
def test_everything_can_be_shown_by_name(claudia, name):
    """In a script the view is returned, ready to be placed."""
    view = claudia.show(name)
    assert isinstance(view, Viewer)
    view.pull()
    assert view.problem == ""


def test_every_page_has_a_name():
    """That of its address; nothing at all means the overview."""
    assert {spec.path.strip("/") or "overview" for spec in PAGES} <= set(views())
    assert set(PARTS) <= set(views())


def test_options_are_those_of_the_view(claudia):
    """So a filter can be given at once."""
    page = claudia.show("tasks", status="failed")
    assert isinstance(page, TasksPage)
    assert page.status == "failed"


def test_a_task_is_shown_in_detail(claudia):
    """Given as a value or as what `claudia.task` gives; its bar alone has a name."""
    task = saved_task(claudia, Status.FAILED)
    shown = claudia.show(task)
    assert isinstance(shown, TaskDetail)
    assert shown.task_id == task.id
    with claudia.task("runs") as run:
        assert claudia.show(run).task_id == run.id
    assert isinstance(claudia.show("progress", task=task), ProgressBar)


@pytest.mark.parametrize(
    ("name", "options", "address"),
    [
        ("overview", {}, "http://127.0.0.1:1/"),
        ("tasks", {"status": "failed", "name_prefix": "a&b"}, "http://127.0.0.1:1/tasks?status=failed&amp;name=a%26b"),
        ("task", {"task_id": "<x>"}, "http://127.0.0.1:1/tasks?id=%3Cx%3E"),
    ],
)
def test_a_hub_elsewhere_is_linked_to(monkeypatch, claudia, name, options, address):
    """It shows its pages itself."""
    monkeypatch.setattr(claudia.store, "url", "http://127.0.0.1:1", raising=False)
    shown = claudia.show(name, **options).object
    assert f'href="{address}"' in shown
    assert "<x>" not in shown


def test_an_unknown_name_is_refused_with_the_names(claudia):
    """The hint is the list."""
    with pytest.raises(InvalidValue, match=r"no view 'taks' .*overview.*tasks.*throughput"):
        claudia.show("taks")


@pytest.mark.parametrize(
    "points",
    [[], [EntryPoint("default", "no_such_package.views:view", showing.VIEWS)]],
    ids=["none installed", "cannot be imported"],
)
def test_without_pages_the_cure_is_told(claudia, monkeypatch, points):
    """The core works without its pages, and says what is missing only when it is asked to show them."""
    monkeypatch.setattr(showing, "entry_points", lambda group: EntryPoints(points))
    with pytest.raises(MissingExtra, match="pip install --upgrade claudia-core"):
        claudia.show()


@pytest.mark.slow
def test_in_a_notebook_it_is_displayed_at_once():
    """Also when the call is not the last line of its cell; Panel is made ready without being asked for."""
    cells = [
        "from claudia_core import Claudia\nclaudia = Claudia('memory://')",
        "claudia.show('tasks')\nlen(list(claudia.track([1, 2, 3], 'three', show=False)))",
        "claudia.tasks.list().tasks[0]",
        "claudia.close()",
    ]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in cells])
    NotebookClient(notebook, timeout=60, kernel_name="python3").execute()
    page, task = notebook.cells[1].outputs, notebook.cells[2].outputs
    kinds = {kind for output in page if "data" in output for kind in output["data"]}
    assert "application/vnd.holoviews_load.v0+json" in kinds
    assert "application/vnd.holoviews_exec.v0+json" in kinds
    assert page[-1]["data"]["text/plain"] == "3"
    assert task[0]["data"]["text/plain"] == "three: completed, 3/3 items (100%)"
    assert "<progress" in task[0]["data"]["text/html"]
