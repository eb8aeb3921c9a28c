"""Who writes reports: the pages do, which a hub can be without."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import entry_points

from claudia_core.errors import MissingExtra

REPORTS = "claudia.reports"
"""The entry point `default` in this group is `write_report(claudia, path_or_file, *, since, until, title, form)`."""


def report_writer() -> Callable[..., None]:
    """What writes reports.

    Raises:
        MissingExtra: the pages are not installed.
    """
    for entry in entry_points(group=REPORTS, name="default"):
        found: Callable[..., None] = entry.load()
        return found
    raise MissingExtra(
        "no report can be written: the package dashboards is not installed", hint="pip install --upgrade claudia-core"
    )
