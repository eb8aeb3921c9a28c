"""Frozen values with other fields."""

from dataclasses import FrozenInstanceError, dataclass, replace

import pytest

from claudia_core.model.changed import changed
from claudia_core.model.progress import Progress
from claudia_core.model.task import Status, Task
from claudia_core.model.times import utc_now


@dataclass(frozen=True, slots=True)
class Point:
    x: int
    y: int = 0


def test_it_is_what_replace_gives():
    """Equal, of the same class, and the one before is as it was."""
    task = Task(id="a", name="b", created_at=utc_now(), updated_at=utc_now(), progress=Progress(total=3))
    other = changed(task, status=Status.ACTIVE, version=2)
    assert other == replace(task, status=Status.ACTIVE, version=2)
    assert type(other) is Task
    assert task.status is Status.PENDING


def test_it_is_frozen_and_hashable():
    """As every other of its class."""
    point = changed(Point(1), y=5)
    assert {point} == {Point(1, 5)}
    with pytest.raises(FrozenInstanceError):
        point.x = 2


def test_a_field_that_there_is_not():
    """Is refused, as by `replace`."""
    with pytest.raises(TypeError, match="Point has no field z"):
        changed(Point(1), z=3)
