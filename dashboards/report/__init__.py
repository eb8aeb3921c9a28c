"""Reports: a period of a hub, or what a part or page shows now, as one file that needs nothing else.

from dashboards.report import save, write_report
write_report(claudia, "report.html", since="24h")
save(TaskTable(claudia, status="failed"), "failed.html")
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, TextIO, cast

from claudia_core.errors import InvalidValue
from claudia_core.model.times import utc_now
from claudia_core.model.values import MAX_NAME, clean_text
from dashboards.report.as_html import page
from dashboards.report.as_markdown import markdown
from dashboards.report.blocks import Document
from dashboards.report.facts import collect
from dashboards.report.period import Moment, period
from dashboards.report.sections import document

if TYPE_CHECKING:
    from claudia_core import Claudia
    from dashboards.live import LiveView

__all__ = ["save", "write_report"]

type Target = str | os.PathLike[str] | TextIO | BinaryIO


def _picture(report: Document) -> bytes:
    """The chart alone; what draws it is loaded when it is asked for."""
    from dashboards.report.as_png import picture

    return picture(report)


FORMS: Mapping[str, Callable[[Document], str | bytes]] = {
    ".html": page,
    ".htm": page,
    ".md": markdown,
    ".markdown": markdown,
    ".png": _picture,
}
"""What a file's ending says about its form."""


def write_report(
    claudia: Claudia,
    path: Target,
    since: Moment = "24h",
    until: Moment | None = None,
    title: str | None = None,
    form: str | None = None,
) -> None:
    """Write what happened on a hub in a period.

    Args:
        claudia: the hub.
        path: a file ending in .html, .md, or .png for the chart alone, which is replaced; or an open file: of text,
            or of bytes for a picture.
        since: where the period begins: `90m`, `24h`, `7d`, a timedelta ago, a datetime, or ISO text, which
            is UTC where it has no offset.
        until: where it ends; now when left out.
        title: the report's heading.
        form: `html`, `md` or `png`, whatever the file's ending says.

    Raises:
        InvalidValue: the period is empty, unreadable or over 366 days, or the file cannot be written.
    """
    render = _form(path, form)
    now = utc_now()
    facts = collect(claudia, period(since, until, now=now), now)
    _write(path, render(document(facts, clean_text(title or "Report of tasks and errors", MAX_NAME, "title"))))


def save(what: Claudia | LiveView, path: Target, title: str | None = None, **options: Any) -> None:
    """Write what a part or page shows now, or a hub's report; `options` are those of `write_report`.

    Raises:
        InvalidValue: the file has another ending than .html or .md, or cannot be written.
    """
    from claudia_core import Claudia

    if isinstance(what, Claudia):
        write_report(what, path, title=title, **options)
        return
    from dashboards.report.parts import frozen

    render = _form(path, options.pop("form", None))
    _write(path, render(frozen(what, title, **options)))


def _form(path: Target, form: str | None) -> Callable[[Document], str | bytes]:
    ending = f".{form}" if form else Path(path).suffix.lower() if isinstance(path, str | os.PathLike) else ".html"
    if ending not in FORMS:
        raise InvalidValue(
            f"a report cannot be written to {path}", field="path", hint="let the file end in .html, .md or .png"
        )
    return FORMS[ending]


def _write(path: Target, content: str | bytes) -> None:
    if not isinstance(path, str | os.PathLike):
        cast("Any", path).write(content)
        return
    target = Path(path)
    try:
        _replace(target, content.encode("utf-8", "replace") if isinstance(content, str) else content)
    except OSError as error:
        raise InvalidValue(
            f"the report cannot be written to {target}: {error.strerror}", field="path", hint="name a file in a folder "
            "that is there and may be written"
        ) from error  # fmt: skip


def _replace(target: Path, content: bytes) -> None:
    """Put a new file in its place at once, so that a half-written one is never seen."""
    if target.is_symlink() or (target.exists() and not target.is_file()):  # such as /dev/stdout
        target.write_bytes(content)
        return
    handle, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    partial = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        partial.chmod(0o644 if not target.exists() else target.stat().st_mode & 0o777)
        partial.replace(target)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
