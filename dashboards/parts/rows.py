"""Rows: a live table that sends only what changed, and shows all text as text."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import param

from dashboards.theme.part import Part

type Row = Mapping[str, Any]
"""One row: `id`, a value for each column, and perhaps `tone`."""

PATIENCE = 20.0
"""Seconds without an answer after which a browser is sent everything anew."""

WINDOW = 8
"""Changes that may be on their way to a browser; it is asked to answer two of so many."""

MOST_PICKED = 500
"""Most rows that can be selected."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column. `kind` names a cell of `live.js`; columns of `priority` 4 go first where there is little room.

    With `sort`, its head is a button that asks for the rows in that order.
    """

    key: str
    label: str
    kind: str = "text"
    priority: int = 1
    sort: str = ""


class Rows(Part):
    """A table of rows with ids. `put` brings it up to date; the browser is sent the difference."""

    columns = param.List(doc="Columns as plain dicts of `Column`.")
    initial = param.List(doc="The rows a browser starts with; later ones come as differences.")
    edition = param.Integer(0, doc="Which state `initial` is.")
    label = param.String("", doc="What the table holds, for those who hear it.")
    layout: Any = param.Selector(default="table", objects=["table", "facts", "codes"], doc="How rows are laid out.")
    waiting = param.Boolean(True, doc="Whether rows are still to come, so that a skeleton is shown.")
    opens: Any = param.Selector(default="", objects=["", "here", "there"], doc="What a click on a row does.")
    title = param.String("", doc="A heading above; with one, the rows stand in a box.")
    sort = param.String("", doc="What the rows are sorted by, as the `sort` of a column; `-` before it for downwards.")
    selects = param.Boolean(False, doc="Whether rows can be selected; each needs a `name` to be read out.")
    zero = param.List(default=["Nothing here", ""], doc="Title, text and perhaps code to show when there is no row.")

    def __init__(
        self, columns: Sequence[Column], *, on_open: Callable[[str], None] | None = None,
        on_sort: Callable[[str], None] | None = None, on_pick: Callable[[], None] | None = None, **params: Any,
    ) -> None:  # fmt: skip
        params.setdefault("sizing_mode", "stretch_width")
        heads = columns if on_sort else [replace(column, sort="") for column in columns]
        super().__init__(columns=[asdict(column) for column in heads], **params)
        self.rows: list[Row] = []
        self._known: dict[str, Row] = {}
        self._order: list[str] = []
        self._words: list[str] | None = None
        self._wanted: list[str] | None = None
        self._begun = False
        self._listening = False
        self._sent = 0
        self._painted = 0
        self._asked = 0.0
        self._on_open = on_open
        self._on_sort = on_sort
        self._on_pick = on_pick
        self.picked: dict[str, Row] = {}
        """The selected rows by id, also those that have left the table meanwhile; at most `MOST_PICKED`."""

    def put(self, rows: Sequence[Row], zero: Sequence[str] | None = None) -> None:
        """Make these the rows; `zero` are the words for having none."""
        self.rows = list(rows)
        self._wanted = list(zero) if zero is not None else self._wanted
        if not self._models:
            words = self._wanted or self.zero
            self.param.update(initial=self.rows, waiting=False, edition=self.edition + 1, zero=words)
            self._begun = True
            self._take()
        elif self._listening and not self._is_full():
            self._send()
        elif self._listening and time.monotonic() - self._asked > PATIENCE:
            self._send(everything=True)

    def unpick(self) -> None:
        """Select nothing."""
        if self.picked:
            self.picked = {}
            self._send_msg({"picked": []})

    def _take(self) -> None:
        self._words = self._wanted
        self._known = {row["id"]: row for row in self.rows}
        self._order = list(self._known)

    def _is_full(self) -> bool:
        """Whether the browser has not painted what it was sent before."""
        return self._sent - self._painted >= WINDOW

    def _send(self, *, everything: bool = False) -> None:
        change = self._change(everything=everything)
        if self._wanted != self._words:
            change["zero"] = self._wanted
        if change or not self._begun:
            self._begun = True
            self._sent += 1
            self._take()
            if everything or self._sent % (WINDOW // 2) == 0:
                change["ask"] = True
                self._asked = time.monotonic()
            self._send_msg({"n": self._sent, "waiting": False, **change})

    def _change(self, *, everything: bool = False) -> dict[str, Any]:
        known = {} if everything else self._known
        rows = {}
        for row in self.rows:
            before = known.get(row["id"])
            if before is not row:
                dirty = (
                    row if before is None else {key: value for key, value in row.items() if before.get(key) != value}
                )
                if dirty:
                    rows[row["id"]] = dirty
        order = [row["id"] for row in self.rows]
        change: dict[str, Any] = {"rows": rows} if rows else {}
        if everything or order != self._order:
            change["order"] = order
        return change

    def _on_message(self, data: Any) -> None:
        if "painted" in data:
            self._painted = min(self._sent, int(data["painted"]))
            self._send()  # what came meanwhile, and perhaps was the last
        elif "ready" in data:
            self._greet(data["ready"], data.get("rows"))
        elif "open" in data and self._on_open is not None:
            self._on_open(str(data["open"]))
        elif "sort" in data and self._on_sort is not None:
            self._on_sort(str(data["sort"]))
        elif "pick" in data and self._on_pick is not None:
            self._pick(data["pick"], on=bool(data.get("on")))
            self._on_pick()

    def _pick(self, ids: Sequence[str], *, on: bool) -> None:
        here = {row["id"]: row for row in self.rows}
        for id in ids[:MOST_PICKED]:
            if not on:
                self.picked.pop(id, None)
            elif id in here and len(self.picked) < MOST_PICKED:
                self.picked[id] = here[id]

    def _greet(self, edition: int, count: int | None) -> None:
        """A browser began to listen; one that starts from another state than ours gets everything."""
        fresh = not self._listening and edition == self.edition and count in (None, len(self.initial))
        self._listening, self._begun = True, False  # it knocks until it is answered
        self._painted = self._sent
        if not fresh:
            self._known, self._order = {}, []
        self._send(everything=not fresh)
