"""Tasks for other programs: make one, watch it live, wait for its end."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import quote

import orjson

from claudia_core.clients.refusals import error_of
from claudia_core.clients.rest import ClaudiaApiClient
from claudia_core.clients.sockets import Direct, settings, translated
from claudia_core.clients.transport import Address, Backoff
from claudia_core.errors import HubUnavailable, TaskNotFound, WaitTimeout
from claudia_core.model.progress import Progress
from claudia_core.model.task import Status, Task

OPENING = 10.0
"""Seconds that the hub has to take a socket."""


@dataclass(frozen=True, slots=True)
class TaskState:
    """A task at one moment: the state when the watch began, or after the event named `event`."""

    task_id: str
    status: Status
    progress: Progress
    event: str | None
    cursor: str


class TaskServiceClient:
    """Makes tasks in a hub and watches them over a WebSocket.

    Args:
        base_url: the hub's address, or the link that `claudia serve` prints.
        api_key: the token, unless the link has it.
        patience: seconds for which a hub may stay away before a watch gives up; it reconnects until then.
    """

    def __init__(self, base_url: str, api_key: str | None = None, *, patience: float = 60.0) -> None:
        self._address = Address.parse(base_url, api_key)
        self._api = ClaudiaApiClient(base_url, api_key)
        self._patience = patience

    def create_task(self, data: Mapping[str, Any] | None = None, **values: Any) -> Task:
        """Make a task from fields of `services.NewTask`, in a dict or by name."""
        return self._api.create_task(data, **values)

    def get_task_progress(self, id: str, timeout: float | None = None) -> Iterator[TaskState]:
        """The task's state now and after each change, until it has ended, whatever the end is.

        A hub that goes away meanwhile is connected to again; then the present state comes, unless it is known.

        Raises:
            TaskNotFound: there is no such task.
            WaitTimeout: it did not end within `timeout` seconds.
            HubUnavailable: the hub stayed away for longer than `patience` seconds.
        """
        until = None if timeout is None else time.monotonic() + timeout
        backoff = Backoff(self._patience)
        last: TaskState | None = None
        while last is None or not last.status.is_terminal:
            try:
                for state in self._states(id, until):
                    backoff.worked()
                    if last is None or state != _at(last, state):
                        last = state
                        yield state
            except HubUnavailable as error:
                rest = backoff.pause(error)
                time.sleep(rest if until is None else max(0.0, min(rest, until - time.monotonic())))
            if until is not None and time.monotonic() >= until and not (last and last.status.is_terminal):
                raise WaitTimeout(f"the task {id} did not end within {timeout:g} s")

    def _states(self, id: str, until: float | None) -> Iterator[TaskState]:
        """The states that one connection tells, until the task's end or `until`."""
        if not id or "/" in id:
            raise TaskNotFound(f"no task {id!r:.80}", field="id")
        url = f"{self._address.socket}/ws/tasks/{quote(id, safe='')}"
        opening = OPENING if until is None else max(0.1, min(OPENING, until - time.monotonic()))
        with ExitStack() as stack:
            with translated(self._address):
                socket = stack.enter_context(Direct(url, **settings(self._address, opening)))
            while True:
                rest = None if until is None else max(0.0, until - time.monotonic())
                with translated(self._address):
                    try:
                        text = socket.recv(rest)
                    except TimeoutError:
                        return
                state = _state(orjson.loads(text))
                yield state
                if state.status.is_terminal:
                    return

    def wait(self, id: str, timeout: float | None = None) -> Task:
        """The task, with its result or error, once it has ended: completed, failed or cancelled alike.

        Raises:
            TaskNotFound: there is no such task.
            WaitTimeout: it did not end within `timeout` seconds.
            HubUnavailable: the hub stayed away for longer than `patience` seconds.
        """
        for _ in self.get_task_progress(id, timeout):
            pass
        return self._api.tasks.get(id)

    def close(self) -> None:
        """Give the connections back."""
        self._api.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _state(told: dict[str, Any]) -> TaskState:
    if told["type"] == "error":
        raise error_of(told)
    progress = Progress.from_document({**Progress().to_document(), **told["progress"]})
    return TaskState(told["task_id"], Status(told["status"]), progress, told["event"], told["cursor"])


def _at(last: TaskState, state: TaskState) -> TaskState:
    """The state before, as if it had been told now."""
    return TaskState(last.task_id, last.status, last.progress, state.event, state.cursor)
