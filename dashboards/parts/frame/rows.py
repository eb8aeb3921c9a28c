"""Rows: a live table that sends only what changed, and shows all text as text."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import param

from dashboards.beat.sheets import BLANK, Row, Sheet, difference
from dashboards.flow import Flow
from dashboards.theme.part import Part, is_within_pages, unlinked

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
        self._keys = tuple(column.key for column in columns)
        self._sheet = BLANK
        self._known: Sheet | None = BLANK
        self._words: list[str] | None = None
        self._wanted: list[str] | None = None
        self._begun = False
        self._listening = False
        self._flow = Flow.here()
        self._losses = self._flow.losses()
        self._on_open = on_open
        self._on_sort = on_sort
        self._on_pick = on_pick
        self.picked: dict[str, Row] = {}
        """The selected rows by id, also those that have left the table meanwhile; at most `MOST_PICKED`."""

    @property
    def rows(self) -> list[Row]:
        """The rows now."""
        return self._sheet.rows

    def put(self, rows: Sheet | Sequence[Row], zero: Sequence[str] | None = None) -> None:
        """Make these the rows; `zero` are the words for having none. A `Sheet` is not looked through again."""
        self._sheet = rows if isinstance(rows, Sheet) else self._sheet.renewed(list(rows))
        self._wanted = list(zero) if zero is not None else self._wanted
        if not self._models:
            words = self._wanted or self.zero
            self.param.update(initial=self.rows, waiting=False, edition=self.edition + 1, zero=words)
            self._begun = True
            self._take()
            return
        if self._losses != (losses := self._flow.losses()):
            self._losses, self._known = losses, None
        if self._listening and not self._flow.is_full:
            self._send()

    def unpick(self) -> None:
        """Select nothing."""
        if self.picked:
            self.picked = {}
            self._send_msg({"picked": []})

    def _take(self) -> None:
        self._words = self._wanted
        self._known = self._sheet

    def _send(self) -> None:
        """Send the difference to what the browser shows; everything, where that is not known."""
        change = self._change()
        if not change and self._words == self._wanted and self._begun:
            return
        message: dict[str, Any] = {"waiting": False}
        if change:
            message["change"] = change
        if self._words != self._wanted:
            message["zero"] = self._wanted
        if ask := self._flow.ask():
            message["ask"] = ask
        self._begun = True
        self._take()
        self._send_msg(message)

    def _change(self) -> str:
        if self._known is self._sheet:
            return ""
        if is_within_pages():
            return difference(self._known, self._sheet, self._keys)
        known = None if self._known is None else Sheet(unlinked(self._known.rows))
        return difference(known, Sheet(unlinked(self.rows)), self._keys)

    def _heed(self, data: Any) -> bool:
        """An answer after painting, unless something waits for it."""
        if "painted" not in data or self._known is not self._sheet:
            return False
        self._flow.answer(int(data["painted"]))
        return True

    def _on_message(self, data: Any) -> None:
        if "painted" in data:
            self._flow.answer(int(data["painted"]))
            if self._listening:
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
        if not fresh:
            self._known = None
        self._send()
