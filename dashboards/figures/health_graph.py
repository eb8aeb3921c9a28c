"""Which check silences which: places of a picture, and the same as rows; pure, without panel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from claudia_core.services.health import Standing
from dashboards.cells.health import health_href, status
from dashboards.cells.tasks import Row

UNKNOWN = {"word": "no such check", "mark": "?", "tone": "pending"}
MOST = 60
"""Most checks drawn; the table holds all."""


def graph(standings: Sequence[Standing], now: datetime) -> dict[str, Any]:
    """Boxes with their column and row, and lines between them by the places of both; empty without a dependency."""
    after = {one.name: one.after for one in standings}
    known = {one.name: one for one in standings}
    drawn = _drawn(after)[:MOST]
    columns = _columns(drawn, after)
    heights: dict[int, int] = {}
    boxes = []
    for name in sorted(drawn, key=lambda one: (columns[one], one.casefold())):
        row = heights.get(columns[name], 0)
        heights[columns[name]] = row + 1
        look = status(known[name], now) if name in known else UNKNOWN
        boxes.append({"label": name, "href": health_href(name), "x": columns[name], "y": row, **look})
    places = {box["label"]: at for at, box in enumerate(boxes)}
    lines = [
        {"from": places[parent], "to": places[name], "on": known[name].silenced_by != ""}
        for name in drawn
        if name in known
        for parent in after[name]
        if parent in places
    ]
    return {"boxes": boxes, "lines": lines} if lines else {"boxes": [], "lines": []}


def _drawn(after: Mapping[str, Sequence[str]]) -> list[str]:
    """Checks that depend on one or on which one depends, also those that are not there."""
    below = [name for name, parents in after.items() if parents]
    return list(dict.fromkeys([*below, *(parent for name in below for parent in after[name])]))


def _columns(names: Sequence[str], after: Mapping[str, Sequence[str]]) -> dict[str, int]:
    """How many checks stand before each at most; a circle, which two processes can make, ends somewhere."""
    columns = dict.fromkeys(names, 0)
    for _ in range(len(names)):
        moved = False
        for name in columns:
            wanted = max((columns[one] + 1 for one in after.get(name, ()) if one in columns), default=0)
            if columns[name] < wanted < len(names):
                columns[name], moved = wanted, True
        if not moved:
            break
    return columns


def twin_rows(standings: Sequence[Standing], now: datetime) -> list[Row]:
    """The same as rows: what each check depends on, and what it silences while it fails."""
    below: dict[str, list[str]] = {}
    for one in standings:
        for parent in one.after:
            below.setdefault(parent, []).append(one.name)
    return [
        {
            "id": one.name,
            "name": {"text": one.name, "href": health_href(one.name), "key": one.name},
            "status": status(one, now),
            "after": ", ".join(one.after),
            "silences": ", ".join(below.get(one.name, ())),
        }
        for one in standings
        if one.after or one.name in below
    ]
