"""Joins the errors of a hub to what carries them there: rules, spool and reporter, as the settings say."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from claudia_core.capture.reporter import Reporter
from claudia_core.capture.scrubbing import Scrubber, use_everywhere
from claudia_core.capture.spool import Spool
from claudia_core.capture.taken import About, is_about
from claudia_core.errors import ClaudiaError, SettingsError
from claudia_core.model.report import ErrorReport

if TYPE_CHECKING:
    from claudia_core.settings import Settings


class Receiver(Protocol):
    """What takes captured errors: `services.Errors`, here or elsewhere."""

    reporter: Reporter | None
    scrubber: Scrubber
    with_locals: bool
    find_task: Callable[[], tuple[str | None, str | None]]

    def report_many(self, reports: Sequence[ErrorReport]) -> Sequence[ClaudiaError | None]:
        """Save errors; what became of each."""
        ...

    def scrubbed(self, report: ErrorReport) -> ErrorReport:
        """A report without secrets."""
        ...


def join_errors(
    errors: Receiver, settings: Settings, url: str, find_task: Callable[[], tuple[str | None, str | None]]
) -> Reporter:
    """Let `errors` capture in the background; the reporter has to be stopped.

    Raises:
        SettingsError: a pattern for secrets cannot be read.
    """
    if settings.scrub_names or settings.scrub_patterns:
        try:
            errors.scrubber = Scrubber(settings.scrub_names, settings.scrub_patterns)
        except ClaudiaError as error:
            raise SettingsError(f"CLAUDIA_SCRUB_PATTERNS: {error.message}", field="scrub_patterns") from error
        use_everywhere(errors.scrubber)
    about = About(settings.service, settings.release, settings.environment, platform.node())
    is_about(about)
    folder = spool_folder(settings.spool, url)
    spool = None if folder is None else Spool(folder)
    reporter = Reporter(errors.report_many, about, spool, errors.scrubbed)
    errors.reporter, errors.with_locals, errors.find_task = reporter, settings.capture_locals, find_task
    reporter.begin()
    return reporter


def spool_folder(wanted: str, url: str) -> Path | None:
    """Where errors wait for this hub, one folder for each; None for a store in memory, which is never away.

    Beside the store's file, or else in `.claudia` where the program runs.
    """
    scheme, _, rest = url.partition("://")
    if scheme == "memory" and not wanted:
        return None
    name = hashlib.sha256(url.encode()).hexdigest()[:12]
    if wanted:
        return Path(wanted) / name
    if scheme == "sqlite":
        return Path(rest.removeprefix("/") if rest.startswith("//") else rest).parent / "spool" / name
    return Path.cwd() / ".claudia" / "spool" / name
