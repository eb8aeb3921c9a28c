"""`claudia demo`: the demo job in this process, with its result."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter
from cyclopts.validators import Number

from claudia_core.app import Claudia
from claudia_core.cli.hub import Database
from claudia_core.cli.rows import one_line
from claudia_core.cli.terminal import configure_logs, note, out, say

if TYPE_CHECKING:
    import pandas as pd
    from rich.table import Table

    from claudia_core.demo import Package, PackageFigures


def demo(
    folder: Path | None = None,
    /,
    *,
    pace: Annotated[float, Parameter(validator=Number(gte=0))] = 0.0,
    top: Annotated[int, Parameter(validator=Number(gte=1))] = 20,
    database: Database = None,
) -> None:
    """Analyse real Python source trees as a tracked job, and print the result.

    Every package is a task; files that cannot be read as Python are errors. Watch it from another terminal with
    `claudia watch`, or in a browser with `claudia serve`.

    Args:
        folder: The source tree to analyse, instead of Python's own library and site-packages.
        pace: Most files analysed in a second; 0 for as many as there can be.
        top: Packages printed, the most complex first.
    """
    from claudia_core.demo import find_packages

    configure_logs()
    packages = find_packages(folder)
    with Claudia(database) as claudia:
        note(f"The job is recorded in {claudia.store.url}")
        _run(claudia, packages, pace or None, top)


def _run(claudia: Claudia, packages: Sequence[Package], pace: float | None, top: int) -> None:
    from claudia_core.demo import Demo, complexity_frame, figures_of

    job = Demo(claudia, packages, pace=pace, show=True)
    total = job.run()
    assert job.task_id is not None, "a job that ran has its task"
    frame = complexity_frame(figures_of(claudia, job.task_id))
    out().print(_table(frame.head(top)))
    _summary(total, len(frame), top)


def _table(frame: pd.DataFrame) -> Table:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("package", overflow="ellipsis", no_wrap=True, min_width=12, max_width=28)
    for heading, width in (("files", 5), ("lines", 7), ("functions", 9), ("mean", 4), ("max", 3), ("errors", 6)):
        table.add_column(heading, justify="right", no_wrap=True, min_width=width)
    table.add_column("most complex function", overflow="ellipsis", no_wrap=True)
    for row in frame.reset_index().to_dict("records"):
        counts = (f"{row['files']:,}", f"{row['lines']:,}", f"{row['functions']:,}")
        complexity = (f"{row['mean_complexity']:.1f}", f"{row['max_complexity']}")
        errors = Text(str(row["errors"] or ""), "red")
        name, place = Text(one_line(row["package"])), Text(one_line(row["most_complex"]))
        table.add_row(name, *counts, *complexity, errors, place)
    return table


def _summary(total: PackageFigures, packages: int, top: int) -> None:
    shown = f"; the {top} most complex are shown" if packages > top else ""
    say(f"{total.files:,} files in {packages:,} packages{shown}.")
    say(f"{total.code:,} lines of code, {total.comment:,} of comment, {total.blank:,} blank.")
    say(f"{total.functions:,} functions, mean complexity {total.mean_complexity:.2f}; {total.classes:,} classes.")
    if total.errors:
        say(f"{total.errors:,} files could not be read as Python: each is an error of its package's task.")
