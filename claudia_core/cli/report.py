"""`claudia report`: what happened in a period, as one file."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from claudia_core.cli.hub import Database, open_hub
from claudia_core.cli.rows import size
from claudia_core.cli.terminal import note
from claudia_core.reports import report_writer

STDOUT = "-"


def report(
    *,
    since: str = "24h",
    until: str | None = None,
    output: Annotated[str, Parameter(name=["--output", "-o"], allow_leading_hyphen=True)] = "claudia-report.html",
    title: str | None = None,
    form: Annotated[Literal["html", "md", "png"] | None, Parameter(name="--format")] = None,
    database: Database = None,
) -> None:
    """Write what happened in a period as one file that needs nothing else: HTML, Markdown or PNG.

    Args:
        since: Where the period begins: 90m, 24h, 7d ago, or a time such as 2026-11-23T08:00 (UTC without an offset).
        until: Where it ends, told in the same way; now when left out.
        output: A file ending in .html, .md, or .png for the chart alone, which is replaced; - for standard output.
        title: The heading.
        form: html, md or png, whatever the file's ending says.
    """
    write = report_writer()
    with open_hub(database) as claudia:
        if output == STDOUT:
            target = sys.stdout.buffer if form == "png" else sys.stdout
            write(claudia, target, since=since, until=until, title=title, form=form or "md")
            return
        write(claudia, output, since=since, until=until, title=title, form=form)
    note(f"Written to {output} ({size(Path(output).stat().st_size)}).")
