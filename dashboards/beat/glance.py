"""Glance: what an overview shows of a hub at one moment, made once for all who look. Without panel."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextvars import ContextVar
from functools import cached_property
from threading import RLock
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from claudia_core.boards import Picture
from claudia_core.model.agent import AgentStatus
from claudia_core.model.task import Status
from claudia_core.model.times import utc_now
from claudia_core.services.trends import Trends
from dashboards import frames
from dashboards.beat.sheets import BLANK, Row, Sheet
from dashboards.cells import agents as agent_cells
from dashboards.cells import health as health_cells
from dashboards.cells import tasks as cells

if TYPE_CHECKING:
    from claudia_core import Claudia

MOST_RUNNING = 12
MOST_LISTED = 6

MOST_CHECKS = 30
MOST_AGENTS = 12
MOST_ASKED = 100
"""Agents of a state that an overview asks for: chips are few, and the page of agents tells all."""

CHECKED = 2.0
"""Seconds for which checks and agents are not asked for again."""

UNHURRIED = 2.0
"""Seconds for which a verdict of the same tone stays as it is."""

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
        self._values: dict[str, Any] = {}
        self._verdict = ("", "")
        self._verdict_at = 0.0
        self._checks: list[dict[str, Any]] = []
        self._checks_at = float("-inf")
        self._agents: list[dict[str, Any]] = []
        self._agents_at = float("-inf")
        self._untaken: tuple[str, ...] = ()

    def present(self, claudia: Claudia) -> Glance:
        """The present one; during a beat, that of the beat."""
        moment = MOMENT.get()
        with self._lock:
            if self._glance is not None and moment is not None and moment is self._moment:
                return self._glance
            picture, trends = claudia.boards.tasks.picture(), claudia.boards.trends.picture()
            self._moment = moment
            checks, agents = self.checks(claudia), self.agents(claudia)
            now = self._glance
            seen = (picture, trends, checks, agents, self._untaken)
            if now is None or now.seen != seen:
                now = self._glance = Glance(self, *seen)
            return now

    def sheet(self, name: str, rows: Sequence[Row]) -> Sheet:
        """The rows as a sheet; the one before, where nothing changed."""
        with self._lock:
            self._sheets[name] = self._sheets.get(name, BLANK).renewed(rows)
            return self._sheets[name]

    def verdict(self, picture: Picture, untaken: Sequence[str]) -> tuple[str, str]:
        """Tone and words. They are read out, so in beats other words wait for a moment; another tone does not."""
        tone, words = frames.verdict(picture, untaken)
        now = time.monotonic()
        with self._lock:
            if MOMENT.get() is None or tone != self._verdict[0] or now - self._verdict_at > UNHURRIED:
                self._verdict, self._verdict_at = (tone, words), now
            return self._verdict

    def checks(self, claudia: Claudia) -> list[dict[str, Any]]:
        """How all checks stand, as chips."""
        with self._lock:
            if time.monotonic() - self._checks_at >= CHECKED:
                self._checks_at = time.monotonic()
                ran = [one for one in claudia.health.standings() if one.at is not None]
                self._checks = self.same("checks", health_cells.strip_items(ran, utc_now())[:MOST_CHECKS])
            return self._checks

    def agents(self, claudia: Claudia) -> list[dict[str, Any]]:
        """What no agent runs, who was lost and who is there, as chips."""
        with self._lock:
            if time.monotonic() - self._agents_at >= CHECKED:
                self._agents_at = time.monotonic()
                known = [
                    agent
                    for status in (AgentStatus.ONLINE, AgentStatus.LOST)
                    for agent in claudia.agents.list(status=status, limit=MOST_ASKED)
                ]
                queues = claudia.queues.list()
                self._untaken = agent_cells.untaken(queues, utc_now())
                chips = agent_cells.strip_items(known, queues, utc_now())
                self._agents = self.same("agents", agent_cells.shortened(chips, MOST_AGENTS))
            return self._agents

    def same[Value](self, name: str, value: Value) -> Value:
        """The value; the object before, where it is equal."""
        with self._lock:
            if self._values.get(name) != value:
                self._values[name] = value
            found: Value = self._values[name]
            return found


class Glance:
    """A picture of a hub and its trends, as the parts of an overview show them. Each is made when first asked for."""

    def __init__(
        self,
        glances: Glances,
        picture: Picture,
        trends: Trends,
        checks: list[dict[str, Any]],
        agents: list[dict[str, Any]],
        untaken: tuple[str, ...],
    ) -> None:
        self.seen = (picture, trends, checks, agents, untaken)
        self.picture = picture
        self.trends = trends
        self.checks = checks
        self.agents = agents
        self.untaken = untaken
        self._glances = glances

    @cached_property
    def verdict(self) -> tuple[str, str]:
        """Whether everything is all right: tone and words."""
        return self._glances.verdict(self.picture, self.untaken)

    @cached_property
    def figures(self) -> list[dict[str, Any]]:
        """The tiles."""
        return self._glances.same("figures", frames.key_figures(self.picture, self.trends))

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

    @cached_property
    def minutes(self) -> list[list[float | None]]:
        """The last hour for a plot: begin, completed, failed, cancelled, created, errors."""
        return self._glances.same("minutes", frames.minute_points(self.picture.minutes))

    @cached_property
    def took(self) -> list[list[float | None]]:
        """Durations in the last hour for a plot: begin, typical, slow, completed."""
        return self._glances.same("took", frames.took_points(self.trends.took))

    def make(self) -> None:
        """Make all of it now."""
        for name in ("verdict", "figures", "running", "failed", "errors", "ended", "compared", "minutes", "took"):
            getattr(self, name)


def glance(claudia: Claudia) -> Glance:
    """What there is to see of a hub now."""
    return _GLANCES.setdefault(claudia, Glances()).present(claudia)
