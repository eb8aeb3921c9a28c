"""HealthList: every check with its state, how long it takes, and its last 90 days."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import param

from claudia_core.model.times import utc_now
from claudia_core.services.health import Standing
from dashboards.cells import health as health_cells
from dashboards.live import LiveView
from dashboards.parts.frame.rows import Column, Rows

if TYPE_CHECKING:
    from claudia_core import Claudia

COLUMNS = (
    Column("status", "State", "status"),
    Column("name", "Check", "link"),
    Column("latency", "Latency", "figure"),
    Column("runs", "Last runs", "spark", 3),
    Column("days", "Last 90 days", "days", 2),
    Column("available", "Available", "figure"),
    Column("last", "Last run", "ago", 3),
    Column("failed", "Failed last", "ago", 2),
)
STATES = ("", "fail", "warn", "pass", "silenced", "other")
OTHER = ("not watched", "not run yet")
FIRST_STEPS = """from claudia_core.integrations.probes import http, tcp

claudia.health.register("network", tcp("gateway.internal", 443))
claudia.health.register("api", http("https://api.example/health"), after=["network"])"""
NO_CHECK = ("No check has run yet", "A server runs its own checks; add what your work depends on:", FIRST_STEPS)
NO_MATCH = ("No check is like this now", "Choose another state, or all.")
PAUSE = 0.8
"""Seconds for which the list is not asked for again, however much happens."""


class HealthList(LiveView):
    """Checks of all processes on a hub's store by name; `state` empty for all."""

    state: Any = param.Selector(default="", objects=list(STATES), doc="Only checks like this; empty for all.")

    def __init__(
        self, claudia: Claudia, *, on_open: Callable[[str], None] | None = None, title: str = "", **params: Any
    ) -> None:
        super().__init__(claudia, **params)
        self.standings: list[Standing] = []
        opens = "here" if on_open else "there"
        self.table = Rows(COLUMNS, label="Health checks", title=title, opens=opens, on_open=on_open)
        self.layout = self.table
        self._at = 0.0
        self._asked: str | None = None

    def refresh(self) -> None:
        """Ask how the checks stand, unless that was just now."""
        now = time.monotonic()
        if self._asked == self.state and now - self._at < PAUSE:
            return
        self.standings = self.claudia.health.standings()
        moment = utc_now()
        days = self.claudia.health.days([one.name for one in self.standings], health_cells.DAYS)
        shown = [one for one in self.standings if self._is_wanted(health_cells.state(one, moment))]
        rows = [health_cells.check_row(one, days[one.name], moment) for one in shown]
        self.table.put(rows, NO_MATCH if self.standings else NO_CHECK)
        self._asked, self._at = self.state, now

    def again(self) -> None:
        """Ask at the next refresh."""
        self._asked = None

    def counts(self) -> dict[str, int]:
        """How many checks there are of each state of `STATES`."""
        found: dict[str, int] = dict.fromkeys(STATES, 0)
        moment = utc_now()
        for one in self.standings:
            word = health_cells.state(one, moment)
            found["other" if word in OTHER else word] += 1
        return found | {"": len(self.standings)}

    def _is_wanted(self, word: str) -> bool:
        return self.state in ("", word) or (self.state == "other" and word in OTHER)


def by_name(standings: Sequence[Standing], name: str) -> Standing | None:
    """The one of that name."""
    return next((one for one in standings if one.name == name), None)
