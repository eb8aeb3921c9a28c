"""`track()` tells an exception in the loop's body from `break`, whatever surrounds it."""

import asyncio
import contextlib
import threading
import time
import weakref

import pytest

from claudia_core.model import Status
from claudia_core.testing.waiting import eventually


class Boom(Exception):
    """What the bodies below raise."""


def plain(rows):
    for row in rows:
        if row == 3:
            raise Boom("here")


def raised_again(rows):
    for row in rows:
        try:
            if row == 3:
                raise Boom("here")
        except Boom:
            raise


def raised_by_name(rows):
    for row in rows:
        try:
            if row == 3:
                raise Boom("here")
        except Boom as error:
            raise error


def another_from_it(rows):
    for row in rows:
        try:
            if row == 3:
                raise KeyError("first")
        except KeyError as error:
            raise Boom("here") from error


def through_finally(rows):
    for row in rows:
        try:
            if row == 3:
                raise Boom("here")
        finally:
            str(row)


def through_with(rows):
    for row in rows:
        with contextlib.ExitStack(), contextlib.nullcontext():
            if row == 3:
                raise Boom("here")


def through_an_except_that_does_not_match(rows):
    for row in rows:
        try:
            if row == 3:
                raise Boom("here")
        except KeyError:
            pass


def after_errors_that_were_kept(rows):
    kept = []
    for row in rows:
        try:
            raise Boom(row) if row < 3 else Boom("here")
        except Boom as error:
            kept.append(error)
            if row == 3:
                raise


def within_an_enclosing_try(rows):
    try:
        for row in rows:
            if row == 3:
                raise Boom("here")
    finally:
        str(rows)


def deeper(rows):
    def work(row):
        if row == 3:
            raise Boom("here")

    for row in rows:
        work(row)


def in_a_comprehension(rows):
    return [1 / (row - 3) if row == 3 else row for row in rows]


def within_enumerate(rows):
    for place, _ in enumerate(rows):
        if place == 3:
            raise Boom("here")


RAISING = [
    plain,
    raised_again,
    raised_by_name,
    another_from_it,
    through_finally,
    through_with,
    through_an_except_that_does_not_match,
    after_errors_that_were_kept,
    within_an_enclosing_try,
    deeper,
    in_a_comprehension,
    within_enumerate,
]


@pytest.mark.parametrize("body", RAISING, ids=lambda body: body.__name__)
def test_an_exception_in_the_body_fails_the_task(claudia, body):
    """The task keeps the exception, a traceback with the user's own function, and the progress; the loop re-raises."""
    rows = claudia.track(range(10))
    with pytest.raises((Boom, ZeroDivisionError)):
        body(rows)
    task = claudia.tasks.get(rows.id)
    assert (task.status, task.progress.current) == (Status.FAILED, 3)
    assert task.error.type in (f"{__name__}.Boom", "ZeroDivisionError")
    assert f"in {body.__name__}" in task.error.traceback or "in work" in task.error.traceback
    assert len(claudia.errors.occurrences(task_id=task.id)) == 1


def plain_break(rows):
    for row in rows:
        if row == 3:
            break


def a_return(rows):
    for row in rows:
        if row == 3:
            return row
    return None


def break_in_except(rows):
    for row in rows:
        try:
            if row == 3:
                raise Boom("dealt with")
        except Boom:
            break


def return_in_except(rows):
    for row in rows:
        try:
            if row == 3:
                raise Boom("dealt with")
        except Boom:
            return


def break_in_finally(rows):
    for row in rows:
        try:
            if row == 3:
                raise Boom("swallowed")
        finally:
            if row == 3:
                break  # noqa: B012 - the spelling under test


def break_after_errors_that_were_kept(rows):
    kept = []
    for row in rows:
        try:
            raise Boom(row)
        except Boom as error:
            kept.append(error)
        if row == 3:
            break


def break_after_suppress(rows):
    for row in rows:
        with contextlib.suppress(Boom):
            raise Boom(row)
        if row == 3:
            break


def a_break_within_with(rows):
    for row in rows:
        with contextlib.nullcontext():
            if row == 3:
                break


def return_with_a_held_iterator(rows):
    held = iter(rows)
    for row in held:
        if row == 3:
            return


def a_slice(rows):
    for row in rows:
        if row == 3:
            return next(iter([row]))
    return None


LEAVING = [
    plain_break,
    a_return,
    break_in_except,
    return_in_except,
    break_in_finally,
    break_after_errors_that_were_kept,
    break_after_suppress,
    a_break_within_with,
    return_with_a_held_iterator,
    a_slice,
]


@pytest.mark.filterwarnings("ignore:'break' in a 'finally' block:SyntaxWarning")
@pytest.mark.parametrize("body", LEAVING, ids=lambda body: body.__name__)
def test_leaving_a_loop_cancels_the_task(claudia, body):
    """`break` and `return` are no errors, also next to exceptions that were dealt with; the progress is kept."""
    rows = claudia.track(range(10))
    body(rows)
    task = eventually(lambda: (task := claudia.tasks.get(rows.id)).status.is_terminal and task)
    assert (task.status, task.progress.current) == (Status.CANCELLED, 3)
    assert task.error is None
    assert claudia.errors.issues().issues == []


