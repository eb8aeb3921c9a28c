"""Observing a Dask cluster: each computation is a task of the hub, whoever asks for it and whichever workers do it.

    client = Client("tcp://scheduler:8786")
    claudia.observe(client)                   # or a cluster, or the address

A plugin in the scheduler folds what happens there (`picture`), and a thread here asks it what has changed and tells the
hub. So the scheduler and the workers need neither the hub nor Claudia, and an observer that was away goes on where
things are now.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from dask.base import annotate
from distributed import Client

from claudia_core.engines.dask import changes
from claudia_core.engines.dask.cluster import TROUBLE, DaskUnavailable, connect, install
from claudia_core.engines.dask.plugin import PARENT
from claudia_core.engines.dask.workers import Hub, Workers
from claudia_core.errors import ClaudiaError
from claudia_core.logs import get_logger
from claudia_core.model.event import Event
from claudia_core.model.ids import require_id
from claudia_core.model.values import MAX_NAME, clean_text
from claudia_core.services.tasks.failures import failing
from claudia_core.services.tasks.moves import cancelling
from claudia_core.services.tasks.new_task import NewTask
from claudia_core.tracking.run import current_run

log = get_logger(__name__)

TAG = "dask"
"""The tag of every task that a Dask cluster runs."""

TURN = 0.2
"""Least seconds between two questions to the scheduler."""

PAUSE = 2.0
"""Seconds between two tries to reach a scheduler that is away."""

TYPES = {"computation": "dask", "group": "dask.group", "task": "dask.task"}


class DaskObserver:
    """Tells a hub what a Dask scheduler does.

    Args:
        what: a `distributed.Client`, a cluster, or an address.
        hub: where it is told.

    Raises:
        SettingsError: an address cannot be read.
        DaskUnavailable: the scheduler does not answer, or does not take the plugin.
    """

    def __init__(self, what: Any, hub: Hub) -> None:
        self._hub = hub
        self._client = connect(what, hub.settings.connect_timeout)
        self.address = str(self._client.scheduler.address)
        self._workers = Workers(hub, self.address)
        self._position: dict[str, Any] = {"after": -1, "members": -1, "epoch": ""}
        self._open: dict[str, dict[str, Any]] = {}
        try:
            install(self._client)
            self._apply(self._ask(wait=0.0))  # what begins and ends from now on is told, however fast
        except BaseException:
            self._client.close()
            raise
        self._waits = isinstance(what, str)  # for another scheduler at this address, when this one was closed
        self._is_stopped, self._is_over = threading.Event(), False
        self._forget = [hub.on("task:cancelled", self._on_cancelled)]
        if isinstance(what, Client):
            self._forget.append(_as_parts(what, hub))
        self._thread = threading.Thread(target=self._run, name="claudia-dask-observer", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Observe no more: what still runs is cancelled in the hub, and goes on in Dask."""
        if self._is_over:
            return
        self._is_over = True
        self._is_stopped.set()
        for forget in self._forget:
            forget()
        if threading.current_thread() is not self._thread:
            self._thread.join(5.0)
        with suppress(*TROUBLE, ClaudiaError):
            self._apply(self._ask(wait=0.0))
        self._leave(cancelling(changes.UNSEEN))
        self._client.close(timeout=1.0)

    # --- the thread ---------------------------------------------------------------------------------------------

    def _run(self) -> None:
        while not self._is_stopped.wait(TURN):
            try:
                told = self._ask(wait=0.5)
                self._apply(told)
            except TROUBLE as error:
                self._away(error)
            except ClaudiaError as error:
                log.warning("the hub was not told what Dask does", scheduler=self.address, error=str(error))
                self._position["after"] = 0  # all of it is told again
                self._is_stopped.wait(PAUSE)
            except Exception as error:  # noqa: BLE001 - a thread that ended here would leave tasks open for ever
                log.error("observing Dask failed, and is tried again", scheduler=self.address, error=repr(error))
                self._is_stopped.wait(PAUSE)
            else:
                if told["is_closing"]:
                    self._closed()

    def _ask(self, wait: float) -> dict[str, Any]:
        members = -1 if self._workers.is_due else self._position["members"]
        scheduler = self._client.scheduler
        if scheduler is None or self._client.status != "running":
            raise OSError("its connection is lost")  # Dask itself would wait for it
        position = {**self._position, "members": members}
        told: dict[str, Any] = self._client.sync(
            scheduler.claudia_changes, **position, wait=wait, callback_timeout=wait + 5.0
        )
        return told

    def _apply(self, told: Mapping[str, Any]) -> None:
        if self._position["epoch"] not in ("", told["epoch"]):
            self._leave(failing(changes.lost("the Dask scheduler was started anew")))
        if told["workers"] is not None:
            self._workers.tell(told["workers"], told["gone"])
        for part in told["parts"]:
            self._tell(part)
        self._position = {"after": told["version"], "members": told["members"], "epoch": told["epoch"]}

    def _closed(self) -> None:
        if self._waits:
            self._away(OSError("it was closed"))
            return
        self._client.close(timeout=1.0)  # else it would try to connect again, and log that it cannot
        self._leave(failing(changes.lost("the Dask cluster was closed")))
        self._is_stopped.set()

    def _away(self, error: BaseException) -> None:
        """The scheduler is gone, or cannot be reached: say so, and go on trying."""
        log.warning("a Dask scheduler is away", scheduler=self.address, error=str(error))
        self._leave(failing(changes.lost(f"the Dask scheduler {self.address} is away: {error}"[:500])))
        with suppress(*TROUBLE):
            self._client.close(timeout=1.0)
        while not self._is_stopped.wait(PAUSE):
            try:
                self._client = connect(self.address, PAUSE)
                install(self._client)
            except (DaskUnavailable, *TROUBLE):
                continue
            self._position = {"after": -1, "members": -1, "epoch": ""}
            return

    def _leave(self, end: Any) -> None:
        for id, part in reversed(self._open.items()):
            with suppress(ClaudiaError):
                self._hub.tasks.note_soon(self._new(part), changes.ending(end, self._workers.agent_of("")))
            log.info("a task of Dask's is not seen any more", task=id)
        self._open.clear()
        self._workers.leave()

    # --- one part -----------------------------------------------------------------------------------------------

    def _tell(self, part: dict[str, Any]) -> None:
        """Tell the hub what has become of a part since it was told last."""
        before = self._open.get(part["id"], {"status": "", "attempt": 0, "worker": ""})
        new, tasks = self._new(part), self._hub.tasks
        agent_id = self._workers.agent_of(part["worker"] if part["total"] == 1 else "")
        if before["status"] == "":
            tasks.note_soon(new, at=_time(part["made"]))
        if part["began"] is not None and self._begins(before, part):
            tasks.note_soon(new, changes.beginning(agent_id), at=_time(part["began"]))
        if part["total"] > 1:
            done = part["done"] + part["failed"] + part["dropped"]
            self._hub.progress.update(part["id"], done, total=part["total"], message=_message(part))
        elif part["steps"] is not None:
            current, total, message = part["steps"]
            self._hub.progress.update(part["id"], current, total=total, message=message)
        if part["ended"] is None:
            self._open[part["id"]] = part
            return
        tasks.note_soon(new, changes.ending(changes.end_of(part), agent_id), at=_time(part["ended"]))
        self._open.pop(part["id"], None)
        self._report_others(part, agent_id)

    def _begins(self, before: Mapping[str, Any], part: Mapping[str, Any]) -> bool:
        if before["status"] != "active" or before["attempt"] != part["attempt"]:
            return True
        return part["total"] == 1 and bool(part["running"]) and before["worker"] != part["worker"]

    def _new(self, part: Mapping[str, Any]) -> NewTask:
        payload = {"key": part["key"][:1_000]} if part["key"] else None
        return NewTask(
            id=part["id"],
            name=clean_text(part["name"], MAX_NAME) or "tasks",
            type=TYPES[part["kind"]],
            payload=payload,
            parent_id=_id(part["parent"]),
            estimated_steps=None if part["total"] == 1 else part["total"],
            unit="tasks",
            tags=(TAG,),
            labels={"dask.scheduler": self.address[:200]},
        ).checked()

    def _report_others(self, part: Mapping[str, Any], agent_id: str) -> None:
        """The first error is the part's own; others become issues, too, unless the tasks themselves are told."""
        for error in part["errors"][1:] if part["kind"] == "group" or not part["parent"] else ():
            self._workers.report(error, part, agent_id)

    def _on_cancelled(self, event: Event) -> None:
        """Somebody cancelled a task in the hub: Dask is told to drop it."""
        if event.subject not in self._open or event.data["progress"]["message"] in changes.REASONS:
            return
        reason = str(event.data["progress"]["message"])
        loop = self._client.loop
        loop.add_callback(self._cancel, [event.subject], reason)

    async def _cancel(self, ids: list[str], reason: str) -> None:
        try:
            await self._client.scheduler.claudia_cancel(ids=ids, reason=reason)
        except TROUBLE as error:
            log.warning("Dask was not told of a cancelled task", task=ids[0], error=str(error))


