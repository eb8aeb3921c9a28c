"""`task()`: a block of code as a task."""

import pytest

from claudia_core.errors import IllegalTransition, InvalidValue
from claudia_core.model import Status


def test_the_end_of_the_block_completes(claudia):
    """Progress, message and result are there afterwards."""
    with claudia.task("train", type="ml", estimated_steps=10, tags=["gpu"]) as task:
        task.progress(3, message="epoch 3")
        task.result = {"loss": 0.1}
    found = claudia.tasks.get(task.id)
    assert (found.status, found.type, found.tags, found.result) == (Status.COMPLETED, "ml", ("gpu",), {"loss": 0.1})
    assert (found.progress.current, found.progress.message) == (10, "epoch 3")


def test_an_exception_fails_and_goes_on(claudia):
    """With the traceback and the progress."""

    def work():
        with claudia.task("train", estimated_steps=10) as task:
            task.progress(3)
            raise ValueError("no data")

    with pytest.raises(ValueError, match="no data"):
        work()
    (found,) = claudia.tasks.list(status="failed").tasks
    assert (found.error.type, found.error.message, found.progress.current) == ("ValueError", "no data", 3)
    assert 'raise ValueError("no data")' in claudia.tasks.get(found.id).error.traceback


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit])
def test_an_interrupted_block_is_cancelled(claudia, kind):
    """Ctrl-C is no error of the work."""
    with pytest.raises(kind), claudia.task("train") as task:
        raise kind
    assert claudia.tasks.get(task.id).status is Status.CANCELLED


def test_progress_does_not_go_back(claudia):
    """A late number is dropped, its message is not."""
    with claudia.task("train", estimated_steps=10) as task:
        task.progress(5)
        task.progress(3, message="late")
        assert (task.n, task.message) == (5, "late")
        task.advance()
        task.advance(2, message="on")
        assert (task.n, task.message) == (8, "on")


@pytest.mark.parametrize("current", [-1, float("nan"), True, "3", 2**60])
def test_absurd_progress_is_refused(claudia, current):
    """The mistake is named and the task goes on."""
    with claudia.task("train") as task:
        with pytest.raises(InvalidValue) as caught:
            task.progress(current)
        assert caught.value.field == "current"
    assert claudia.tasks.get(task.id).status is Status.COMPLETED


def test_a_message_that_is_not_text_is_refused(claudia):
    """By name."""
    with claudia.task("train") as task, pytest.raises(InvalidValue) as caught:
        task.progress(1, message=5)
    assert caught.value.field == "message"


def test_a_result_that_is_not_json_fails_the_task(claudia):
    """The caller hears of it, and the task does not stay open."""
    with pytest.raises(InvalidValue) as caught, claudia.task("train") as task:
        task.result = object()
    assert caught.value.field == "result"
    assert claudia.tasks.get(task.id).status is Status.FAILED


def test_save_is_seen_by_others(claudia):
    """`save()` does not wait for the next sample."""
    with claudia.task("train") as task:
        task.progress(4, message="four")
        task.save()
        claudia.flush()
        progress = claudia.progress.get(task.id)
        assert (progress.current, progress.message) == (4, "four")


def test_a_block_runs_once(claudia):
    """The second `with` says that another one is needed."""
    block = claudia.task("train")
    with block:
        pass
    with pytest.raises(RuntimeError, match="was run already"):
        block.__enter__()


def test_an_id_that_has_ended(claudia):
    """A task that ended cannot be run again under its id; the message says from where to where."""
    made = claudia.tasks.create("made before")
    claudia.tasks.cancel(made.id)
    with pytest.raises(IllegalTransition, match="cancelled and cannot become active"):
        claudia.task("again", id=made.id).__enter__()


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "a\x00b"}, "name"),
        ({"name": "\ud800"}, "name"),
        ({"name": "x" * 201}, "name"),
        ({"name": "x", "tags": "one"}, "tags"),
        ({"name": "x", "labels": ["a"]}, "labels"),
        ({"name": "x", "payload": object()}, "payload"),
        ({"name": "x", "estimated_steps": -1}, "estimated_steps"),
    ],
)
def test_bad_values_are_named_before_anything_is_written(claudia, values, field):
    """The field is named, and the store is untouched."""
    with pytest.raises(InvalidValue) as caught:
        claudia.task(**values)
    assert caught.value.field.startswith(field)
    assert claudia.store.head() == 0


def test_unknown_fields_are_refused(claudia):
    """A typo is no silent loss."""
    with pytest.raises(TypeError, match="colour"):
        claudia.task("train", colour="red")
