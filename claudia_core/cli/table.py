"""Rows of text as a table for a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from claudia_core.cli.rows import one_line
from claudia_core.cli.terminal import out


def print_table(headings: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print rows below their headings; what is not printable in a value becomes a space."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in headings:
        table.add_column(heading, overflow="fold")
    for row in rows:
        table.add_row(*(Text(one_line("" if value is None else value)) for value in row))
    out().print(table)


def day(text: str | None) -> str:
    """A time for people: `2026-11-23 05:10`, UTC; nothing for None."""
    return "" if text is None else text[:16].replace("T", " ")
