"""What a scheduler works on, folded: computations, groups and single tasks."""

from claudia_core.engines.dask.parts import DONE, DROPPED, FAILED, RUNNING, WAITING
from claudia_core.engines.dask.picture import LINGER, MANY, Picture
from claudia_core.model.ids import require_id


def keys(prefix: str, number: int) -> dict[str, str]:
    return {f"{prefix}-{index}": prefix for index in range(number)}


def run(picture: Picture, key: str, end: int = DONE, **more: object) -> None:
    picture.move(key, RUNNING, 1.0, "w1")
    picture.move(key, end, 2.0, "w1", **more)


def told(picture: Picture, after: int = 0) -> dict[str, dict]:
    return {part["name"] if part["kind"] != "task" else part["key"]: part for part in picture.changes(after)}


def test_one_task() -> None:
    """A single task is one part, with its worker, its time and what it gave."""
    picture = Picture()
    picture.begin("c", keys("train", 1), ["train-0"], 0.0)
    assert [(part["name"], part["status"]) for part in picture.changes(0)] == [("train", "pending")]
    run(picture, "train-0", seconds=0.9, bytes=28, type="int")
    (part,) = picture.changes(0)
    assert (part["status"], part["total"], part["done"], part["worker"]) == ("completed", 1, 1, "w1")
    assert (part["began"], part["ended"], part["seconds"], part["type"]) == (1.0, 2.0, 0.9, "int")
    require_id(part["id"])


def test_a_few_tasks() -> None:
    """Of a small computation each task is a part below it."""
    picture = Picture()
    picture.begin("c", {**keys("load", 2), **keys("sum", 1)}, ["sum-0"], 0.0)
    parts = told(picture)
    assert sorted(parts) == ["load-0", "load-1", "sum", "sum-0"]
    assert {parts[key]["parent"] for key in ("load-0", "load-1", "sum-0")} == {parts["sum"]["id"]}
    for key in ("load-0", "load-1"):
        run(picture, key)
    assert told(picture)["sum"]["status"] == "active"
    run(picture, "sum-0")
    assert {part["status"] for part in picture.changes(0)} == {"completed"}


def test_a_large_graph() -> None:
    """A hundred thousand tasks of two names are three parts, with counts."""
    picture = Picture()
    picture.begin("c", {**keys("load", 99_999), **keys("sum", 1)}, ["sum-0"], 0.0)
    for index in range(10):
        run(picture, f"load-{index}", seconds=0.5)
    picture.move("load-10", RUNNING, 1.0, "w2")
    parts = told(picture)
    assert len(picture.changes(0)) == len({part["id"] for part in picture.changes(0)}) == 3
    load = next(part for part in picture.changes(0) if part["name"] == "load")
    assert (load["kind"], load["total"], load["done"], load["running"], load["workers"]) == ("group", 99_999, 10, 1, 2)
    assert load["seconds"] == 5.0
    assert parts["load"]["parent"]


def test_a_large_map() -> None:
    """Many tasks of one name are one part."""
    picture = Picture()
    picture.begin("c", keys("inc", 1_000), list(keys("inc", 1_000)), 0.0)
    run(picture, "inc-0", FAILED, error="ValueError('x')", traceback="")
    (part,) = picture.changes(0)
    assert (part["kind"], part["total"], part["failed"], part["status"]) == ("computation", 1_000, 1, "active")


def test_failures() -> None:
    """What failed, and what needed it, end the computation; errors of another text are each kept, to a limit."""
    picture = Picture(each=1)
    picture.begin("c", keys("inc", 30), list(keys("inc", 30)), 0.0)
    for index in range(29):
        run(picture, f"inc-{index}", FAILED, error=f"ValueError('{index % 12}')", traceback="")
    picture.move("inc-29", DROPPED, 3.0, reason="inc-0 failed, which it needs")
    (part,) = picture.changes(0)
    assert (part["status"], part["failed"], part["dropped"], len(part["errors"])) == ("failed", 29, 1, 10)


def test_forgotten() -> None:
    """A task that nobody wants any more, before it was done, is dropped; one that was done stays done."""
    picture = Picture()
    picture.begin("c", keys("inc", 2), list(keys("inc", 2)), 0.0)
    run(picture, "inc-0")
    picture.forget("inc-0", 3.0)
    picture.forget("inc-1", 3.0)
    parts = told(picture)
    assert (parts["inc-0"]["status"], parts["inc-1"]["status"]) == ("completed", "cancelled")
    assert parts["inc"]["status"] == "cancelled"


