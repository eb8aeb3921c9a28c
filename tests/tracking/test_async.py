"""`track()` with `async for`."""

import asyncio
import gc

import pytest

from claudia_core.model import Status
from claudia_core.testing.waiting import eventually


class Boom(Exception):
    """What the bodies below raise."""


async def source(number=5):
    for row in range(number):
        await asyncio.sleep(0)
        yield row


async def fails():
    await asyncio.sleep(0)
    raise Boom("here")


async def test_an_async_iterable(claudia):
    """Items pass through; the total is known at the end."""
    rows = claudia.track(source())
    assert [row async for row in rows] == [0, 1, 2, 3, 4]
    task = claudia.tasks.get(rows.id)
    assert (task.status, task.progress.current, task.progress.total) == (Status.COMPLETED, 5, 5)


async def test_the_wrong_kind_of_loop_is_named(claudia):
    """A TypeError says which loop is right."""
    with pytest.raises(TypeError, match="use `async for`"):
        iter(claudia.track(source()))
    with pytest.raises(TypeError, match="use `for`"):
        aiter(claudia.track([1]))


async def awaits_what_fails(rows):
    async for _ in rows:
        await fails()


async def through_async_with(rows):
    async for _ in rows:
        async with asyncio.Lock():
            await fails()


async def through_finally(rows):
    async for _ in rows:
        try:
            await fails()
        finally:
            await asyncio.sleep(0)


async def through_an_except_that_does_not_match(rows):
    async for _ in rows:
        try:
            await fails()
        except KeyError:
            pass


BODIES = [awaits_what_fails, through_async_with, through_finally, through_an_except_that_does_not_match]


@pytest.mark.parametrize("body", BODIES, ids=lambda body: body.__name__)
async def test_an_exception_in_the_body_fails_the_task(claudia, body):
    """With the traceback of the awaited function, and at once."""
    rows = claudia.track(source())
    with pytest.raises(Boom):
        await body(rows)
    task = claudia.tasks.get(rows.id)
    assert task.status is Status.FAILED
    assert f"in {body.__name__}" in task.error.traceback
    assert "in fails" in task.error.traceback


async def test_a_plain_loop_in_a_coroutine(claudia):
    """A plain `for` whose body awaits is found out, too."""
    rows = claudia.track(range(3))

    async def work():
        for _ in rows:
            await fails()

    with pytest.raises(Boom):
        await work()
    assert claudia.tasks.get(rows.id).status is Status.FAILED


async def test_a_break_ends_the_task_at_once(claudia):
    """Though the event loop closes the iterator later."""
    rows = claudia.track(source())
    async for row in rows:
        if row == 2:
            break
    task = claudia.tasks.get(rows.id)
    assert (task.status, task.progress.current) == (Status.CANCELLED, 2)
    assert claudia.current_task() is None


async def test_a_cancelled_coroutine_cancels_its_task(claudia):
    """`asyncio`'s cancelling is no error."""
    rows = claudia.track(source())
    began = asyncio.Event()

    async def work():
        async for _ in rows:
            began.set()
            await asyncio.sleep(60)

    running = asyncio.create_task(work())
    await began.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert claudia.tasks.get(rows.id).status is Status.CANCELLED


async def test_coroutines_side_by_side(claudia):
    """Each has its own current task, and those begun inside are its children."""

    async def work(number):
        with claudia.task(f"worker {number}") as task:
            rows = claudia.track(source(), f"loop {number}")
            async for _ in rows:
                assert claudia.current_task() is rows
            return claudia.tasks.get(rows.id).parent_id == task.id

    assert await asyncio.gather(*map(work, range(5))) == [True] * 5


async def test_a_collected_iterator(claudia):
    """An async iterator in a reference cycle ends its task when it is collected."""

    class Holder:
        pass

    rows = claudia.track(source())
    holder = Holder()
    holder.me = holder
    holder.steps = aiter(rows)
    await anext(holder.steps)
    del holder
    gc.collect()
    task = await asyncio.to_thread(eventually, lambda: (task := claudia.tasks.get(rows.id)).status.is_terminal and task)
    assert task.status is Status.CANCELLED
