"""The REST client of a hub: its operations as methods that take and give the same values as in the hub itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, Self

from claudia_core.clients.health import RemoteHealth
from claudia_core.clients.http import Connection
from claudia_core.clients.hub import RemoteAgents, RemoteErrors, RemoteEvents, log_status
from claudia_core.clients.outbox import Outbox
from claudia_core.clients.tasks import RemoteProgress, RemoteTasks
from claudia_core.clients.transport import Address
from claudia_core.clients.webhooks import RemoteWebhooks
from claudia_core.errors import InvalidValue
from claudia_core.model.progress import Progress
from claudia_core.model.task import Task
from claudia_core.model.values import likely
from claudia_core.ports import LogStatus
from claudia_core.services.tasks.service import NewTask, TaskPage


class ClaudiaApiClient:
    """Asks a hub: `with ClaudiaApiClient("http://127.0.0.1:5006", api_key=token) as client: client.tasks.list()`.

    `tasks`, `progress`, `errors`, `events`, `agents` and `health` have the methods of `claudia_core.services`. Errors
    are those that the hub raised, in the same classes. A change carries an Idempotency-Key, so that it happens once
    though it is asked for again after a failure. All clients of a process share their connections; a client may be
    used by any thread.

    Args:
        base_url: the hub's address, or the link that `claudia serve` prints.
        api_key: the token, unless the link has it.
        timeout: seconds within which each request must be answered.
        patience: seconds for which a request is tried again while the hub is away or busy.

    Raises:
        InvalidValue: that is no address of a hub.
        HubUnavailable, AccessDenied and what the hub raises: by every method.
    """

    def __init__(
        self, base_url: str, api_key: str | None = None, *, timeout: float = 30.0, patience: float = 30.0
    ) -> None:
        self._connection = connection = Connection(Address.parse(base_url, api_key), timeout=timeout, patience=patience)
        self._outbox = Outbox(connection)
        self.tasks = RemoteTasks(connection, self._outbox)
        self.progress = RemoteProgress(connection, self._outbox)
        self.errors = RemoteErrors(connection)
        self.events = RemoteEvents(connection)
        self.agents = RemoteAgents(connection, self._outbox, lease=15.0)
        self.health = RemoteHealth(connection)
        self.webhooks = RemoteWebhooks(connection)

    def get_tasks(self, **filters: Any) -> TaskPage:
        """A page of tasks, newest first; `filters` as in `services.Tasks.list`."""
        return self.tasks.list(**filters)

    def create_task(self, data: Mapping[str, Any] | None = None, **values: Any) -> Task:
        """Make a task from fields of `services.NewTask`, in a dict or by name.

        Raises:
            InvalidValue: a value breaks a rule, or there is no such field; `field` names it.
        """
        given, known = {**(data or {}), **values}, ["start", *(field.name for field in fields(NewTask))]
        for name in given.keys() - known:
            raise InvalidValue(f"there is no field {name!r:.80}", field=str(name), hint=likely(str(name), known))
        return self.tasks.create(**given)

    def get_task_progress(self, id: str) -> Progress:
        """How far a task has come."""
        return self.progress.get(id)

    def log_status(self) -> LogStatus:
        """How the hub's log stands."""
        return log_status(self._connection)

    def settings(self) -> dict[str, Any]:
        """The hub's settings, secrets left out."""
        found: dict[str, Any] = self._connection.ask("settings.list")["settings"]
        return found

    def ask(self, operation: str, /, **values: Any) -> dict[str, Any]:
        """Carry out an operation by its name, such as `tasks.result`, and give its answer as plain JSON."""
        return self._connection.ask(operation, **values)

    def flush(self, timeout: float = 30.0) -> None:
        """Wait until the hub has been told all that was noted to be told soon.

        Raises:
            WaitTimeout: that took more than `timeout` seconds.
        """
        self._outbox.flush(timeout)

    def close(self) -> None:
        """Tell what is still to be told, within 10 s, and give the connections back."""
        try:
            if not self._connection.is_away:
                self.flush(10.0)
        finally:
            self._outbox.stop()
            self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._connection.address.base!r})"
