"""What tests of engines share."""

from collections.abc import Callable
from typing import Any

import pytest

from claudia_core.app import Claudia
from claudia_core.model.task import Task
from claudia_core.testing.waiting import eventually


@pytest.fixture
def ended(claudia: Claudia) -> Callable[..., Task]:
    """Waits for a task's end, and gives it as it is then."""
    return lambda task, **options: when(claudia, task.id, lambda found: found.status.is_terminal, **options)


def when(hub: Claudia, id: str, accept: Callable[[Task], Any], timeout: float = 30.0) -> Task:
    """The task as it is when `accept` is content with it."""

    def look() -> Task | None:
        task = hub.tasks.get(id)
        return task if accept(task) else None

    found = eventually(look, timeout)
    assert found is not None
    return found
