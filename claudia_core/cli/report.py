"""`claudia report`: what happened in a period, as one file."""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib.metadata import entry_points
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from claudia_core.cli.hub import Database, open_hub
from claudia_core.cli.rows import size
from claudia_core.cli.terminal import note
from claudia_core.errors import MissingExtra

REPORTS = "claudia.reports"
"""The entry point `default` in this group is `write_report(claudia, path_or_file, *, since, until, title, form)`."""

STDOUT = "-"


def report(
    *,
    since: str = "24h",
    until: str | None = None,
    output: Annotated[str, Parameter(name=["--output", "-o"], allow_leading_hyphen=True)] = "claudia-report.html",
    title: str | None = None,
    form: Annotated[Literal["html", "md"] | None, Parameter(name="--format")] = None,
    database: Database = None,
) -> None:
    """Write what happened in a period as one file that needs nothing else: HTML or Markdown.

    Args:
        since: Where the period begins: 90m, 24h, 7d ago, or a time such as 2026-11-23T08:00 (UTC without an offset).
        until: Where it ends, told in the same way; now when left out.
        output: A file ending in .html or .md, which is replaced; - for standard output, as Markdown.
        title: The heading.
        form: html or md, whatever the file's ending says.
    """
    write = _writer()
    with open_hub(database) as claudia:
        if output == STDOUT:
            write(claudia, sys.stdout, since=since, until=until, title=title, form=form or "md")
            return
        write(claudia, output, since=since, until=until, title=title, form=form)
    note(f"Written to {output} ({size(Path(output).stat().st_size)}).")


def _writer() -> Callable[..., None]:
    """What writes reports; it lives with the pages, which the hub can be without."""
    for entry in entry_points(group=REPORTS, name="default"):
        found: Callable[..., None] = entry.load()
        return found
    raise MissingExtra(
        "no report can be written: the package dashboards is not installed", hint="pip install --upgrade claudia-core"
    )
