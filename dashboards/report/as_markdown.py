"""A report as Markdown (CommonMark with tables): the same facts, everything that users wrote shown as text."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from itertools import chain
from typing import Any

from claudia_core.model.task import Status
from claudia_core.tracking.display import MARKS
from dashboards.report.as_html import twin_of
from dashboards.report.blocks import (
    NOTHING,
    Block,
    Chart,
    Code,
    Column,
    Document,
    Entries,
    Figures,
    Meter,
    Mono,
    Named,
    Points,
    Span,
    Table,
    Value,
    Words,
)  # fmt: skip

_SPECIAL = re.compile(r"([\\`*_{}\[\]()#+!|~$^=-])")
_BREAKS = re.compile(r"\s+")
_FENCES = re.compile(r"`{3,}")
_PLAIN = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}


def markdown(document: Document) -> str:
    """The whole text."""
    parts = [f"# {text(document.title)}", *map(text, document.lines)]
    for section in document.sections:
        told = chain.from_iterable(map(_block, section.blocks))
        parts += [f"## {text(section.title)}", *(part for part in told if part != f"**{text(section.title)}**")]
    if document.foot:
        parts += ["---", *map(text, document.foot)]
    return "\n\n".join(part for part in parts if part) + "\n"


def text(value: str) -> str:
    """A text on one line that Markdown takes for nothing but text."""
    flat = _BREAKS.sub(" ", value).strip()
    safe = "".join(_PLAIN.get(char, char) for char in flat)
    return _SPECIAL.sub(_escaped, safe)


def _escaped(found: re.Match[str]) -> str:
    """A hyphen and the like mean something only at the beginning of a line; elsewhere they stay readable."""
    char = found[1]
    return char if char in "+-=#()" and found.start() > 0 else f"\\{char}"


def _block(block: Block) -> Iterable[str]:
    return BLOCKS[type(block)](block)


def _words(block: Words) -> Iterable[str]:
    return [f"**{text(block.text)}**" if block.tone in ("good", "bad") else text(block.text)]


def _points(block: Points) -> Iterable[str]:
    return ["\n".join(f"- {text(item)}" for item in block.items)]


def _code(block: Code) -> Iterable[str]:
    return [_fenced(block.text)]


def _fenced(code: str) -> str:
    """A block of code, within a fence that is longer than any in it."""
    fence = "`" * max([3, *(len(found) + 1 for found in _FENCES.findall(code))])
    return f"{fence}text\n{code.replace(chr(13), '').rstrip()}\n{fence}"


def _figures(block: Figures) -> Iterable[str]:
    columns = (Column("Figure"), Column("Value", right=True), Column("Before"))
    return _table(Table(block.caption, columns, [(item.label, item.value, item.hint) for item in block.items]))


def _chart(block: Chart) -> Iterable[str]:
    return [text(block.summary), *_table(twin_of(block))]


def _entries(block: Entries) -> Iterable[str]:
    names = [label for label, _ in block.items[0].facts]
    columns = (Column("Task"), Column("Error"), Column("When"), *map(Column, names))
    rows: list[list[Value]] = []
    for item in block.items:
        facts = dict(item.facts)
        rows.append([item.title, item.error, item.at, *(facts.get(name) for name in names)])
    yield from _table(Table(block.caption, columns, rows, block.note))
    for item in block.items:
        yield from _fold(item.title, item.code)


def _fold(name: str, code: str) -> Iterable[str]:
    return [f"### Traceback of {text(name)}", _fenced(code)] if code else []


def _table(block: Table) -> Iterable[str]:
    heads = " | ".join(text(column.label) for column in block.columns)
    rule = " | ".join("--:" if column.right else "---" for column in block.columns)
    rows = "".join(f"\n| {' | '.join(map(cell, row))} |" for row in block.rows)
    yield from (f"**{text(block.caption)}**", f"| {heads} |\n| {rule} |{rows}", text(block.note))
    for row in block.rows:
        yield from chain.from_iterable(_fold(value.text, value.code) for value in row if isinstance(value, Named))


def cell(value: Value) -> str:
    """A value as text; how it reads is decided by its type."""
    return CELLS[type(value)](value)


BLOCKS: Mapping[type, Callable[[Any], Iterable[str]]] = {
    Words: _words,
    Points: _points,
    Code: _code,
    Figures: _figures,
    Table: _table,
    Chart: _chart,
    Entries: _entries,
}
CELLS: Mapping[type, Callable[[Any], str]] = {
    type(None): lambda _: NOTHING,
    str: text,
    int: lambda value: f"{value:,}",
    float: lambda value: f"{value:,g}",
    datetime: lambda value: f"{value.astimezone(UTC):%Y-%m-%d %H:%M}",
    Status: lambda value: f"{MARKS[value]} {value.value}",
    Span: lambda value: text(str(value)),
    Meter: lambda value: text(value.label),
    Named: lambda value: f"{text(value.text)} · {text(value.hint)}" if value.hint else text(value.text),
    Mono: lambda value: text(value.text),
}
