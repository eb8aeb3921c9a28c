"""Parts and pages frozen: what they show now, as blocks of a report. Bokeh and the browser have no hand in it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

import panel as pn

from claudia_core.errors import WaitTimeout
from claudia_core.model.task import Status
from claudia_core.model.times import utc_now
from dashboards import frames
from dashboards.live import LiveView
from dashboards.parts.charts.chart import Chart as LiveChart
from dashboards.parts.charts.plot import PlotView
from dashboards.parts.charts.throughput import ThroughputChart
from dashboards.parts.frame.rows import Rows
from dashboards.parts.frame.tiles import Tiles
from dashboards.parts.health.health_graph import Graph
from dashboards.parts.health.health_strip import Strip
from dashboards.report import as_html
from dashboards.report.blocks import (
    Block,
    Chart,
    Code,
    Column,
    Document,
    Figure,
    Figures,
    Meter,
    Mono,
    Named,
    Section,
    Span,
    Table,
    Value,
    Words,
)  # fmt: skip
from dashboards.report.facts import Tally

if TYPE_CHECKING:
    from claudia_core import Claudia
    from claudia_core.boards import Minute

PATIENCE = 5.0
"""Seconds to wait for what was saved just before to reach the boards."""

HEADING = "heading"
"""Tone of the words that begin a section."""

RIGHT = frozenset({"number", "figure", "span", "left"})


def freeze(view: LiveView) -> str:
    """What a part or page shows now, as HTML to be put into another page: no script, nothing loaded."""
    return as_html.fragment(frozen(view))


def frozen(view: LiveView, title: str | None = None) -> Document:
    """The same as a document of its own."""
    _catch_up(view.claudia)
    if not isinstance(view, LiveChart):  # it would draw what is not used here
        view.refresh()
    now = utc_now()
    sections = tuple(_sections(view))
    name = title or getattr(view, "title", "") or sections[0].title
    lines = (f"As it was at {now:%Y-%m-%d %H:%M:%S} UTC", f"Hub: {view.claudia.store.url}")
    return Document(name if isinstance(name, str) else type(view).__name__, lines, sections)


def _catch_up(claudia: Claudia) -> None:
    """Let the board see what was just saved; where it cannot, what it knows is shown."""
    claudia.boards.tasks.version  # noqa: B018 - makes the board
    with suppress(WaitTimeout):
        claudia.feed.wait_until(claudia.store.head(), PATIENCE)


def _sections(view: LiveView) -> Iterator[Section]:
    """The blocks of a view, a section for each heading among them."""
    title, blocks = "", list[Block]()
    for block in _blocks(view, {id(part.layout): part for part in _views(view)}):
        if isinstance(block, Words) and block.tone == HEADING:
            if blocks:
                yield _section(title, blocks)
            title, blocks = block.text, []
        else:
            blocks.append(block)
    yield _section(title, blocks)


def _section(title: str, blocks: list[Block]) -> Section:
    captions = (block.caption for block in blocks if isinstance(block, Table | Figures | Chart))
    return Section(title or next(captions, "Nothing to show"), tuple(blocks))


def _views(view: LiveView) -> Iterator[LiveView]:
    """The views that a view is made of, so that a layout is known as the part it belongs to."""
    for part in vars(view).values():
        if isinstance(part, LiveView):
            yield part
            yield from _views(part)


def _blocks(thing: Any, owners: Mapping[int, LiveView]) -> Iterator[Block]:
    chart = owners.get(id(thing), thing)
    if isinstance(chart, ThroughputChart):
        yield Words("Throughput, last hour", HEADING)
        yield _throughput(chart)
    elif isinstance(chart, PlotView):
        yield Words(chart.TITLE, HEADING)
        yield _twin(chart, chart.twin())
    elif isinstance(chart, LiveChart):
        yield Words(chart.TITLE, HEADING)
        yield _twin(chart, chart.twin(chart.pull_data()))
    elif isinstance(thing, LiveView):
        yield from _blocks(thing.layout, owners)
    elif not thing.visible:
        return
    else:
        make = next((make for kind, make in LEAVES.items() if isinstance(thing, kind)), None)
        if make is not None:
            yield from make(thing)
        for inner in getattr(thing, "objects", ()):
            yield from _blocks(inner, owners)


def _tiles(tiles: Tiles) -> Iterator[Block]:
    yield Figures(tiles.label, tuple(map(_figure, tiles.items)))


def _strip(strip: Strip) -> Iterator[Block]:
    yield Words(" · ".join(f"{item['mark']} {item['label']}: {item['word']}" for item in strip.items))


def _lines(graph: Graph) -> Iterator[Block]:
    """What leads to what, a sentence for each line of the picture."""
    for line in graph.lines:
        source, target = graph.items[line["from"]], graph.items[line["to"]]
        yield Words(f"{source['label']} ({source['word']}) → {target['label']} ({target['word']})")


def _throughput(part: ThroughputChart) -> Block:
    minutes = part.claudia.boards.tasks.picture().minutes
    total = sum(map(frames.ended, minutes))
    if not total:
        return Words("No task ended in the last hour.", "note")
    summary = f"{total:,} tasks ended in the last hour, at most {frames.tops(minutes):,} in a minute."
    return Chart("Tasks that ended, by minute", summary, tuple(map(_bar, minutes)))


def _twin(part: LiveChart | PlotView, rows: Sequence[Mapping[str, Any]]) -> Block:
    """A chart that is told by its table alone."""
    return _table(Rows(part.COLUMNS, label=part.TWIN), rows) if rows else Words(f"{part.QUIET[0]}.", "note")


def _bar(minute: Minute) -> Tally:
    return Tally(
        minute.at, minute.at + 60, minute.created, minute.completed, minute.failed, minute.cancelled, minute.errors
    )


def _figure(item: Mapping[str, Any]) -> Figure:
    return Figure(item["label"], f"{item['value']}{item.get('unit', '')}", item.get("hint", ""), item.get("tone", ""))


def _heading(markup: str) -> Iterator[Block]:
    """A heading made by `parts.heading`, taken apart again."""
    reader = _HeadingReader()
    reader.feed(markup)
    yield from reader.found


class _HeadingReader(HTMLParser):
    """Headings and paragraphs of markup as words; the tone is the class of what is inside a paragraph."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[Block] = []
        self._kind = self._tone = self._text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("h1", "h2", "h3", "p"):
            self._kind, self._tone, self._text = tag, "", ""
        elif self._kind:
            self._tone = dict(attrs).get("class") or self._tone

    def handle_data(self, data: str) -> None:
        self._text += data

    def handle_endtag(self, tag: str) -> None:
        if tag and tag == self._kind:
            tone = HEADING if tag != "p" else self._tone
            if self._text.strip():
                self.found.append(Words(self._text.strip(), tone))
            self._kind = ""


