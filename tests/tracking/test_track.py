"""`track()`: any loop as a task."""

import itertools
import sys
import threading
import time

import pytest

from claudia_core.errors import InvalidValue, StoreClosed
from claudia_core.model import Status
from claudia_core.testing.waiting import eventually


class Sequence:
    """The old protocol of sequences: `__getitem__` and nothing else."""

    def __getitem__(self, place):
        if place < 3:
            return place
        raise IndexError


SOURCES = {
    "a list": (lambda: [1, 2, 3], 3),
    "a range": (lambda: range(3), 3),
    "a set": (lambda: {1, 2, 3}, 3),
    "a dict's items": ({1: 1, 2: 2, 3: 3}.items, 3),
    "a generator": (lambda: (row for row in range(3)), None),
    "an iterator": (lambda: iter([1, 2, 3]), 3),
    "a text": (lambda: "abc", 3),
    "an old sequence": (Sequence, None),
    "map": (lambda: map(str, [1, 2, 3]), None),
}


@pytest.mark.parametrize("name", SOURCES)
def test_any_iterable(claudia, name):
    """Items pass through unchanged; the total is what the source says it has, and unknown until the end otherwise."""
    make, total = SOURCES[name]
    rows = claudia.track(make())
    assert rows.total == total
    assert list(rows) == list(make())
    task = claudia.tasks.get(rows.id)
    assert (task.status, task.progress.current, task.progress.total) == (Status.COMPLETED, 3, 3)
    assert task.progress.percentage == 100


def test_an_empty_source(claudia):
    """Nothing to do is done."""
    rows = claudia.track([])
    assert list(rows) == []
    task = claudia.tasks.get(rows.id)
    assert (task.status, task.progress.current, task.progress.percentage) == (Status.COMPLETED, 0, 100)


def test_an_infinite_source(claudia):
    """A source without end has no total; leaving it keeps the count."""
    rows = claudia.track(itertools.count())
    for row in rows:
        if row == 7:
            break
    task = claudia.tasks.get(rows.id)
    assert (task.status, task.progress.current, task.progress.total) == (Status.CANCELLED, 7, None)


@pytest.mark.parametrize("length", [-1, 2**70, "x"])
def test_a_length_that_is_nonsense_counts_as_unknown(claudia, length):
    """A source's own `__len__` may be broken; the loop need not care."""

    class Odd:
        def __len__(self):
            return length

        def __iter__(self):
            return iter([1, 2])

    rows = claudia.track(Odd())
    assert rows.total is None
    assert [*iter(rows)] == [1, 2]


def test_a_length_that_raises_counts_as_unknown(claudia):
    """The same for one that raises what it likes."""

    class Odd:
        def __len__(self):
            raise RuntimeError("not today")

        def __iter__(self):
            return iter([1, 2])

    assert claudia.track(Odd()).total is None


def test_a_given_total_wins(claudia):
    """A generator's total can be told; the end corrects an estimate that was too low."""
    rows = claudia.track((row for row in range(5)), total=3)
    assert rows.total == 3
    for _ in rows:
        pass
    assert claudia.tasks.get(rows.id).progress.current == 5


@pytest.mark.parametrize("total", [-1, float("nan"), float("inf"), True, "3", 2**60])
def test_an_absurd_total_is_refused(claudia, total):
    """Before anything is written, and by the name the caller used."""
    with pytest.raises(InvalidValue) as caught:
        claudia.track([1], total=total)
    assert caught.value.field == "total"
    assert claudia.store.head() == 0


def test_what_cannot_be_looped_over_is_refused(claudia):
    """At once, not when the loop begins."""
    with pytest.raises(InvalidValue, match="int"):
        claudia.track(3)


def test_len(claudia):
    """The length is that of the source; a source without one has none."""
    assert len(claudia.track([1, 2])) == 2
    with pytest.raises(TypeError):
        len(claudia.track(iter(int, 1)))
    assert claudia.track([])


def test_iterating_twice_is_refused(claudia):
    """A task is one piece of work; the message says what to do."""
    rows = claudia.track([1, 2], "rows")
    list(rows)
    with pytest.raises(RuntimeError, match=r"rows was iterated over already; call track\(\) again"):
        iter(rows)


def test_nothing_is_written_before_the_loop_begins(claudia):
    """A `track()` that is never looped over leaves no task."""
    claudia.track([1, 2])
    assert claudia.tasks.list().tasks == []


def test_nesting(claudia):
    """Loops and tasks inside are children; afterwards nothing is current."""
    with claudia.task("outer") as outer:
        for _ in claudia.track([1], "loop"):
            assert claudia.current_task().name == "loop"
            with claudia.task("inner") as inner:
                assert claudia.current_task() is inner
        assert claudia.current_task() is outer
    assert claudia.current_task() is None
    by_name = {task.name: task for task in claudia.tasks.list().tasks}
    assert by_name["loop"].parent_id == by_name["outer"].id
    assert by_name["inner"].parent_id == by_name["loop"].id
    assert {task.root_id for task in by_name.values()} == {outer.id}


