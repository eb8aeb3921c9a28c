"""Failures of the last hour, gathered by what failed alike: a part of the board of tasks."""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice

from claudia_core.model.times import to_text
from claudia_core.ports import Document

WINDOW = timedelta(hours=1)

MOST_TASKS = 20_000
"""Failed tasks that are counted; of each, its time and its kind are kept."""

MOST_KINDS = 50
"""Kinds that a picture tells, those that failed last."""

type Kind = tuple[str, str]
"""What failures have in common: the task's name and the type of its error."""


@dataclass(frozen=True, slots=True)
class Alike:
    """Tasks that failed alike within the last hour: the newest (its summary), and how many; False: at least so many."""

    newest: Document
    count: int
    is_all: bool = True


class Failures:
    """What failed within an hour; not for use by two threads at once."""

    def __init__(self, rows: Iterable[Document] = (), *, is_all: bool = True) -> None:
        """From the summaries of failed tasks, oldest first; not `is_all` where there were more before them."""
        self._tasks: OrderedDict[str, tuple[str, Kind]] = OrderedDict()
        self._newest: OrderedDict[Kind, Document] = OrderedDict()
        self._counts: Counter[Kind] = Counter()
        self._cut_at = ""
        for row in rows:
            if not is_all and not self._tasks:
                self._cut_at = str(row["finished_at"])
            self.add(row)

    def add(self, row: Document) -> None:
        """A task failed; the last one that is told is the newest."""
        self.drop(str(row["id"]))
        kind = str(row["name"]), str((row["error"] or {}).get("type"))
        self._tasks[str(row["id"])] = str(row["finished_at"]), kind
        self._counts[kind] += 1
        self._newest[kind] = row
        self._newest.move_to_end(kind)
        if len(self._tasks) > MOST_TASKS:
            self._cut_at = self._tasks[next(iter(self._tasks))][0]
            self._forget_oldest()

    def drop(self, id: str) -> None:
        """A task is not failed any more, or gone."""
        found = self._tasks.pop(id, None)
        if found is not None:
            self._uncount(found[1])

    def alike(self, now: datetime) -> tuple[Alike, ...]:
        """Those of the last hour, the kind that failed last before all others."""
        since = to_text(now - WINDOW)
        while self._tasks and next(iter(self._tasks.values()))[0] < since:
            self._forget_oldest()
        is_all = self._cut_at < since
        newest = islice(reversed(self._newest.items()), MOST_KINDS)
        return tuple(Alike(row, self._counts[kind], is_all) for kind, row in newest)

    def _forget_oldest(self) -> None:
        _, (_, kind) = self._tasks.popitem(last=False)
        self._uncount(kind)

    def _uncount(self, kind: Kind) -> None:
        self._counts[kind] -= 1
        if not self._counts[kind]:
            del self._counts[kind], self._newest[kind]
