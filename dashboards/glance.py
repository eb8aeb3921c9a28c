"""Glance: what an overview shows of a hub at one moment, made once for all who look. Without panel."""

from __future__ import annotations

from collections.abc import Sequence
from contextvars import ContextVar
from functools import cached_property
from threading import RLock
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from claudia_core.boards import Minute, Picture
from claudia_core.model.task import Status
from claudia_core.services.trends import Took, Trends
from dashboards import cells, frames
from dashboards.sheets import BLANK, Row, Sheet

if TYPE_CHECKING:
    from claudia_core import Claudia

MOST_RUNNING = 12
MOST_LISTED = 6

MOMENT: ContextVar[object | None] = ContextVar("moment", default=None)
"""The beat of a server: whoever looks during one is shown the same, however much happens meanwhile."""

_GLANCES: WeakKeyDictionary[Claudia, Glances] = WeakKeyDictionary()


class Glances:
    """The last glance at a hub."""

    def __init__(self) -> None:
        self._lock = RLock()
        self._moment: object | None = None
        self._glance: Glance | None = None
        self._sheets: dict[str, Sheet] = {}

    def present(self, claudia: Claudia) -> Glance:
        """The present one; during a beat, that of the beat."""
        moment = MOMENT.get()
        with self._lock:
            if self._glance is not None and moment is not None and moment is self._moment:
                return self._glance
            picture, trends = claudia.boards.tasks.picture(), claudia.boards.trends.picture()
            self._moment = moment
            if self._glance is None or self._glance.picture is not picture or self._glance.trends is not trends:
                self._glance = Glance(self, picture, trends)
            return self._glance

    def sheet(self, name: str, rows: Sequence[Row]) -> Sheet:
        """The rows as a sheet; the one before, where nothing changed."""
        with self._lock:
            self._sheets[name] = self._sheets.get(name, BLANK).renewed(rows)
            return self._sheets[name]


class Glance:
    """A picture of a hub and its trends, as the parts of an overview show them. Each is made when first asked for."""

    def __init__(self, glances: Glances, picture: Picture, trends: Trends) -> None:
        self.picture = picture
        self.trends = trends
        self._glances = glances

    @cached_property
    def verdict(self) -> tuple[str, str]:
        """Tone and words."""
        return frames.verdict(self.picture)

    @cached_property
    def figures(self) -> list[dict[str, Any]]:
        """The tiles."""
        return frames.key_figures(self.picture, self.trends)

    @cached_property
    def running(self) -> Sheet:
        """What runs, newest first."""
        active = [task for task in self.picture.open if task["status"] == Status.ACTIVE.value]
        return self._glances.sheet("running", cells.task_rows(active[:MOST_RUNNING]))

    @cached_property
    def failed(self) -> Sheet:
        """What failed in the last hour."""
        return self._glances.sheet("failed", frames.failed_rows(self.picture, MOST_LISTED))

    @cached_property
    def errors(self) -> Sheet:
        """The newest errors."""
        return self._glances.sheet("errors", frames.issue_rows(self.picture.errors, MOST_LISTED))

    @cached_property
    def ended(self) -> Sheet:
        """What ended last."""
        return self._glances.sheet("ended", cells.task_rows(self.picture.recent[:MOST_LISTED]))

    @cached_property
    def compared(self) -> Sheet:
        """How it goes beside yesterday; without rows, where there was none."""
        rows = [] if self.trends.day_before.is_empty else frames.trend_rows(self.trends)
        return self._glances.sheet("compared", rows)

    @property
    def minutes(self) -> tuple[Minute, ...]:
        """The last hour."""
        return self.picture.minutes

    @property
    def took(self) -> tuple[Took, ...]:
        """Durations in the last hour."""
        return self.trends.took

    def make(self) -> None:
        """Make all of it now."""
        for name in ("verdict", "figures", "running", "failed", "errors", "ended", "compared"):
            getattr(self, name)


def glance(claudia: Claudia) -> Glance:
    """What there is to see of a hub now."""
    return _GLANCES.setdefault(claudia, Glances()).present(claudia)
