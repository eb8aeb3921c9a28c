"""Work that somebody else cancels stops by itself."""

# ruff: noqa: PT012 - what raises is the loop or the block as a whole

import asyncio
import time

import pytest

from claudia_core import Claudia
from claudia_core.errors import TaskCancelled
from claudia_core.model import Status
from claudia_core.settings import default_settings
from claudia_core.testing.waiting import eventually

PATIENCE = 5.0


def slowly(steps=500):
    """Items, a hundredth of a second apart."""
    for step in range(steps):
        yield step
        time.sleep(0.01)


def test_a_cancelled_loop_stops_at_its_next_step(claudia):
    """Within about a second; the task stays cancelled, with its progress and the reason."""
    rows = claudia.track(slowly(), name="clean rows", total=500)
    asked = 0.0
    with pytest.raises(TaskCancelled, match="clean rows was cancelled: not needed") as caught:
        for row in rows:
            if row == 30:
                claudia.tasks.cancel(rows.id, reason="not needed")
                asked = time.monotonic()
    assert time.monotonic() - asked < 4.0
    assert (caught.value.task_id, caught.value.reason, caught.value.code) == (rows.id, "not needed", "task_cancelled")
    found = claudia.tasks.get(rows.id)
    assert (rows.status, found.status, found.progress.total) == (Status.CANCELLED, Status.CANCELLED, 500)
    assert 0 < found.progress.current <= 31
    assert found.error is None


def test_a_cancel_from_another_process_is_heard(claudia_file):
    """Through the file that both have open."""
    url = claudia_file.store.url
    with Claudia(settings=default_settings(database_url=url, display="off")) as other:
        rows = claudia_file.track(slowly())
        with pytest.raises(TaskCancelled):
            for row in rows:
                if row == 10:
                    other.tasks.cancel(rows.id)
    assert claudia_file.tasks.get(rows.id).status is Status.CANCELLED


def test_a_parent_that_is_cancelled_stops_what_is_inside(claudia):
    """The inner loop raises, and nothing of it counts as failed."""
    with pytest.raises(TaskCancelled), claudia.task("job") as job:
        for row in claudia.track(slowly(), name="inner"):
            if row == 5:
                claudia.tasks.cancel(job.id)
    assert {task.status for task in claudia.tasks.list().tasks} == {Status.CANCELLED}
    assert job.was_cancelled


def test_a_cancelled_block_stops_at_its_next_progress(claudia):
    """By `progress`, with a number or a message alone, and by `advance`."""
    for note in (lambda task: task.progress(1), lambda task: task.progress(message="on"), lambda task: task.advance()):
        with pytest.raises(TaskCancelled), claudia.task("train") as task:
            claudia.tasks.cancel(task.id)
            eventually(lambda task=task: task.was_cancelled)
            note(task)
        assert claudia.tasks.get(task.id).status is Status.CANCELLED


def test_a_block_that_never_looks_ends_as_it_is(claudia):
    """Its work is done; the task stays cancelled and nothing is raised."""
    with claudia.task("train") as task:
        claudia.tasks.cancel(task.id)
        eventually(lambda: task.was_cancelled)
    assert (task.status, claudia.tasks.get(task.id).status) == (Status.CANCELLED, Status.CANCELLED)


def test_a_retry_belongs_to_somebody_else(claudia):
    """The end of a cancelled attempt does not touch the task that waits to be done again."""
    rows = claudia.track(slowly())
    with pytest.raises(TaskCancelled):
        for row in rows:
            if row == 5:
                claudia.tasks.cancel(rows.id)
                claudia.tasks.retry(rows.id)
    found = claudia.tasks.get(rows.id)
    assert (found.status, found.attempt) == (Status.PENDING, 2)


def test_an_earlier_attempt_is_not_meant(claudia):
    """A task that was cancelled, made pending again and begun here goes on."""
    made = claudia.tasks.create("again")
    claudia.tasks.cancel(made.id)
    claudia.tasks.retry(made.id)
    with claudia.task("again", id=made.id) as task:
        time.sleep(1.2)
        task.progress(1)
    assert claudia.tasks.get(made.id).status is Status.COMPLETED


def test_an_asynchronous_loop_stops_too(claudia):
    """At its next step."""

    async def items():
        for row in range(500):
            yield row
            await asyncio.sleep(0.01)

    async def work():
        rows = claudia.track(items(), name="async rows")
        async for row in rows:
            if row == 5:
                claudia.tasks.cancel(rows.id)

    with pytest.raises(TaskCancelled):
        asyncio.run(work())
    assert [task.status for task in claudia.tasks.list().tasks] == [Status.CANCELLED]


def test_a_bar_of_tqdm_stops_too(claudia, tmp_path):
    """Its loop, and one moved by hand."""
    tqdm = claudia.tqdm
    with (tmp_path / "bar.txt").open("w") as file:
        with pytest.raises(TaskCancelled):
            for row in tqdm(slowly(), total=500, file=file):
                if row == 5:
                    claudia.tasks.cancel(claudia.tasks.list().tasks[0].id)
        with pytest.raises(TaskCancelled), tqdm(total=500, file=file) as bar:
            claudia.tasks.cancel(claudia.tasks.list().tasks[0].id)
            until = time.monotonic() + PATIENCE
            while time.monotonic() < until:
                bar.update()
                time.sleep(0.01)
    assert eventually(lambda: {task.status for task in claudia.tasks.list().tasks} == {Status.CANCELLED})