def _as_parts(client: Any, hub: Hub) -> Callable[[], None]:
    """Let what this client asks for within a task of the hub be a part of it; Dask has no hook for that.

    The one method by which all of it goes to the scheduler is wrapped, for this client; returns what ends that.
    """
    send = getattr(client, "_graph_to_futures", None)
    if send is None:
        return lambda: None

    def sending(*args: Any, **options: Any) -> Any:
        run = current_run(hub)
        if run is None:
            return send(*args, **options)
        with annotate(**{PARENT: run.id}):
            return send(*args, **options)

    client._graph_to_futures = sending

    def forget() -> None:
        with suppress(AttributeError):
            del client._graph_to_futures

    return forget


def _message(part: Mapping[str, Any]) -> str:
    """What does not change all the time: messages are kept."""
    said = [f"{part['workers']:,} worker{'s' * (part['workers'] > 1)}"] if part["workers"] else []
    if part["ended"] is not None:
        said.append(f"{part['seconds']:,.3g} s of work")
    said += [f"{part[name]:,} {name}" for name in ("failed", "dropped") if part[name]]
    return ", ".join(said)


def _time(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _id(value: str | None) -> str | None:
    """The id of a task above, which came from an annotation; None where it is none."""
    try:
        return None if value is None else require_id(value)
    except ClaudiaError:
        return None
