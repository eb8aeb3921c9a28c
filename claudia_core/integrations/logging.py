"""A handler for `logging`: what is logged becomes breadcrumbs, and errors that are logged become occurrences.

logging.getLogger().addHandler(ErrorHandler(claudia))
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from claudia_core.capture.scope import leave_crumb
from claudia_core.model.report import LEVELS

if TYPE_CHECKING:
    from claudia_core.capture.capturing import HasErrors

OURS = ("claudia_core", "claudia")
"""Loggers whose lines are not captured: what Claudia says about itself would come back to it for ever."""


class ErrorHandler(logging.Handler):
    """Notes records from `crumbs` on as breadcrumbs, and captures those from `errors` on.

    A record with an exception is that exception; one without is grouped by its logger and its message before the
    arguments are put in. Never raises, and never waits.
    """

    def __init__(self, claudia: HasErrors, *, crumbs: int = logging.INFO, errors: int = logging.ERROR) -> None:
        super().__init__(min(crumbs, errors))
        self._errors = claudia.errors
        self._from_crumbs = crumbs
        self._from_errors = errors

    def emit(self, record: logging.LogRecord) -> None:
        """Take one record."""
        if record.name.split(".", 1)[0] in OURS:
            return
        try:
            message = record.getMessage()
        except Exception as error:  # noqa: BLE001 - arguments that do not fit the message are the program's own
            message = f"{record.msg!r:.500} ({type(error).__name__} in its arguments)"
        if record.levelno >= self._from_errors:
            self._capture(record, message)
        if record.levelno >= self._from_crumbs:
            leave_crumb(message[:1_000], record.name, record.levelname.lower(), {})

    def _capture(self, record: logging.LogRecord, message: str) -> None:
        error = record.exc_info[1] if record.exc_info else None
        level = {"critical": "fatal"}.get(record.levelname.lower(), record.levelname.lower())
        level = level if level in LEVELS else "error"
        where: dict[str, Any] = {"logger": record.name, "place": f"{record.pathname}:{record.lineno}"}
        if error is not None:
            self._errors.capture(error, level=level, kind="logged", logged=message, **where)
            return
        self._errors.capture_message(
            message,
            type=f"log.{record.levelname}",
            level=level,
            culprit=f"{record.module}.{record.funcName}",
            fingerprint=("log", record.name, str(record.msg)[:200]),
            **where,
        )
