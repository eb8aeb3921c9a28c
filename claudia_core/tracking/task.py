"""`task()`: a block of code as a task."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Any, Self

from claudia_core.errors import InvalidValue
from claudia_core.model.task import Status
from claudia_core.model.values import MAX_MESSAGE, clean_text, require_count, require_json
from claudia_core.tracking.run import Run, ending


class TaskBlock(Run):
    """`with claudia.task("train") as task:` The end of the block completes the task, an exception fails it.

    Set `task.result` to JSON values to keep a result. Tasks and loops begun inside are its children. When somebody else
    cancels the task, the next `progress` or `advance` raises TaskCancelled, and `was_cancelled` is True.
    """

    result: Any = None

    def __enter__(self) -> Self:
        self.begin()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self._complete()
        else:
            self._end(*ending(error))

    def _complete(self) -> None:
        try:
            require_json(self.result, "result")
        except InvalidValue as error:
            self.end(Status.FAILED, error=error)
            raise
        self.end(Status.COMPLETED, result=self.result)

    def progress(self, current: float | None = None, *, total: float | None = None, message: str | None = None) -> None:
        """Note how far the task has come; saved soon, the last of many wins.

        Raises:
            InvalidValue: a number is negative, not finite or above 2**53.
            TaskCancelled: somebody else cancelled the task.
        """
        if current is not None:
            self.n = max(self.n, require_count(current, "current"))
        if total is not None:
            self.total = require_count(total, "total")
        if message is not None:
            self.message = clean_text(message, MAX_MESSAGE)
        if self.was_cancelled and self.is_open:
            raise self.cancellation()

    def advance(self, steps: float = 1, *, message: str | None = None) -> None:
        """Note `steps` more done."""
        self.progress(self.n + require_count(steps, "steps"), message=message)

    def save(self) -> None:
        """Note the present progress at once instead of at the next sample."""
        self._note(time.monotonic())