def test_close_cancels(claudia):
    """An iterator that is closed by hand leaves a cancelled task."""
    rows = claudia.track(range(10))
    steps = iter(rows)
    assert [next(steps), next(steps)] == [0, 1]
    steps.close()
    task = claudia.tasks.get(rows.id)
    assert (task.status, task.progress.current) == (Status.CANCELLED, 1)


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit, asyncio.CancelledError])
def test_an_interrupted_loop_is_cancelled(claudia, kind):
    """Ctrl-C and the like are no errors of the work."""
    rows = claudia.track(range(10))

    def work():
        for _ in rows:
            raise kind

    with pytest.raises(kind):
        work()
    task = claudia.tasks.get(rows.id)
    assert task.status is Status.CANCELLED
    assert kind.__name__ in task.progress.message


def test_an_exception_in_the_source_fails_the_task(claudia):
    """A generator that raises while it is asked for the next item fails the task and is re-raised."""

    def source():
        yield 1
        raise Boom("in the source")

    rows = claudia.track(source())
    with pytest.raises(Boom):
        list(rows)
    task = claudia.tasks.get(rows.id)
    assert (task.status, task.progress.current) == (Status.FAILED, 1)
    assert "in source" in task.error.traceback


def test_a_raise_in_nested_loops_fails_both(claudia):
    """The exception passes through both loops, so both tasks failed of it."""
    outer, inner = claudia.track(range(3), "outer"), claudia.track(range(3), "inner")

    def work():
        for _ in outer:
            for _ in inner:
                raise Boom("both")

    with pytest.raises(Boom):
        work()
    assert {claudia.tasks.get(run.id).status for run in (outer, inner)} == {Status.FAILED}


def test_a_held_iterator_whose_loop_raised_fails(claudia):
    """Something else holds the iterator, so it is not closed: the task fails all the same within seconds."""
    rows = claudia.track(range(10))

    steps = enumerate(rows)

    def work():
        for row, _ in steps:
            if row == 3:
                raise Boom("here")

    with pytest.raises(Boom) as caught:
        work()
    assert caught.value
    task = eventually(lambda: (task := claudia.tasks.get(rows.id)).status.is_terminal and task)
    assert task.status is Status.FAILED
    assert "in work" in task.error.traceback


def test_an_iterator_taken_up_again_goes_on(claudia):
    """A function that took some items and failed is not the end of the loop when another goes on with the rest."""
    rows = claudia.track(range(400))
    steps = iter(rows)
    kept = []

    def take(number):
        for place, _ in enumerate(steps):
            if place == number:
                raise Boom("one bad batch")

    for _ in range(20):
        try:
            take(10)
        except Boom as error:
            kept.append(error)
        time.sleep(0.03)  # the sampler looks at it meanwhile; whether it does is not what is asserted
    assert sum(1 for _ in steps) > 0
    task = claudia.tasks.get(rows.id)
    assert (task.status, task.progress.current) == (Status.COMPLETED, 400)


def test_the_first_item_taken_by_a_function_that_returned(claudia):
    """Where the first item was taken does not matter: a peeking helper that returned is not the end of the loop."""
    rows = claudia.track(range(30))
    steps = iter(rows)

    def peek():
        return next(steps)

    assert peek() == 0
    for _ in steps:
        time.sleep(0.01)
    assert claudia.tasks.get(rows.id).status is Status.COMPLETED


def test_a_generator_around_the_loop(claudia):
    """A generator that loops over `track()` pauses at each `yield`; that is not the end of the loop."""

    def rows():
        for row in claudia.track(range(4), "within a generator"):
            yield row, row

    for _ in rows():
        time.sleep(0.15)
    (task,) = claudia.tasks.list().tasks
    assert (task.status, task.progress.current) == (Status.COMPLETED, 4)


def test_a_generator_around_the_loop_that_is_left(claudia):
    """When its consumer breaks, the generator is closed and so is the loop inside."""

    def rows():
        for row in claudia.track(range(4), "within a generator"):
            yield row, row

    for row, _ in rows():
        if row == 2:
            break
    (task,) = claudia.tasks.list().tasks
    assert (task.status, task.progress.current) == (Status.CANCELLED, 2)


def test_an_iterator_that_the_garbage_collector_finds(claudia):
    """An iterator in a reference cycle ends its task when it is collected, on whatever thread that happens."""
    import gc

    class Holder:
        pass

    rows = claudia.track(range(10))
    holder = Holder()
    holder.me = holder
    holder.steps = iter(rows)
    next(holder.steps)
    gone = weakref.ref(holder)
    del holder
    collector = threading.Thread(target=gc.collect)
    collector.start()
    collector.join(10)
    assert gone() is None
    task = eventually(lambda: (task := claudia.tasks.get(rows.id)).status.is_terminal and task)
    assert task.status is Status.CANCELLED


def test_an_iterator_collected_on_the_writers_thread(claudia):
    """The store's own thread must not wait for itself: the end is left to the sampler."""
    import gc

    class Holder:
        pass

    rows = claudia.track(range(10))
    holder = Holder()
    holder.me = holder
    holder.steps = iter(rows)
    next(holder.steps)
    del holder
    claudia.store.write(lambda tx: gc.collect()).result(10)
    task = eventually(lambda: (task := claudia.tasks.get(rows.id)).status.is_terminal and task)
    assert task.status is Status.CANCELLED
