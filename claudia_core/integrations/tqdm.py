"""tqdm's bars as tasks: `from tqdm import tqdm` becomes `tqdm = claudia.tqdm`, and nothing else changes.

    for row in claudia.tqdm(rows, desc="clean rows"):
        ...
    for step in claudia.tqdm.trange(100):
        ...
    with claudia.tqdm(total=size, unit="B") as bar:
        bar.update(len(block))

A bar becomes a task when it is made, with its `desc` as name; later descriptions and the postfix are its message. Bars
made inside a loop are its children. The task completes with the loop, or when a bar moved by hand is closed at its
total (or has none); it fails by an exception in the loop's body, its source or its `with` block, and is cancelled when
the loop is left or the bar is closed before its total. `reset()` begins another task. When somebody else cancels the
task, the loop, or the next `update`, raises TaskCancelled.

**A disabled bar is no task and counts nothing**: tqdm itself does not count then. That is `disable=True`, and
`disable=None` where stderr is no terminal. To record without showing, give the bar a file:
`file=open(os.devnull, "w")`.
"""

from __future__ import annotations

import sys
import warnings
import weakref
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from typing import Any

from claudia_core.errors import InvalidValue, MissingExtra
from claudia_core.model.task import Status
from claudia_core.model.values import MAX_MESSAGE, MAX_NAME, clean_text, require_count
from claudia_core.services.tasks.moves import cancelling, completing
from claudia_core.services.tasks.new_task import NewTask
from claudia_core.tracking.run import Ending, Hub, Run, ending
from claudia_core.tracking.unwinding import Consumer, unwinding_error


def tqdm_for(hub: Hub, base: type[Any] | None = None) -> Any:
    """A subclass of `tqdm.tqdm` whose bars are tasks of `hub`.

    Args:
        hub: where the tasks go.
        base: the tqdm class to build on; by default that of `tqdm.auto`: widgets in a notebook that has ipywidgets,
            text elsewhere, and `async for` everywhere.

    Raises:
        MissingExtra: tqdm is not installed.
    """
    return type("tqdm", (_Recorded, base or _auto()), {"hub": hub, "__doc__": _Recorded.__doc__})


def _auto() -> type[Any]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that ipywidgets is missing: text does as well
            from tqdm.auto import tqdm
    except ImportError as error:
        raise MissingExtra("claudia.tqdm needs tqdm", hint="pip install 'claudia-core[tqdm]'") from error
    return tqdm


class BarRun(Run):
    """The task of a bar: it looks at the bar's count when it is saved."""

    def __init__(self, hub: Hub, bar: Any, new: NewTask) -> None:
        super().__init__(hub, new, show=False)
        self._bar = weakref.ref(bar)
        self._title = str(bar.desc)
        self.consumer: Consumer | None = None
        self.is_loop = False

    @property
    def is_abandoned(self) -> bool:
        """True when the bar is gone, or was moved to its end by hand: many are never closed."""
        bar = self._bar()
        return bar is None or (not self.is_loop and bool(bar.total) and bar.n >= bar.total)

    def look(self) -> None:
        """Take over the bar's count, total, description and postfix."""
        bar = self._bar()
        if bar is None:
            return
        with suppress(InvalidValue):
            self.n = max(self.n, require_count(bar.n, "n"))
        self.total = _total_of(bar)
        parts = ("" if bar.desc == self._title else str(bar.desc).removesuffix(": "), str(bar.postfix or ""))
        self.message = clean_text(", ".join(filter(None, parts)), MAX_MESSAGE)

    def left(self) -> Ending:
        """How a loop that was left before its end did end."""
        error = None if self.consumer is None else unwinding_error(self.consumer.frame)
        return (Status.CANCELLED, cancelling("the loop was left early")) if error is None else ending(error)

    def closed(self) -> Ending:
        """How a bar that was moved by hand did end."""
        self.look()
        if not self.total or self.n >= self.total:
            return Status.COMPLETED, completing(None)
        error = sys.exception()
        if error is not None and not isinstance(error, StopIteration | StopAsyncIteration):
            return ending(error)
        return Status.CANCELLED, cancelling(f"closed at {self.n:g} of {self.total:g}")

    def abandon(self, reason: str) -> None:
        """End the run from outside; a bar that is at its end completed."""
        if self.is_abandoned:
            self._dropped = self._dropped or self.closed()
        super().abandon(reason)

    def _stop(self) -> None:
        """Nothing to do: `tqdm.update`, which its loop calls ten times a second, looks at `was_cancelled`."""

    def _note(self, now: float) -> None:
        self.look()
        super()._note(now)

    def _end(self, status: Status, move: Any) -> None:
        self.consumer = None
        super()._end(status, move)


