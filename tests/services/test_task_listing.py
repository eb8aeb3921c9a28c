"""Tasks by tag, time and every order; types and tags; reruns; changes of several."""

from datetime import timedelta
from itertools import pairwise

import pytest

from claudia_core.errors import IllegalTransition, InvalidValue, TaskNotFound
from claudia_core.model import Status
from claudia_core.model.times import utc_now
from claudia_core.services.tasks import moves
from claudia_core.services.tasks.listing import ORDERS
from claudia_core.services.tasks.service import RERUN_OF


def made(claudia, count=12):
    """Tasks in every status, made one after the other."""
    tasks = claudia.tasks
    for n in range(count):
        task = tasks.create(f"task {(n * 7) % count}", type="ab"[n % 2], tags=["x"] if n % 3 else ["x", "y"])
        for step in (tasks.start, tasks.complete)[: n % 3]:
            step(task.id)


def key(task, order):
    """What an order compares, with what is not there first."""
    value = getattr(task, order)
    return value if isinstance(value, str) else (value is not None, value)


@pytest.mark.parametrize("turn", ["", "-"])
@pytest.mark.parametrize("order", [order for order in ORDERS if order != "name_key"])
def test_every_order(claudia, order, turn):
    """Over all pages, each task once, in order; what has no value stands first, or last when turned."""
    made(claudia)
    found, after = [], None
    for _ in range(4):
        page = claudia.tasks.list(order=turn + order, limit=5, after=after)
        found += page.tasks
        after = page.next
        if after is None:
            break
    assert len({task.id for task in found}) == len(found) == 12
    for one, other in pairwise(reversed(found) if turn else found):
        assert (one.duration is None, other.duration is None) != (False, True) or order != "duration"
        assert order == "duration" or key(one, order) <= key(other, order)


def test_by_tag_and_time(claudia):
    """Alone and with other conditions."""
    made(claudia)
    assert len(claudia.tasks.list(tag="y").tasks) == 4
    assert len(claudia.tasks.list(tag="y", status="pending").tasks) == 4
    assert len(claudia.tasks.list(tag="x", type="a", order="name", limit=4).tasks) == 4
    assert claudia.tasks.list(tag="z").tasks == []
    hour = timedelta(hours=1)
    assert len(claudia.tasks.list(since=utc_now() - hour).tasks) == 12
    assert len(claudia.tasks.list(since=utc_now() - hour, status="completed", order="-duration").tasks) == 4
    assert claudia.tasks.list(since=utc_now() + hour).tasks == []
    for wrong in ({"since": utc_now().replace(tzinfo=None)}, {"tag": ""}, {"order": "payload"}, {"order": "--id"}):
        with pytest.raises(InvalidValue):
            claudia.tasks.list(**wrong)


def test_types_and_tags(claudia):
    """Which there are, by their beginning, with how many tasks were made; at most as many as asked for."""
    made(claudia)
    claudia.tasks.create("other", type="ab")
    assert claudia.tasks.types() == {"a": 6, "ab": 1, "b": 6}
    assert claudia.tasks.types("a", limit=1) == {"a": 6}
    assert claudia.tasks.types("ab") == {"ab": 1}
    assert claudia.tasks.types("none") == {}
    assert claudia.tasks.tags() == {"x": 12, "y": 4}


def test_rerun(claudia):
    """A new pending task like the first, with its label; what is given is other."""
    first = claudia.tasks.create(
        "load",
        type="etl",
        payload={"day": 1},
        tags=["t"],
        labels={"a": "b"},
        unit="rows",
        estimated_steps=5,
        start=True,
    )
    again = claudia.tasks.rerun(first.id)
    assert (again.status, again.name, again.type, again.payload, again.tags) == (
        Status.PENDING, "load", "etl", {"day": 1}, ("t",),
    )  # fmt: skip
    assert (again.labels, again.progress.unit, again.progress.total) == ({"a": "b", RERUN_OF: first.id}, "rows", 5)
    other = claudia.tasks.rerun(again.id, payload=None)
    assert (other.payload, other.labels[RERUN_OF]) == (None, again.id)
    with pytest.raises(TaskNotFound):
        claudia.tasks.rerun("01932f3e-7b5a-7cc0-9c5d-1f2e3d4c5b6a")


def test_several_at_once(claudia):
    """Each by itself: what is refused does not keep the others."""
    ids = [claudia.tasks.create(f"{n}").id for n in range(3)]
    claudia.tasks.cancel(ids[1])
    found = claudia.tasks.move_each([*ids, ids[0], "none"], moves.cancelling)
    assert [found[id].status for id in (ids[0], ids[2])] == [Status.CANCELLED] * 2
    assert isinstance(found[ids[1]], IllegalTransition)
    assert isinstance(found["none"], TaskNotFound)
    assert len(found) == 4


def test_all_below(claudia):
    """Level by level, and no more than asked for."""
    root = claudia.tasks.create("root")
    children = [claudia.tasks.create(f"child {n}", parent_id=root.id) for n in range(25)]
    leaf = claudia.tasks.create("leaf", parent_id=children[-1].id)
    claudia.tasks.create("beside")
    found = [task.name for task in claudia.tasks.below(root.id)]
    assert found == [*(task.name for task in children), "leaf"]
    assert [task.id for task in claudia.tasks.below(children[-1].id)] == [leaf.id]
    assert len(claudia.tasks.below(root.id, limit=7)) == 7
    assert claudia.tasks.below(leaf.id) == []
