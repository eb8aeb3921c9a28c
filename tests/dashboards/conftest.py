"""A hub with something in it."""

import pytest

from claudia_core import Claudia

XSS = "<img src=x onerror=window.pwned=1>"


@pytest.fixture
def busy(claudia: Claudia) -> Claudia:
    """A hub with a task in every status."""
    tasks = claudia.tasks
    tasks.create("waits")
    running = tasks.create("runs", start=True, estimated_steps=10, unit="rows", tags=["nightly"], type="etl")
    tasks.progress(running.id, 4, message="half way")
    tasks.complete(tasks.create("is done", start=True).id, {"rows": 3})
    tasks.fail(tasks.create("broke", start=True, payload={"file": "a.csv"}).id, ValueError(XSS))
    tasks.cancel(tasks.create("was stopped", start=True).id)
    return claudia


def settle(hub: Claudia) -> None:
    """Wait until the boards have seen all that was saved."""
    hub.boards.tasks.version  # noqa: B018 - makes the board
    hub.feed.wait_until(hub.store.head())