class _Recorded:
    """A tqdm bar that is a task of a hub."""

    hub: Hub
    _run: BarRun | None = None

    def __init__(self, iterable: Any = None, *args: Any, **options: Any) -> None:
        super().__init__(iterable, *args, **options)  # type: ignore[call-arg]
        if not self.disable:  # type: ignore[attr-defined]
            self._begin()

    def _begin(self) -> None:
        bar: Any = self
        what = "tqdm" if bar.iterable is None else f"loop over {type(bar.iterable).__name__}"
        name = clean_text(str(bar.desc).removesuffix(": ").strip() or what, MAX_NAME)
        unit = "items" if bar.unit == "it" else clean_text(str(bar.unit).strip() or "items", 50)
        run = BarRun(self.hub, self, NewTask(name=name, type="loop", estimated_steps=_total_of(bar), unit=unit))
        run.begin()
        self._run = run

    @classmethod
    def trange(cls, *args: int, **options: Any) -> Any:
        """A bar over `range(*args)`."""
        return cls(range(*args), **options)

    def __iter__(self) -> Iterator[Any]:
        run = self._run
        if run is None:
            yield from super().__iter__()  # type: ignore[misc]
            return
        run.is_loop, run.consumer = True, Consumer(sys._getframe(1))
        try:
            yield from super().__iter__()  # type: ignore[misc]
        except GeneratorExit:
            run.let_go(run.left())
            raise
        except BaseException as error:
            run.let_go(ending(error))
            raise
        run.let_go((Status.COMPLETED, completing(None)))

    def __aiter__(self) -> AsyncIterator[Any]:
        if self._run is not None:
            self._run.is_loop = True
        steps: AsyncIterator[Any] = super().__aiter__()  # type: ignore[misc]
        return steps

    async def __anext__(self) -> Any:
        run = self._run
        if run is not None and run.consumer is None and run.is_open:
            run.consumer = Consumer(sys._getframe(1))
        try:
            return await super().__anext__()  # type: ignore[misc]
        except StopAsyncIteration:
            if run is not None:
                run.let_go((Status.COMPLETED, completing(None)))
            raise
        except BaseException as error:
            if run is not None:
                run.let_go(ending(error))
            raise

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> Any:
        if error is not None and self._run is not None:
            self._run.let_go(ending(error))
        return super().__exit__(kind, error, trace)  # type: ignore[misc]

    def __del__(self) -> None:
        run = self._run
        if run is not None and run.is_loop and run.is_open:
            run.let_go(run.left())
        super().__del__()  # type: ignore[misc]

    def update(self, n: float | None = 1) -> bool | None:
        """Note `n` more done; raises TaskCancelled when somebody else cancelled the task."""
        shown: bool | None = super().update(n)  # type: ignore[misc]
        run = self._run
        if run is not None and run.was_cancelled and run.is_open:
            raise run.cancellation()
        return shown

    def reset(self, total: float | None = None) -> None:
        """Begin again at zero, as another task."""
        if self._run is not None:
            self._run.let_go(self._run.closed())
        super().reset(total)  # type: ignore[misc]
        if self._run is not None:
            self._begin()

    def close(self) -> None:
        """End the bar and, unless its loop does so, the task."""
        super().close()  # type: ignore[misc]
        run = self._run
        if run is not None and not run.is_loop and run.is_open:
            run.let_go(run.closed())


def _total_of(bar: Any) -> float | None:
    try:
        return None if bar.total is None else require_count(bar.total, "total")
    except InvalidValue:
        return None
