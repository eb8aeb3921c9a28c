"""`track()`: any loop as a task. A counter in the loop, and a thread that looks at it."""

from __future__ import annotations

import operator
import sys
import weakref
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator
from types import FrameType
from typing import Any

from claudia_core.errors import InvalidValue
from claudia_core.model.task import Status
from claudia_core.services.tasks import NewTask
from claudia_core.tracking.run import Hub, Run
from claudia_core.tracking.unwinding import is_running, thread_id, unwinding_error


class Tracked[T](Run):
    """An iterable that tells the hub how far it has been consumed. Iterate over it once.

    The loop's end completes the task; an exception, in the source or in the loop's body, fails it; `break`, `return`
    and `close()` cancel it with the progress it made. Costs one generator step and one addition per item.
    """

    def __init__(self, hub: Hub, source: Iterable[T] | AsyncIterable[T], new: NewTask, *, show: bool = True) -> None:
        super().__init__(hub, new, show=show)
        self._source = source
        self._consumer: tuple[FrameType, int] | None = None
        self._steps_ref: weakref.ref[Any] | None = None
        self._used = False

    def __len__(self) -> int:
        return len(self._source)  # type: ignore[arg-type]

    def __iter__(self) -> Iterator[T]:
        if not isinstance(self._source, Iterable):
            raise TypeError(f"{type(self._source).__name__} is asynchronous: use `async for`")
        return self._use(self._steps(self._source))

    def __aiter__(self) -> AsyncIterator[T]:
        if not isinstance(self._source, AsyncIterable):
            raise TypeError(f"{type(self._source).__name__} is not asynchronous: use `for`")
        return self._use(self._async_steps(self._source))

    @property
    def is_abandoned(self) -> bool:
        """True when nothing holds the iterator any more, though it may not have been closed yet (`async for`)."""
        return self._steps_ref is not None and self._steps_ref() is None

    def __bool__(self) -> bool:
        return True

    def _use[S](self, steps: S) -> S:
        if self._used:
            raise RuntimeError(f"{self.name} was iterated over already; call track() again for another task")
        self._used = True
        self._steps_ref = weakref.ref(steps, self._let_go)
        return steps

    def _steps(self, source: Iterable[T]) -> Iterator[T]:
        self._consumer = (sys._getframe(1), thread_id())
        self.begin()
        try:
            for item in source:
                yield item
                self.n += 1
        except GeneratorExit:
            self._stopped_early()
            raise
        except BaseException as error:
            self._raised(error)
            raise
        self._finish(Status.COMPLETED)

    async def _async_steps(self, source: AsyncIterable[T]) -> AsyncIterator[T]:
        self._consumer = (sys._getframe(1), 0)
        self.begin()
        try:
            async for item in source:
                yield item
                self.n += 1
        except GeneratorExit:
            self._stopped_early()
            raise
        except BaseException as error:
            self._raised(error)
            raise
        self._finish(Status.COMPLETED)

    def sample(self, now: float) -> None:
        """Save the progress; end the task when its loop is gone though something still holds the iterator."""
        consumer = self._consumer
        if consumer is not None and (self.is_abandoned or (consumer[1] and not is_running(*consumer))):
            self._stopped_early()
            return
        super().sample(now)

    def _let_go(self, _: weakref.ref[Any]) -> None:
        """The iterator is gone; called while the frame that held it still stands where it left the loop."""
        if self.is_open:
            self._stopped_early()

    def _stopped_early(self) -> None:
        consumer = self._consumer
        error = None if consumer is None or not self.is_open else unwinding_error(consumer[0])
        if error is None:
            self._finish(Status.CANCELLED, reason="the loop was left early")
        else:
            self._raised(error)

    def _raised(self, error: BaseException) -> None:
        if isinstance(error, Exception):
            self._finish(Status.FAILED, error=error)
        else:
            self._finish(Status.CANCELLED, reason=f"interrupted by {type(error).__name__}")

    def _finish(self, status: Status, **details: Any) -> None:
        self._consumer = None
        self.end(status, **details)


def length_of(source: object) -> int | None:
    """How many items a source says it has; None where it does not know."""
    try:
        hint = operator.length_hint(source, -1)
    except (TypeError, ValueError):
        return None
    return hint if hint >= 0 else None


def require_source(source: object) -> None:
    """Raises InvalidValue where `source` cannot be looped over."""
    if not isinstance(source, Iterable | AsyncIterable) and not hasattr(source, "__getitem__"):
        raise InvalidValue(f"track() was given {type(source).__name__}, which cannot be looped over", field="iterable")
