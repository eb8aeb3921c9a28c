"""The demo job on a small real tree: its tasks, its errors, its result, and how it stops."""

import threading
import time

import pytest

from claudia_core.demo import Demo, complexity_frame, figures_of, find_packages
from claudia_core.demo.job import Pace
from claudia_core.errors import StoreUnavailable
from claudia_core.model.task import Status


@pytest.fixture
def job(claudia, tree):
    job = Demo(claudia, find_packages(tree), pace=None)
    job.run()
    return job


def children(claudia, job):
    return {task.name: claudia.tasks.get(task.id) for task in claudia.tasks.children(job.task_id).tasks}


def test_every_package_is_a_task_below_the_whole(claudia, job):
    """One task for the whole counts all files; a child for each package counts its own."""
    whole = claudia.tasks.get(job.task_id)
    assert (whole.status, whole.progress.current, whole.progress.total) == (Status.COMPLETED, 6, 6)
    found = {name: (task.status, task.progress.current) for name, task in children(claudia, job).items()}
    assert found == {
        "tree modules": (Status.COMPLETED, 1),
        "bad": (Status.COMPLETED, 3),
        "good": (Status.COMPLETED, 2),
    }


def test_broken_files_are_real_errors_of_their_package(claudia, job):
    """Each is captured with its traceback, its task and its file; the package completes and says how many failed."""
    bad = children(claudia, job)["bad"]
    claudia.flush()
    occurrences = [claudia.errors.occurrence(found.id) for found in claudia.errors.occurrences(task_id=bad.id)]
    assert {(found.type, found.context["file"]) for found in occurrences} == {
        ("UnicodeDecodeError", "bad/latin.py"),
        ("SyntaxError", "bad/syntax.py"),
    }
    assert all(found.traceback.startswith("Traceback (most recent call last)") for found in occurrences)
    assert bad.progress.message == "2 of 3 files could not be analysed"
    assert bad.result["errors"] == 2


def test_results_add_up(claudia, job):
    """The whole's result is the sum of its packages, and names the most complex function."""
    result = claudia.tasks.get(job.task_id).result
    assert (result["files"], result["functions"], result["classes"], result["errors"]) == (6, 3, 1, 2)
    assert (result["complexity"], result["max_complexity"], result["mean_complexity"]) == (5, 3, 1.67)
    assert result["most_complex"] == "f (good/deep/logic.py:1)"
    assert (result["code"], result["comment"], result["blank"]) == (7, 1, 1)


def test_the_result_is_a_frame_for_any_process(claudia, job):
    """`figures_of` reads the packages' results from the store; the frame has one row each, the most complex first."""
    frame = complexity_frame(figures_of(claudia, job.task_id))
    assert list(frame.index) == ["good", "bad", "tree modules"]
    assert frame.loc["good"].to_dict() == {
        "tree": "tree",
        "files": 2,
        "lines": 4,
        "functions": 2,
        "mean_complexity": 2.0,
        "max_complexity": 3,
        "most_complex": "f (good/deep/logic.py:1)",
        "errors": 0,
    }


def test_nothing_gives_an_empty_frame():
    """Without packages the frame has its columns and no row."""
    frame = complexity_frame([])
    assert (len(frame), "mean_complexity" in frame.columns) == (0, True)


def test_stopping_cancels_and_keeps_progress(claudia, tree):
    """A stopped job ends at once; what was open is cancelled with the progress it made."""
    (tree / "big").mkdir()
    for number in range(200):
        (tree / "big" / f"m{number}.py").write_text("x = 1\n")
    job = Demo(claudia, find_packages(tree), pace=40.0).start()
    deadline = time.monotonic() + 10
    while not (job.task_id and claudia.tasks.counts()[Status.ACTIVE] >= 2) and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(0.3)
    started = time.monotonic()
    job.stop()
    assert time.monotonic() - started < 2
    whole = claudia.tasks.get(job.task_id)
    assert whole.status is Status.CANCELLED
    assert 0 < whole.progress.current < 206
    assert claudia.tasks.counts()[Status.ACTIVE] == 0
    assert children(claudia, job)["big"].status is Status.CANCELLED


def test_a_failing_store_ends_the_job(claudia, tree, monkeypatch):
    """When an error cannot be saved the whole fails with that error, instead of going on in silence."""

    def fail(*_, **__):
        raise StoreUnavailable("the disk is gone")

    monkeypatch.setattr(claudia.errors, "capture", fail)
    job = Demo(claudia, find_packages(tree), pace=None)
    with pytest.raises(StoreUnavailable):
        job.run()
    assert claudia.tasks.get(job.task_id).status is Status.FAILED


def test_the_pace_holds_over_all_threads():
    """Ten steps at 50 a second take at least 0.18 s, however many threads take them."""
    pace, stopped = Pace(50.0), threading.Event()
    started = time.monotonic()
    threads = [threading.Thread(target=lambda: [pace.wait(stopped) for _ in range(2)]) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert time.monotonic() - started >= 0.18


def test_a_stop_ends_the_waiting():
    """Whoever waits for the next step is released at once, and told to stop."""
    pace, stopped = Pace(0.01), threading.Event()
    assert pace.wait(stopped)
    threading.Timer(0.05, stopped.set).start()
    started = time.monotonic()
    assert not pace.wait(stopped)
    assert time.monotonic() - started < 5
