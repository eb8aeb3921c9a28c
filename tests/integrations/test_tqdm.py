"""tqdm's bars as tasks."""

import asyncio
import gc
import os
import subprocess
import sys

import pandas as pd
import pytest
import tqdm as tqdm_package

from claudia_core.errors import MissingExtra
from claudia_core.integrations.tqdm import tqdm_for
from claudia_core.model import Status
from claudia_core.testing.waiting import eventually


class Boom(Exception):
    """What the bodies below raise."""


@pytest.fixture
def tqdm(claudia):
    """The hub's tqdm, with bars that write nowhere."""
    with open(os.devnull, "w") as nowhere:  # noqa: PTH123 - what the documentation tells users to write

        class Quiet(claudia.tqdm):
            def __init__(self, *args, **options):
                super().__init__(*args, **{"file": nowhere, **options})

        yield Quiet
        gc.collect()  # bars that tests left behind write once more


def ended(claudia):
    """The newest task, once it has ended."""
    return eventually(lambda: (task := claudia.tasks.list(limit=1).tasks[0]).status.is_terminal and task)


def test_a_drop_in(claudia, tqdm):
    """It is a tqdm, and a loop over it is a completed task with name, unit and count."""
    bar = tqdm(range(50), desc="rows", unit="row")
    assert isinstance(bar, tqdm_package.tqdm)
    assert list(bar) == list(range(50))
    task = ended(claudia)
    assert (task.name, task.status, task.type) == ("rows", Status.COMPLETED, "loop")
    assert (task.progress.current, task.progress.total, task.progress.unit) == (50, 50, "row")


def test_the_class_is_one_per_hub(claudia):
    """So `isinstance` and tqdm's positions work."""
    assert claudia.tqdm is claudia.tqdm


def test_without_a_name(claudia, tqdm):
    """The name tells what was looped over."""
    list(tqdm([1, 2]))
    assert ended(claudia).name == "loop over list"


def test_trange(claudia, tqdm):
    """The shortcut over a range."""
    assert list(tqdm.trange(2, 5)) == [2, 3, 4]
    assert ended(claudia).progress.current == 3


def test_an_exception_in_the_body_fails(claudia, tqdm):
    """With the user's traceback."""

    def work():
        for row in tqdm(range(10), mininterval=0):
            try:
                if row == 4:
                    raise Boom("here")
            finally:
                str(row)

    with pytest.raises(Boom):
        work()
    task = ended(claudia)
    assert (task.status, task.progress.current) == (Status.FAILED, 4)
    assert "in work" in claudia.tasks.get(task.id).error.traceback


def test_an_exception_in_the_body_of_a_held_bar_fails(claudia, tqdm):
    """The usual spelling with a name for the bar."""
    bar = tqdm(range(10))

    def work():
        for _ in bar:
            raise Boom("here")

    with pytest.raises(Boom):
        work()
    assert ended(claudia).status is Status.FAILED


def test_an_exception_in_the_source_fails(claudia, tqdm):
    """A generator that raises."""

    def source():
        yield 1
        raise Boom("in the source")

    with pytest.raises(Boom):
        list(tqdm(source()))
    assert ended(claudia).error.message == "in the source"


def test_a_break_cancels(claudia, tqdm):
    """With the count."""
    for row in tqdm(range(10), mininterval=0):
        if row == 4:
            break
    task = ended(claudia)
    assert (task.status, task.progress.current) == (Status.CANCELLED, 4)


def test_a_bar_moved_by_hand(claudia, tqdm):
    """Count, description and postfix are seen while it runs; closing it at its total completes it."""
    bar = tqdm(total=100, desc="upload", unit="B")
    bar.update(40)
    bar.set_description("upload part 2")
    bar.set_postfix(speed=3)
    (task,) = claudia.tasks.list().tasks
    progress = eventually(lambda: (found := claudia.progress.get(task.id)).current == 40 and found)
    assert (progress.message, progress.unit) == ("upload part 2, speed=3", "B")
    assert claudia.tasks.get(task.id).status is Status.ACTIVE
    bar.update(60)
    bar.close()
    bar.close()
    task = claudia.tasks.get(task.id)
    assert (task.status, task.progress.current) == (Status.COMPLETED, 100)


def test_a_bar_closed_before_its_total(claudia, tqdm):
    """Is cancelled; one without a total just ends."""
    with tqdm(total=10) as bar:
        bar.update(3)
    task = ended(claudia)
    assert (task.status, task.progress.current) == (Status.CANCELLED, 3)
    assert task.progress.message == "closed at 3 of 10"
    with tqdm() as bar:
        bar.update(3)
    task = ended(claudia)
    assert (task.status, task.progress.total) == (Status.COMPLETED, 3)


