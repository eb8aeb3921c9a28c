"""A task as a row of text: the same words and marks in every command."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from claudia_core.model.progress import whole_percent
from claudia_core.model.task import Status
from claudia_core.model.times import duration_text, from_optional_text, from_text, utc_now
from claudia_core.tracking.display import MARKS

if TYPE_CHECKING:
    from rich.table import Table

STYLES = {
    Status.PENDING: "bright_black",
    Status.ACTIVE: "blue",
    Status.COMPLETED: "green",
    Status.FAILED: "red",
    Status.CANCELLED: "yellow",
}

BAR = 12
"""Cells of a progress bar."""

SHORT_ID = 12
"""Characters at an id's end that people use for it: its beginning is the time, and alike for many."""


def status_word(status: Status) -> str:
    """Mark and word, such as `✔ completed`."""
    return f"{MARKS[status]} {status.value}"


def short_id(id: str) -> str:
    """The end of an id."""
    return id[-SHORT_ID:]


def one_line(value: object) -> str:
    """Text that cannot move a terminal's cursor: what is not printable becomes a space."""
    return "".join(char if char.isprintable() else " " for char in str(value))


def size(count: float) -> str:
    """Bytes for people, such as `1.5 MB`."""
    for unit in ("bytes", "kB", "MB", "GB"):
        if count < 1_000:
            return f"{count:,.0f} {unit}" if unit == "bytes" else f"{count:.1f} {unit}"
        count /= 1_000
    return f"{count:.1f} TB"


def progress(row: Mapping[str, Any]) -> str:
    """Percent and count where the total is known and not zero, else one of them alone."""
    found = row["progress"]
    if found["percentage"] is None:
        return f"{found['current']:,g} {one_line(found['unit'])}" if found["current"] else ""
    share = f"{whole_percent(found['percentage']):3d}%"
    return f"{share}  {found['current']:,g}/{found['total']:,g}" if found["total"] else share


def bar(row: Mapping[str, Any]) -> str:
    """A bar as full as the task is far; nothing where the total is unknown."""
    percentage = row["progress"]["percentage"]
    if percentage is None:
        return ""
    full = int(BAR * percentage / 100)
    return "█" * full + "░" * (BAR - full)


def rate(row: Mapping[str, Any]) -> str:
    """Units per second of a task that runs."""
    speed = row["progress"]["rate"]
    if speed is None or row["status"] != Status.ACTIVE:
        return ""
    return f"{speed:,.3g}/s" if speed < 1_000 else f"{speed:,.0f}/s"


def eta(row: Mapping[str, Any]) -> str:
    """Time to go of a task that runs."""
    return duration_text(row["progress"]["eta"]) if row["status"] == Status.ACTIVE else ""


def lasted(row: Mapping[str, Any], now: datetime) -> str:
    """How long a task ran, or has run."""
    started = from_optional_text(row["started_at"])
    if row["duration"] is not None or started is None:
        return duration_text(row["duration"])
    return duration_text((now - started).total_seconds())


def age(row: Mapping[str, Any], now: datetime) -> str:
    """Time since a task was made."""
    return duration_text((now - from_text(row["created_at"])).total_seconds())


class Column(NamedTuple):
    """A column: how its cells come from a task's summary, and from which width of the terminal on it is shown."""

    heading: str
    cell: Callable[[Mapping[str, Any], datetime], str]
    width: int = 0
    justify: Literal["left", "right"] = "right"


COLUMNS = (
    Column("", lambda row, _: bar(row), 110, "left"),
    Column("progress", lambda row, _: progress(row), justify="left"),
    Column("rate", lambda row, _: rate(row), 95),
    Column("eta", lambda row, _: eta(row)),
    Column("duration", lasted, 90),
    Column("age", age, 105),
)


def task_table(rows: Iterable[Mapping[str, Any]], width: int) -> Table:
    """Tasks (summaries) as a table for a terminal of `width` characters."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    columns = [column for column in COLUMNS if width >= column.width]
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("status", no_wrap=True, min_width=11)
    table.add_column("name", overflow="ellipsis", no_wrap=True, max_width=48)
    for column in columns:
        table.add_column(column.heading, justify=column.justify, no_wrap=True)
    table.add_column("id", no_wrap=True, style="bright_black", min_width=SHORT_ID)
    now = utc_now()
    for row in rows:
        status = Status(row["status"])
        cells = (Text(column.cell(row, now)) for column in columns)
        mark = Text(status_word(status), STYLES[status])
        table.add_row(mark, Text(one_line(row["name"])), *cells, short_id(row["id"]))
    return table