def test_a_given_parent_wins(claudia):
    """By task, by run or by id."""
    parent = claudia.tasks.create("parent")
    with claudia.task("around") as around:
        for other in (parent, parent.id, around):
            list(rows := claudia.track([1], parent=other))
            assert claudia.tasks.get(rows.id).parent_id == getattr(other, "id", other)


def test_zipped_loops_are_beside_each_other(claudia):
    """Two loops that one `zip` advances are siblings, and both complete when they are of one length."""
    with claudia.task("around") as around:
        first, second = claudia.track([1, 2, 3], "first"), claudia.track([1, 2, 3], "second")
        assert list(zip(first, second, strict=False)) == [(1, 1), (2, 2), (3, 3)]
    for run in (first, second):
        task = claudia.tasks.get(run.id)
        assert (task.status, task.progress.current, task.parent_id) == (Status.COMPLETED, 3, around.id)


def test_zipped_loops_of_different_length(claudia):
    """The longer one was left early; all that was worked on counts."""
    first, second = claudia.track([1, 2, 3], "first"), claudia.track(range(10), "second")
    assert len(list(zip(first, second, strict=False))) == 3
    assert claudia.tasks.get(first.id).status is Status.COMPLETED
    task = claudia.tasks.get(second.id)
    assert (task.status, task.progress.current) == (Status.CANCELLED, 3)


def test_threads(claudia):
    """Loops of several threads are tasks of their own, with nothing around them."""

    def work(number):
        for _ in claudia.track(range(20), f"thread {number}"):
            pass

    with claudia.task("around"):
        threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)
    found = claudia.tasks.list(name="thread").tasks
    assert [task.status for task in found] == [Status.COMPLETED] * 8
    assert {task.parent_id for task in found} == {None}


def test_progress_is_seen_while_the_loop_runs(claudia):
    """The count, the total and the rate are saved several times a second."""
    go_on = threading.Event()
    rows = claudia.track(range(10), "slow")

    def work():
        for row in rows:
            if row == 4:
                go_on.wait(20)

    thread = threading.Thread(target=work)
    thread.start()
    task = eventually(lambda: rows.is_open and (task := claudia.tasks.get(rows.id)).progress.current == 4 and task)
    assert (task.status, task.progress.total) == (Status.ACTIVE, 10)
    assert task.progress.rate > 0
    go_on.set()
    thread.join(20)
    assert claudia.tasks.get(rows.id).status is Status.COMPLETED


def test_text(claudia):
    """The same text each time: for logs, doctests and terminals."""
    rows = claudia.track([1, 2, 3, 4], "clean rows")
    assert repr(rows) == "clean rows: pending, 0/4 items (0%)"
    for row in rows:
        if row == 2:
            assert repr(rows) == "clean rows: active, 1/4 items (25%)"
    assert repr(rows) == "clean rows: completed, 4/4 items (100%)"


def test_html_escapes_the_users_text(claudia):
    """A name is text, not markup."""
    html = claudia.track([1], "<script>alert(1)</script>")._repr_html_()
    assert "<script>" not in html
    assert "&lt;script&gt;" in html


def test_two_hubs_do_not_mix(claudia, claudia_file):
    """A loop of one hub inside a task of another is not its child: the other store does not know it."""
    with claudia.task("around"):
        list(rows := claudia_file.track([1, 2]))
        assert claudia_file.current_task() is None
    assert claudia_file.tasks.get(rows.id).parent_id is None


def test_a_loop_over_a_task_made_before(claudia):
    """A task that was made to be run later is run under its own id."""
    made = claudia.tasks.create("made before", payload={"file": 1})
    list(claudia.track([1, 2], id=made.id))
    task = claudia.tasks.get(made.id)
    assert (task.name, task.status, task.payload) == ("made before", Status.COMPLETED, {"file": 1})


def test_a_task_cancelled_from_outside(claudia):
    """The loop goes on, for nobody may break it; the task stays as it was ended."""
    rows = claudia.track(range(3))
    for row in rows:
        if row == 1:
            claudia.tasks.cancel(rows.id, reason="not needed")
    task = claudia.tasks.get(rows.id)
    assert (task.status, task.progress.message) == (Status.CANCELLED, "not needed")
    assert rows.status is Status.CANCELLED


def test_after_close(claudia):
    """A closed hub says so instead of losing the task."""
    claudia.close()
    with pytest.raises(StoreClosed, match=r"closed.*make a new Claudia"):
        list(claudia.track([1]))


@pytest.mark.skipif(sys.gettrace() is not None, reason="a tracer, such as coverage's, costs more than what is measured")
def test_the_loop_is_cheap(claudia):
    """One generator step and one addition: far from a lock, a clock or a call per item."""

    def seconds(rows):
        began = time.perf_counter()
        for _ in rows:
            pass
        return time.perf_counter() - began

    number = 300_000
    bare = min(seconds(range(number)) for _ in range(3))
    tracked = min(seconds(claudia.track(range(number))) for _ in range(3))
    assert (tracked - bare) / number < 500e-9