def _rows(table: Rows) -> Iterator[Block]:
    if table.title:
        yield Words(table.title.strip() or table.label, HEADING)
    words = table._words or table.zero
    if not table.rows:
        yield from (Words(text, "note") for text in words[:2] if text)
        yield from (Code(text) for text in words[2:3] if text)
        return
    if table.layout == "codes":
        yield from (Code(str(row["value"])) if "value" in row else Words(row["days"]["label"]) for row in table.rows)
        return
    yield _table(table, table.rows)


def _table(table: Rows, rows: Iterable[Mapping[str, Any]]) -> Table:
    kinds = [column["kind"] for column in table.columns]
    heads = [_column(column) for column in table.columns]
    cells = [[_value(kind, row.get(column["key"])) for kind, column in zip(kinds, table.columns, strict=True)]
             for row in rows]  # fmt: skip
    return Table(table.label, heads, cells, heading=kinds.index("link") if "link" in kinds else 0)


def _column(column: Mapping[str, Any]) -> Column:
    wide = column["kind"] == "link" or column["key"] == "says"
    return Column(column["label"], column["kind"] in RIGHT, column["priority"], wide)


def _value(kind: str, value: Any) -> Value:
    """A cell of the live table as one of the frozen one; nothing is lost but its link."""
    if value is None or value == "" or value == []:
        return None
    if kind == "any":
        return _value(*value)
    return VALUES.get(kind, str)(value)


def _progress(value: Mapping[str, Any]) -> Meter:
    return Meter(value["percent"], value["label"], value["word"])


def _span(value: Mapping[str, str | None]) -> Span:
    start, end = _moment(value["from"]), value["to"]
    return Span(((utc_now() if end is None else _moment(end)) - start).total_seconds())


def _moment(text: str | None) -> datetime:
    return datetime.fromisoformat(text or "")


VALUES: Mapping[str, Callable[[Any], Value]] = {
    "link": lambda value: Named(value["text"], value.get("hint") or ""),
    "status": lambda value: (
        Status(value["word"]) if value["word"] in set(Status) else f"{value['mark']} {value['word']}"
    ),
    "links": lambda value: ", ".join(one["text"] for one in value),
    "spark": lambda value: str(value["label"]),
    "days": lambda value: str(value["label"]),
    "progress": _progress,
    "ago": _moment,
    "when": _moment,
    "span": _span,
    "left": lambda value: Span(max(0.0, (_moment(value) - utc_now()).total_seconds())),
    "tags": ", ".join,
    "id": Mono,
    "code": Mono,
}
"""How the kinds of cells of `live.js` are told in a frozen table; those that are not here are text."""

LEAVES: Mapping[type[Any], Callable[[Any], Iterator[Block]]] = {
    Rows: _rows,
    Tiles: _tiles,
    Strip: _strip,
    Graph: _lines,
    pn.pane.HTML: lambda pane: _heading(pane.object),
}
"""What holds no other part."""
