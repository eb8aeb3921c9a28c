"""A report as one HTML file: no script, nothing loaded from anywhere, everything that users wrote escaped."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from html import escape
from typing import Any

from claudia_core.model.task import Status
from claudia_core.tracking.display import MARKS
from dashboards.report.blocks import (
    NOTHING,
    Block,
    Chart,
    Code,
    Column,
    Document,
    Entries,
    Entry,
    Figure,
    Figures,
    Meter,
    Mono,
    Named,
    Points,
    Section,
    Span,
    Table,
    Value,
    Words,
)  # fmt: skip
from dashboards.report.chart import SERIES, chart_svg, legend
from dashboards.report.style import fragment_style, page_style
from dashboards.theme import LOGO

POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"
"""What the file may do in a browser, should anything in it be other than it seems: nothing."""

TWIN = (Column("From"), Column("Completed", right=True), Column("Failed", right=True), Column("Cancelled", right=True),
        Column("Made", right=True, priority=2), Column("Errors", right=True, priority=2))  # fmt: skip


def page(document: Document) -> str:
    """The whole file."""
    title = escape(document.title)
    lines = "".join(f"<p>{escape(line)}</p>" for line in document.lines)
    sections = "".join(_section(section, f"s{at}") for at, section in enumerate(document.sections, 1))
    foot = "".join(f"<p>{escape(line)}</p>" for line in document.foot)
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark"><meta name="referrer" content="no-referrer">'
        f'<link rel="icon" href="data:,"><title>{title}</title>\n<style>{page_style()}</style></head>\n'
        '<body class="claudia"><a class="skip" href="#main">Skip to the report</a>'
        f'<header><svg class="logo" viewBox="0 0 24 24" aria-hidden="true"><path d="{LOGO}"/></svg>'
        f"<div><h1>{title}</h1>{lines}</div></header>\n{_contents(document)}"
        f'<main id="main" tabindex="-1">\n{sections}</main>\n<footer>{foot}</footer></body></html>\n'
    )


def fragment(document: Document) -> str:
    """The sections alone, with their style, to be put into another page."""
    id = f"c{zlib.crc32(repr(document).encode()):08x}"
    sections = "".join(_section(section, f"{id}-{at}") for at, section in enumerate(document.sections, 1))
    return f'<div class="claudia"><style>{fragment_style()}</style>\n{sections}</div>\n'


def _contents(document: Document) -> str:
    if len(document.sections) < 3:
        return ""
    links = "".join(
        f'<li><a href="#s{at}">{escape(section.title)}</a></li>' for at, section in enumerate(document.sections, 1)
    )
    return f'<nav aria-label="Contents"><ul>{links}</ul></nav>\n'


def _section(section: Section, id: str) -> str:
    alone = sum(hasattr(block, "caption") for block in section.blocks) < 2
    blocks = "".join(_block(block, f"{id}-{at}", alone) for at, block in enumerate(section.blocks, 1))
    tone = f' class="{section.tone}"' if section.tone else ""
    head = f'<h2 id="{id}-h">{escape(section.title)}</h2>'
    return f'<section id="{id}" aria-labelledby="{id}-h"{tone}>{head}{blocks}</section>\n'


def _block(block: Block, id: str, alone: bool) -> str:
    return BLOCKS[type(block)](block, id, alone)


def _words(block: Words, _: str, __: bool) -> str:
    tone = f' class="words {block.tone}"' if block.tone else ""
    return f"<p{tone}>{escape(block.text)}</p>"


def _points(block: Points, _: str, __: bool) -> str:
    return f'<ul class="points">{"".join(f"<li>{escape(item)}</li>" for item in block.items)}</ul>'


def _code(block: Code, _: str, __: bool) -> str:
    return f"<pre><code>{escape(block.text)}</code></pre>"


def _figures(block: Figures, _: str, __: bool) -> str:
    return f'<dl class="tiles">{"".join(map(_figure, block.items))}</dl>'


def _figure(item: Figure) -> str:
    hint = f'<dd class="hint">{escape(item.hint)}</dd>' if item.hint else ""
    tone = escape(f"tile {item.tone}".strip())
    return f'<div class="{tone}"><dt>{escape(item.label)}</dt><dd class="value">{escape(item.value)}</dd>{hint}</div>'


def _entries(block: Entries, _: str, __: bool) -> str:
    return f'<ul class="entries">{"".join(map(_entry, block.items))}</ul>{_note(block.note)}'


def _entry(item: Entry) -> str:
    at = "" if item.at is None else f'<p class="at">{cell(item.at)}</p>'
    facts = "".join(
        f"<div><dt>{escape(label)}</dt><dd>{cell(value)}</dd></div>" for label, value in item.facts if value is not None
    )
    name = escape(item.title)
    mark = f'<span class="failed" aria-hidden="true">{MARKS[Status.FAILED]}</span> '
    said = f'<p class="error">{escape(item.error)}</p><dl class="facts">{facts}</dl>'
    return f"<li><h3>{mark}{name}</h3>{at}{said}{_fold(item.title, item.code)}</li>"


def _fold(name: str, code: str) -> str:
    """A traceback that opens with a click, or with the enter key."""
    if not code:
        return ""
    summary = f'<summary>Traceback<span class="unseen"> of {escape(name)}</span></summary>'
    return f"<details>{summary}<pre><code>{escape(code)}</code></pre></details>"


def _chart(block: Chart, id: str, _: bool) -> str:
    twin = _table(twin_of(block), id, alone=True)
    return (
        f"<figure>{legend()}{chart_svg(block, id)}<figcaption>{escape(block.summary)}</figcaption></figure>"
        f"<details><summary>Show the chart as a table</summary>{twin}</details>"
    )


def twin_of(chart: Chart) -> Table:
    """The chart as a table: the steps in which something happened, newest first."""
    rows: list[list[Value]] = [
        [datetime.fromtimestamp(bar.start, UTC), *(getattr(bar, name) for name in (*SERIES, "created", "errors"))]
        for bar in reversed(chart.bars)
        if not bar.is_empty
    ]
    return Table(chart.caption, TWIN, rows, "Steps in which nothing happened are left out.")


def _table(block: Table, _: str, alone: bool) -> str:
    hidden = ' class="unseen"' if alone else ""
    heads = "".join(f'<th scope="col"{_marks(column)}>{escape(column.label)}</th>' for column in block.columns)
    head = f"<thead><tr>{heads}</tr></thead>" if any(column.label for column in block.columns) else ""
    rows = "".join(f"<tr>{_row(block, row)}</tr>\n" for row in block.rows)
    return (
        f"<table><caption><span{hidden}>{escape(block.caption)}</span></caption>"
        f"{head}<tbody>\n{rows}</tbody></table>{_note(block.note)}"
    )


def _row(block: Table, row: Any) -> str:
    return "".join(
        f'<th scope="row"{_marks(column)}>{cell(value)}</th>'
        if at == block.heading
        else f"<td{_marks(column)}>{cell(value)}</td>"
        for at, (column, value) in enumerate(zip(block.columns, row, strict=True))
    )


def _marks(column: Column) -> str:
    marks = ((column.right, "r"), (column.wide, "w"), (column.priority == 2, "p2"), (column.priority == 3, "p3"))
    found = " ".join(mark for holds, mark in marks if holds)
    return f' class="{found}"' if found else ""


def _note(text: str) -> str:
    return f'<p class="note">{escape(text)}</p>' if text else ""


def cell(value: Value) -> str:
    """A value as markup; how it looks is decided by its type."""
    return CELLS[type(value)](value)


def _time(value: datetime) -> str:
    utc = value.astimezone(UTC)
    return f'<time datetime="{utc:%Y-%m-%dT%H:%M:%S.%fZ}">{utc:%Y-%m-%d %H:%M}</time>'


def _status(value: Status) -> str:
    return f'<span class="status {value.value}"><span aria-hidden="true">{MARKS[value]}</span> {value.value}</span>'


def _meter(value: Meter) -> str:
    label = f"<span>{escape(value.label)}</span>"
    if value.percent is None:
        return label
    width = min(100.0, max(0.0, value.percent))
    fill = f'<rect class="fill" width="{width:.3g}%" height="6" rx="3"/>' if width else ""
    track = '<rect class="track" width="100%" height="6" rx="3"/>'
    return (
        f'<span class="meter {escape(value.tone)}"><svg height="6" aria-hidden="true">{track}{fill}</svg>{label}</span>'
    )


def _named(value: Named) -> str:
    hint = f'<span class="below">{escape(value.hint)}</span>' if value.hint else ""
    return f"{escape(value.text)}{hint}{_fold(value.text, value.code)}"


BLOCKS: Mapping[type, Callable[[Any, str, bool], str]] = {
    Words: _words,
    Points: _points,
    Code: _code,
    Figures: _figures,
    Table: _table,
    Chart: _chart,
    Entries: _entries,
}
CELLS: Mapping[type, Callable[[Any], str]] = {
    type(None): lambda _: f'<span class="none">{NOTHING}</span>',
    str: escape,
    int: lambda value: f"{value:,}",
    float: lambda value: f"{value:,g}",
    datetime: _time,
    Status: _status,
    Span: lambda value: escape(str(value)),
    Meter: _meter,
    Named: _named,
    Mono: lambda value: f"<code>{escape(value.text)}</code>",
}
