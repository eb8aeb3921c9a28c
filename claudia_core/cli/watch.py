"""`claudia watch`: running tasks and new events, live, from any process on the same store."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter
from cyclopts.validators import Number

from claudia_core.app import Claudia
from claudia_core.cli import rows
from claudia_core.cli.hub import Database, open_hub
from claudia_core.cli.terminal import note, out, say
from claudia_core.errors import TaskNotFound
from claudia_core.model.event import Event
from claudia_core.model.task import Status, Task
from claudia_core.tracking.display import MARKS

if TYPE_CHECKING:
    from rich.console import RenderableType

PERIOD = 0.25
"""Seconds between two looks."""

PROGRESS_PERIOD = 5.0
"""Seconds between two plain lines about one task's progress."""

MOST_TASKS = 15
MOST_EVENTS = 10


def watch(
    task: str | None = None,
    /,
    *,
    seconds: Annotated[float | None, Parameter(validator=Number(gte=0))] = None,
    database: Database = None,
) -> int:
    """Show running tasks and new events live, until Ctrl+C. Into a pipe: a line per event.

    Args:
        task: Only this task (its id, or the end of it as `claudia tasks` shows it) and those below it, until it ends;
            the exit code is then 0 only if it completed.
        seconds: Stop after this many seconds.
    """
    with open_hub(database) as claudia:
        watched = None if task is None else find_task(claudia, task)
        deadline = None if seconds is None else time.monotonic() + seconds
        view = _Live(claudia, watched) if out().is_terminal else _Lines(claudia, watched)
        try:
            view.follow(deadline)
        except KeyboardInterrupt:
            note("")
        return 0 if watched is None else _outcome(claudia.tasks.get(watched.id))


def find_task(claudia: Claudia, id: str) -> Task:
    """The task with that id, or whose id ends so.

    Raises:
        TaskNotFound: no task, or several.
    """
    if len(id) == 36:
        return claudia.tasks.get(id.lower())
    hint = "list the tasks with: claudia tasks"
    newest = claudia.tasks.list(limit=10_000).tasks if len(id) >= 4 else []
    found = [task for task in newest if task.id.endswith(id.lower())]
    if len(found) > 1:
        raise TaskNotFound(f"{len(found)} tasks have ids that end in {id!r:.80}", field="task", hint=hint)
    if not found:
        raise TaskNotFound(f"no task has an id that ends in {id!r:.80}", field="task", hint=hint)
    return found[0]


def _outcome(task: Task) -> int:
    """How the watched task stands in the end: said, and as an exit code."""
    say(f"{MARKS[task.status]} {rows.one_line(str(task))}")
    return 0 if task.status is Status.COMPLETED else 1


class _Follower:
    """Reads the log from its head on, and knows which events are asked for."""

    def __init__(self, claudia: Claudia, watched: Task | None) -> None:
        self.claudia = claudia
        self.watched = watched
        self._position = claudia.store.head()
        self._ids = set() if watched is None else {watched.id}

    def news(self, seconds: float) -> list[Event]:
        """The wanted events that come within `seconds`; returns as soon as there are some."""
        if self.claudia.store.wait(self._position, seconds) <= self._position:
            return []
        part = self.claudia.store.events(self._position, 1_000)
        self._position = part.position
        return [event for event in part.events if self._wants(event)]

    def _wants(self, event: Event) -> bool:
        if self.watched is None or event.subject in self._ids:
            return True
        if event.data.get("parent_id") not in self._ids:
            return False
        self._ids.add(event.subject)
        return True

    def is_over(self, deadline: float | None) -> bool:
        """Whether the time is up or the watched task has ended."""
        if deadline is not None and time.monotonic() >= deadline:
            return True
        return self.watched is not None and self.claudia.tasks.get(self.watched.id).status.is_terminal


def _pause(deadline: float | None) -> float:
    return PERIOD if deadline is None else max(0.0, min(PERIOD, deadline - time.monotonic()))