def test_a_worker_that_is_lost() -> None:
    """A task that runs once more is at its next attempt; a result that was lost is done again, and counted so."""
    picture = Picture()
    picture.begin("c", keys("inc", 2), list(keys("inc", 2)), 0.0)
    picture.move("inc-0", RUNNING, 1.0, "w1")
    run(picture, "inc-1")
    picture.move("inc-0", WAITING, 2.0)
    picture.again("inc-1", 2.0)
    assert (told(picture)["inc"]["done"], told(picture)["inc"]["status"]) == (0, "active")
    run(picture, "inc-0")
    run(picture, "inc-1")
    parts = told(picture)
    assert (parts["inc-0"]["attempt"], parts["inc"]["done"], parts["inc"]["status"]) == (2, 2, "completed")


def test_retried_by_hand() -> None:
    """A computation that failed and is asked for again is open once more, at its next attempt."""
    picture = Picture()
    picture.begin("c", keys("inc", 1), ["inc-0"], 0.0)
    run(picture, "inc-0", FAILED, error="ValueError('x')")
    picture.again("inc-0", 3.0)
    (part,) = picture.changes(0)
    assert (part["status"], part["attempt"], part["errors"]) == ("active", 2, [])


def test_submitted_one_by_one() -> None:
    """Tasks of one name that a client submits while others of it run are one computation; another client's are not."""
    picture = Picture()
    for index in range(200):
        picture.begin("c", {f"inc-{index}": "inc"}, [f"inc-{index}"], 0.0)
    picture.begin("other", {"inc-a": "inc"}, ["inc-a"], 0.0)
    whole = [part for part in picture.changes(0) if part["kind"] == "computation"]
    assert sorted(part["total"] for part in whole) == [1, 200]
    assert sum(part["kind"] == "task" for part in picture.changes(0)) == 50


def test_a_single_task_that_gets_company() -> None:
    """The first of several that are submitted one by one is told by itself, too, as it was."""
    picture = Picture()
    picture.begin("c", {"inc-0": "inc"}, ["inc-0"], 0.0)
    picture.move("inc-0", RUNNING, 1.0, "w1")
    picture.begin("c", {"inc-1": "inc"}, ["inc-1"], 1.5)
    parts = told(picture)
    assert (parts["inc-0"]["status"], parts["inc-0"]["worker"], parts["inc"]["running"]) == ("active", "w1", 1)
    picture.move("inc-0", DONE, 2.0, "w1")
    assert (told(picture)["inc-0"]["status"], told(picture)["inc"]["done"]) == ("completed", 1)


def test_one_after_the_other() -> None:
    """Where small computations of one name follow each other quickly they become one, which ends when no more come."""
    picture = Picture()
    for index in range(500):
        picture.begin("c", {f"inc-{index}": "inc"}, [f"inc-{index}"], index / 100)
        picture.move(f"inc-{index}", RUNNING, index / 100, "w1")
        picture.move(f"inc-{index}", DONE, index / 100, "w1")
    parts = picture.changes(0)
    assert len(parts) == MANY + 1
    last = max(parts, key=lambda part: part["total"])
    assert (last["total"], last["status"]) == (500 - MANY, "active")
    picture.tick(5.0 + LINGER + 0.1)
    (last,) = picture.changes(last["version"])
    assert last["status"] == "completed"


def test_changes_since() -> None:
    """Only what changed after a version is told, what is above before what is below."""
    picture = Picture()
    picture.begin("c", keys("a", 2), [], 0.0)
    version = picture.version
    picture.begin("c", keys("b", 2), [], 1.0)
    changed = picture.changes(version)
    assert [part["kind"] for part in changed] == ["computation", "task", "task"]
    assert picture.changes(picture.version) == []


def test_who_to_cancel() -> None:
    """A computation is cancelled by the keys that its client wants; a task by its own."""
    picture = Picture()
    picture.begin("c", {**keys("load", 2), **keys("sum", 1)}, ["sum-0"], 0.0)
    parts = told(picture)
    assert picture.wanted(parts["sum"]["id"]) == ("c", ["sum-0"])
    assert picture.wanted(parts["load-1"]["id"]) == ("c", ["load-1"])
    assert picture.wanted("unknown") == ("", [])
