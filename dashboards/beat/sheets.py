"""Sheets: the rows of a table at one moment, and what changed between two of them. Without panel.

Both are made once, however many pages show them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import orjson

type Row = Mapping[str, Any]
"""One row: `id`, a value for each column, and perhaps `tone`."""

MOST_KEPT = 256
"""Differences that are kept: of the last moments, for all tables of a process."""


class Sheet:
    """Rows that nobody changes any more. Known by identity: a page that shows this very sheet is up to date."""

    __slots__ = ("by_id", "rows")

    def __init__(self, rows: Sequence[Row] = ()) -> None:
        self.rows = list(rows)
        self.by_id = {row["id"]: row for row in self.rows}

    def renewed(self, rows: Sequence[Row]) -> Sheet:
        """A sheet of these rows: this one, where they are the same."""
        return self if list(rows) == self.rows else Sheet(rows)


BLANK = Sheet()


@lru_cache(MOST_KEPT)
def difference(before: Sheet | None, after: Sheet, columns: tuple[str, ...]) -> str:
    """What changed, as JSON: `rows` (dirty cells by id) and `order` (ids, where it is another); empty for nothing.

    Everything, where it is not known what was there `before`.
    """
    known = {} if before is None else before.by_id
    wanted = frozenset((*columns, "id", "tone"))
    rows = {}
    for id, row in after.by_id.items():
        old = known.get(id)
        if old is not row and (dirty := _dirty(old, row, wanted)):
            rows[id] = dirty
    change: dict[str, Any] = {"rows": rows} if rows else {}
    if before is None or list(known) != list(after.by_id):
        change["order"] = list(after.by_id)
    return orjson.dumps(change).decode() if change else ""


def _dirty(old: Row | None, row: Row, wanted: frozenset[str]) -> Row:
    if old is None:
        return {key: value for key, value in row.items() if key in wanted}
    return {key: value for key, value in row.items() if key in wanted and old.get(key) != value}