class _Lines:
    """A line per event, for pipes and files."""

    def __init__(self, claudia: Claudia, watched: Task | None) -> None:
        self._follower = _Follower(claudia, watched)
        self._told: dict[str, float] = {}

    def follow(self, deadline: float | None) -> None:
        say(_counts(self._follower.claudia))
        over = False
        while not over:
            over = self._follower.is_over(deadline)  # what was saved before the end is still read after it
            for event in self._follower.news(0.0 if over else _pause(deadline)):
                if not self._is_repetition(event):
                    say(describe(event))
            out().file.flush()

    def _is_repetition(self, event: Event) -> bool:
        if event.type != "progress:updated":
            return event.type in ("agent:heartbeat", "task:progress")
        now = time.monotonic()
        if now - self._told.get(event.subject, 0.0) < PROGRESS_PERIOD:
            return True
        self._told[event.subject] = now
        return False


class _Live:
    """A table of what runs, above the last events; drawn anew in place."""

    def __init__(self, claudia: Claudia, watched: Task | None) -> None:
        self._follower = _Follower(claudia, watched)
        self._last: deque[Event] = deque(maxlen=MOST_EVENTS)

    def follow(self, deadline: float | None) -> None:
        from rich.live import Live

        with Live(self._draw(), console=out(), auto_refresh=False) as live:
            while not self._follower.is_over(deadline):
                drawn_at = time.monotonic()
                self._take(self._follower.news(_pause(deadline)))
                live.update(self._draw(), refresh=True)
                time.sleep(max(0.0, min(PERIOD - (time.monotonic() - drawn_at), _pause(deadline))))
            self._take(self._follower.news(0.0))
            live.update(self._draw(), refresh=True)

    def _take(self, events: Iterable[Event]) -> None:
        self._last.extend(event for event in events if event.type not in ("progress:updated", "task:progress"))

    def _draw(self) -> RenderableType:
        from rich.console import Group
        from rich.text import Text

        lines = [Text(describe(event), overflow="ellipsis", no_wrap=True) for event in self._last]
        shown = self._rows()
        tasks = rows.task_table(shown, out().width) if shown else Text("\nNothing runs.\n")
        return Group(Text(_counts(self._follower.claudia), "bold"), tasks, *lines)

    def _rows(self) -> list[dict[str, Any]]:
        tasks, watched = self._follower.claudia.tasks, self._follower.watched
        if watched is None:
            first = tasks.list(status=Status.ACTIVE, roots=True, limit=MOST_TASKS).tasks
            newest = tasks.list(status=Status.ACTIVE, limit=MOST_TASKS).tasks
            below = [task for task in newest if task.parent_id is not None]
        else:
            first = [tasks.get(watched.id)]
            below = tasks.list(parent_id=watched.id, status=Status.ACTIVE, limit=MOST_TASKS).tasks
        return [task.to_summary() for task in (*first, *below)]


def _counts(claudia: Claudia) -> str:
    counts = claudia.tasks.counts()
    return "  ".join(f"{MARKS[status]} {counts[status]:,} {status.value}" for status in Status)


def describe(event: Event) -> str:
    """An event as one line: when, what, about what."""
    when = event.time.astimezone().strftime("%H:%M:%S")
    return f"{when}  {event.type:<16}  {rows.one_line(_about(event))}".rstrip()


def _about(event: Event) -> str:
    data = event.data
    if event.type == "error:reported":
        where = data.get("context", {}).get("file", "")
        return f"{data['type']}: {data['message']}{f' [{where}]' if where else ''}"
    progress = data if event.type == "progress:updated" else data.get("progress", {})
    parts = [str(data.get("name") or data.get("title") or event.subject)]
    if progress.get("total"):
        parts.append(f"{progress['current']:,g}/{progress['total']:,g} {progress['unit']}")
    if progress.get("message"):
        parts.append(str(progress["message"]))
    return " · ".join(parts)
