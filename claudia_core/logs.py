"""Log lines with named values, handed to `logging`: the program that uses Claudia decides where they go.

    log = get_logger(__name__)
    log.warning("a duty failed", duty="prune", error="...")     # a duty failed duty='prune' error='...'

The values are on the record too, as `record.values`, for handlers that want them apart.
"""

from __future__ import annotations

import logging
from typing import Any


class Logger:
    """Named values over one logger of the standard library. Does not format anything that is not logged."""

    def __init__(self, name: str) -> None:
        self._log = logging.getLogger(name)

    def debug(self, event: str, **values: Any) -> None:
        """What only a developer of Claudia looks at."""
        self._write(logging.DEBUG, event, values)

    def info(self, event: str, **values: Any) -> None:
        """What happened, in good order."""
        self._write(logging.INFO, event, values)

    def warning(self, event: str, **values: Any) -> None:
        """What went wrong and is dealt with."""
        self._write(logging.WARNING, event, values)

    def error(self, event: str, **values: Any) -> None:
        """What went wrong and cost something."""
        self._write(logging.ERROR, event, values)

    def exception(self, event: str, *, cause: BaseException | None = None, **values: Any) -> None:
        """The same, with the traceback of `cause` or of the exception being handled; without values of variables."""
        self._write(logging.ERROR, event, values, cause or True)

    def _write(self, level: int, event: str, values: dict[str, Any], cause: BaseException | bool = False) -> None:
        if not self._log.isEnabledFor(level):
            return
        text = " ".join((event, *(f"{name}={value!r}" for name, value in values.items())))
        self._log.log(level, "%s", text, exc_info=cause, extra={"values": values}, stacklevel=3)


def get_logger(name: str) -> Logger:
    """The logger of a module, by its name."""
    return Logger(name)
