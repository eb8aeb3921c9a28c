"""What it takes to bring a page up to date with a million tasks: every filter, order and search of the tasks page.

Each is asked of the page as an object, without its browser, on a hub at rest: its questions to the store and its rows.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from benchmarks.figure import Figure, median
from benchmarks.filled import AGENTS, MANY, filled
from claudia_core import Claudia
from dashboards import choices

REPEATS = 7
AT_ONCE, IN_FLOW = 100.0, 1_000.0
"""Milliseconds that are felt as at once, and that keep a thought in flow (Nielsen, Usability Engineering, 5.5)."""

FILTERS: Mapping[str, Mapping[str, str]] = {
    "nothing": {},
    "status": {"status": "failed"},
    "type": {"type": "ml"},
    "beginning of a type": {"type": "m"},
    "tag of half of all": {"tag": "nightly"},
    "rare tag": {"tag": "rare"},
    "agent": {"agent": AGENTS[3]},
    "name": {"name_prefix": "train model 7"},
    "one letter": {"name_prefix": "t"},
    "a name nobody has": {"name_prefix": "zzz"},
    "last hour": {"since": "1h"},
    "last 24 hours": {"since": "24h"},
    "last 30 days": {"since": "30d"},
    "status, type and tag": {"status": "failed", "type": "etl", "tag": "nightly"},
    "status and agent in 7 days": {"status": "completed", "agent": AGENTS[3], "since": "7d"},
    "name and tag": {"name_prefix": "clean", "tag": "adhoc"},
    "name, type and agent": {"name_prefix": "train model 99", "type": "ml", "agent": AGENTS[9]},
    "type and tag in an hour": {"type": "ml", "tag": "nightly", "since": "1h"},
}


def run() -> Iterator[Figure]:
    """Medians of a refresh in milliseconds: for each filter newest first, and in its slowest order."""
    with tempfile.TemporaryDirectory() as folder, Claudia(filled(Path(folder, "many.db"), MANY), display="off") as hub:
        for name, state in FILTERS.items():
            took = {sort: _tasks_page(hub, {**state, "sort": sort}) for sort in choices.SORTS}
            slowest = max(took, key=lambda sort: took[sort])
            yield Figure(f"tasks page by {name}, newest first", took[""], "ms", AT_ONCE, raw=f"{MANY:,} tasks")
            told = f"{slowest or 'newest first'}; median of {len(took)} orders {median(list(took.values())):.0f} ms"
            yield Figure(f"tasks page by {name}, slowest order", took[slowest], "ms", IN_FLOW, raw=told)


def _tasks_page(hub: Claudia, state: Mapping[str, Any]) -> float:
    from dashboards.pages.tasks import TasksPage

    page = TasksPage(hub, **state)

    def refresh() -> None:
        page.table._shown = ()
        page.refresh()

    return _median(refresh)


def _median(work: Callable[[], object]) -> float:
    took = []
    for _ in range(REPEATS + 1):
        began = time.perf_counter()
        work()
        took.append(time.perf_counter() - began)
    return 1e3 * median(took[1:])