def test_an_exception_in_a_with_block(claudia, tqdm):
    """Fails the task; so does one that passes a `finally` that closes the bar."""
    with pytest.raises(Boom), tqdm(total=10):
        raise Boom("within with")
    assert ended(claudia).error.message == "within with"

    def work():
        bar = tqdm(total=10)
        try:
            raise Boom("before finally")
        finally:
            bar.close()

    with pytest.raises(Boom):
        work()
    assert ended(claudia).error.message == "before finally"


def test_a_bar_that_is_forgotten(claudia, tqdm):
    """A bar that nobody closes ends when it goes; at its total it is nobody's parent any more."""
    bar = tqdm(total=2, desc="forgotten")
    bar.update(2)
    list(tqdm([1], desc="later"))
    assert ended(claudia).parent_id is None
    del bar
    gc.collect()
    task = eventually(lambda: (task := claudia.tasks.list(name="forgotten").tasks[0]).status.is_terminal and task)
    assert task.status is Status.COMPLETED


def test_nested_bars(claudia, tqdm):
    """Inner bars are children, of bars and of `track()` alike."""
    with claudia.task("around") as around:
        for _ in tqdm(range(2), desc="outer"):
            for _ in claudia.track(range(2), "middle"):
                list(tqdm(range(2), desc="inner"))
    found = {task.name: task for task in claudia.tasks.list().tasks}
    assert found["inner"].parent_id in {task.id for task in claudia.tasks.list(name="middle").tasks}
    assert found["middle"].parent_id == found["outer"].id
    assert found["outer"].parent_id == around.id
    assert {task.status for task in found.values()} == {Status.COMPLETED}


def test_reset_begins_another_task(claudia, tqdm):
    """A task's progress does not go back."""
    bar = tqdm(total=2, desc="again")
    bar.update(2)
    bar.reset(total=3)
    bar.update(3)
    bar.close()
    totals = [task.progress.current for task in claudia.tasks.list(status="completed").tasks]
    assert sorted(totals) == [2, 3]


def test_a_disabled_bar_is_no_task(claudia, tqdm):
    """Documented: tqdm does not count then."""
    assert list(tqdm(range(3), disable=True)) == [0, 1, 2]
    assert claudia.tasks.list().tasks == []


def test_totals_that_tqdm_allows(claudia, tqdm):
    """Nonsense for us, but no reason to break the user's loop."""
    for total in (float("inf"), -1, 0):
        assert list(tqdm(iter([1, 2]), total=total)) == [1, 2]
    assert {task.status for task in claudia.tasks.list().tasks} == {Status.COMPLETED}


def test_pandas(claudia, tqdm):
    """`progress_apply` works as with any tqdm."""
    tqdm.pandas(desc="apply")
    assert list(pd.Series([1, 2, 3]).progress_apply(lambda value: value + 1)) == [2, 3, 4]
    assert ended(claudia).status is Status.COMPLETED


async def source(number=5):
    for row in range(number):
        await asyncio.sleep(0)
        yield row


async def test_async_for(claudia, tqdm):
    """An async loop completes, fails and is cancelled like a plain one."""
    assert [row async for row in tqdm(source())] == [0, 1, 2, 3, 4]
    task = ended(claudia)
    assert (task.status, task.progress.current) == (Status.COMPLETED, 5)

    async def fails():
        async for row in tqdm(source()):
            if row == 2:
                await asyncio.sleep(0)
                raise Boom("here")

    with pytest.raises(Boom):
        await fails()
    assert ended(claudia).status is Status.FAILED
    async for row in tqdm(source()):
        if row == 2:
            break
    gc.collect()
    assert ended(claudia).status is Status.CANCELLED


def test_another_base(claudia):
    """Any tqdm class can be built on."""
    plain = tqdm_for(claudia, tqdm_package.std.tqdm)
    assert issubclass(plain, tqdm_package.std.tqdm)
    assert not issubclass(plain, tqdm_package.asyncio.tqdm)


def test_closing_the_hub_with_open_bars(claudia_file, capfd):
    """A bar at its end counts as done; the others as cancelled."""
    done, half = claudia_file.tqdm(total=2, desc="done"), claudia_file.tqdm(total=2, desc="half")
    done.update(2)
    half.update(1)
    claudia_file.close()
    done.close()
    half.close()
    with type(claudia_file)(claudia_file.store.path, display="off") as again:
        found = {task.name: task.status for task in again.tasks.list().tasks}
    assert found == {"done": Status.COMPLETED, "half": Status.CANCELLED}


def test_without_tqdm():
    """The error says what to install."""
    code = (
        "import sys\nsys.modules['tqdm'] = None\nfrom claudia_core import Claudia\n"
        "from claudia_core.errors import MissingExtra\n"
        "with Claudia('memory://') as claudia:\n"
        "    try: claudia.tqdm\n"
        "    except MissingExtra as error: print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "claudia.tqdm needs tqdm (pip install 'claudia-core[tqdm]')\n"
    assert MissingExtra.code == "missing_extra"
