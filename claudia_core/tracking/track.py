"""`track()`: any loop as a task. A counter in the loop, and a thread that looks at it."""

from __future__ import annotations

import operator
import sys
import weakref
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator
from typing import Any

from claudia_core.errors import InvalidValue
from claudia_core.model.task import Status
from claudia_core.model.values import MAX_COUNT
from claudia_core.services.tasks.moves import Move, cancelling, completing
from claudia_core.services.tasks.new_task import NewTask
from claudia_core.tracking.run import Ending, Hub, Run, ending
from claudia_core.tracking.unwinding import Consumer, unwinding_error

PATIENCE = 1.0
"""Seconds for which an iterator that outlives its loop may be taken up again before the loop counts as failed."""


class Tracked[T](Run):
    """An iterable that tells the hub how far it has been consumed. Iterate over it once.

    The loop's end completes the task; an exception, in the source or in the loop's body, fails it; `break`, `return`
    and `close()` cancel it with the progress it made. When somebody else cancels the task, the `for` statement raises
    TaskCancelled at its next step, about half a second later. Costs one generator step and one addition per item.
    """

    def __init__(self, hub: Hub, source: Iterable[T] | AsyncIterable[T], new: NewTask, *, show: bool = True) -> None:
        super().__init__(hub, new, show=show)
        self._source = source
        self._consumer: Consumer | None = None
        self._steps_ref: weakref.ref[Any] | None = None
        self._used = False
        self._beside: Tracked[Any] | None = None
        self._doubt: tuple[Ending, float, float] | None = None

    def __len__(self) -> int:
        return len(self._source)  # type: ignore[arg-type]

    def __bool__(self) -> bool:
        return True

    def __iter__(self) -> Iterator[T]:
        if isinstance(self._source, AsyncIterable) and not isinstance(self._source, Iterable):
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

    def _use[S](self, steps: S) -> S:
        if self._used:
            raise RuntimeError(f"{self.name} was iterated over already; call track() again for another task")
        self._used = True
        self._steps_ref = weakref.ref(steps, self._let_go)
        return steps

    def _steps(self, source: Iterable[T]) -> Iterator[T]:
        self._consumer = Consumer(sys._getframe(1))
        self.begin()
        try:
            for item in source:
                yield item
                self.n += 1
        except GeneratorExit:
            self._closed()
            raise
        except BaseException as error:
            self._end(*ending(error))
            raise
        self._end(Status.COMPLETED, completing(None))

    async def _async_steps(self, source: AsyncIterable[T]) -> AsyncIterator[T]:
        self._consumer = Consumer(sys._getframe(1))
        self.begin()
        try:
            async for item in source:
                yield item
                self.n += 1
        except GeneratorExit:
            self._closed()
            raise
        except BaseException as error:
            self._end(*ending(error))
            raise
        self._end(Status.COMPLETED, completing(None))

    def _around(self) -> Run | None:
        """The run around this one; loops that are advanced together, as by `zip`, are beside each other."""
        outer = super()._around()
        while isinstance(outer, Tracked) and outer._consumer is not None and outer._consumer == self._consumer:
            self._beside = outer
            outer = outer.outer
        return outer

    # --- why it ended -------------------------------------------------------------------------------------------

    def _closed(self) -> None:
        """`close()` was called, or the iterator is gone, which `_let_go` has heard of before."""
        if self.is_open and not self.is_abandoned:
            self._end(*self._left())

    def _let_go(self, _: object) -> None:
        """The iterator is gone; called while the frame that held it still stands where it left the loop.

        The garbage collector may call this anywhere, also on the store's thread: then the sampler ends the run, which
        may wait for the store.
        """
        if self.is_open:
            self.let_go(self._left())

    def _left(self) -> Ending:
        """How the loop was left: by an exception that is unwinding its frame, or else early."""
        if self.was_cancelled:
            return Status.CANCELLED, cancelling(self._reason)
        error = None if self._consumer is None else unwinding_error(self._consumer.frame)
        if error is not None:
            return ending(error)
        if self._beside is not None and self._beside.status is Status.COMPLETED:
            self.n += 1  # its last item was worked on: the loop ended because the one beside it did
            if self.n == self.total:
                return Status.COMPLETED, completing(None)
        return Status.CANCELLED, cancelling("the loop was left early")

    def sample(self, now: float) -> None:
        """Save the progress; end the task when its loop is gone."""
        if self._dropped is None:
            self._look_at_consumer(now)
        super().sample(now)

    def _look_at_consumer(self, now: float) -> None:
        """A loop whose function has ended by an exception, while something else holds the iterator."""
        if self._consumer is not None and self._consumer.has_ended:
            error = unwinding_error(self._consumer.frame)
            if error is not None:
                self._doubt = (ending(error), self.n, now)
            del error
            self._consumer = None  # it may hold the iterator itself, which then goes
        elif self._doubt is not None:
            left, n, since = self._doubt
            if n != self.n:
                self._doubt = None  # another function goes on with it
            elif now - since > PATIENCE:
                self._dropped = left

    def abandon(self, reason: str) -> None:
        """End the run from outside; a loop that an exception has ended counts as failed."""
        if self._dropped is None and self._doubt is not None:
            self._dropped = self._doubt[0]
        if self._dropped is None and self._consumer is not None and self._consumer.has_ended:
            error = unwinding_error(self._consumer.frame)
            self._dropped = None if error is None else ending(error)
        super().abandon(reason)

    def _end(self, status: Status, move: Move) -> None:
        self._consumer = self._steps_ref = self._doubt = None
        super()._end(status, move)


def length_of(source: object) -> int | None:
    """How many items a source says it has; None where it does not know."""
    try:
        hint = operator.length_hint(source, -1)
    except Exception:  # noqa: BLE001 - a user's __len__ may do anything; the loop itself need not care
        return None
    return hint if 0 <= hint <= MAX_COUNT else None


def require_source(source: object) -> None:
    """Raises InvalidValue where `source` cannot be looped over."""
    if not isinstance(source, Iterable | AsyncIterable) and not hasattr(source, "__getitem__"):
        raise InvalidValue(f"track() was given {type(source).__name__}, which cannot be looped over", field="iterable")
