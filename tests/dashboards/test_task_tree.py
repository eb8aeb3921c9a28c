"""The tree of a task's parts as an object."""

from claudia_core.services.tasks.service import NewTask
from dashboards.pages.tasks import TasksPage
from dashboards.parts.tasks import task_tree
from dashboards.parts.tasks.task_tree import TaskTree
from tests.dashboards.conftest import settle


def family(hub, number):
    """A task with so many parts, the first of which has one, too; its id."""
    above = hub.tasks.create("above").id
    below = hub.tasks.create_many([NewTask(name=f"part {n}", parent_id=above) for n in range(number)])
    hub.tasks.create("grandchild", parent_id=below[0].id)
    settle(hub)
    return above


def test_many_parts_are_shown_step_by_step(claudia, monkeypatch):
    """A sentence tells what is not shown, as long as something is not."""
    monkeypatch.setattr(task_tree, "STEP", 3)
    tree = TaskTree(claudia, task_id=family(claudia, 7), most=3)
    tree.refresh()
    assert len(tree.table.rows) == 3
    assert "The first 3 parts are shown. Directly below this task: 7 parts." in tree.words.object
    assert tree.more.visible
    tree.more._on_message({"choose": "more"})
    assert (len(tree.table.rows), tree.more.visible) == (6, True)
    tree.more._on_message({"choose": "more"})
    assert (len(tree.table.rows), tree.words.visible, tree.more.visible) == (8, False, False)


def test_a_browser_is_not_given_more_than_it_can_hold(claudia, monkeypatch):
    """The sentence stays, the button goes."""
    monkeypatch.setattr(task_tree, "MOST", 4)
    tree = TaskTree(claudia, task_id=family(claudia, 7), most=3)
    tree.refresh()
    tree.more._on_message({"choose": "more"})
    assert (len(tree.table.rows), tree.words.visible, tree.more.visible) == (4, True, False)


def test_another_task_begins_with_the_first_parts(claudia, monkeypatch):
    """Whatever was shown of the one before."""
    monkeypatch.setattr(task_tree, "STEP", 3)
    first, second = family(claudia, 7), family(claudia, 7)
    tree = TaskTree(claudia, task_id=first)
    tree.most = 3
    tree.refresh()
    tree.more._on_message({"choose": "more"})
    tree.task_id = second
    tree.refresh()
    assert len(tree.table.rows) == 3


def test_a_long_tree_is_read_again_after_a_while(claudia, monkeypatch):
    """Not at every change of anything; the page looks again once the while has passed."""
    monkeypatch.setattr(task_tree, "STEP", 3)
    page = TasksPage(claudia)
    page.id = family(claudia, 7)
    tree = page.detail.tree
    tree.most = 7
    page.refresh()
    tree._shown = ()
    tree.refresh()
    claudia.tasks.cancel(tree.table.rows[0]["id"])
    settle(claudia)
    page.refresh()
    assert tree.is_waiting
    assert tree.table.rows[0]["status"]["word"] == "pending"
    tree._read_at -= task_tree.PAUSE
    page.refresh()
    assert tree.table.rows[0]["status"]["word"] == "cancelled"
