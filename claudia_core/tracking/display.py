"""How a run shows itself where it runs: a bar in a terminal, a widget in Jupyter, nothing in a pipe."""

from __future__ import annotations

import sys
import threading
from typing import TYPE_CHECKING, Any, Protocol

from claudia_core.model.looks import COLOURS, MARKS, bar_html, pace
from claudia_core.model.progress import Progress
from claudia_core.model.task import Status
from claudia_core.model.times import duration_text
from claudia_core.tracking.run import Run

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress
    from rich.progress import TaskID

__all__ = ["COLOURS", "MARKS", "Display", "Notebook", "Silent", "Terminal", "detect", "in_notebook", "run_html"]

MOST_SHOWN = 8
"""Most runs shown below each other in one widget."""


class Display(Protocol):
    """Shows the runs of this process. Called by one thread at a time."""

    def begin(self, run: Run) -> None:
        """A run began."""
        ...

    def refresh(self) -> None:
        """Show the present state of all runs."""
        ...

    def end(self, run: Run) -> None:
        """A run ended."""
        ...


class Silent:
    """Shows nothing."""

    def begin(self, run: Run) -> None:
        """Nothing."""

    def refresh(self) -> None:
        """Nothing."""

    def end(self, run: Run) -> None:
        """Nothing."""


class Terminal:
    """Bars at the bottom of a terminal; those of inner runs go when they end."""

    def __init__(self) -> None:
        self._bars: dict[Run, TaskID] = {}
        self._progress: RichProgress | None = None
        self._lock = threading.RLock()

    def begin(self, run: Run) -> None:
        """Add a bar."""
        with self._lock:
            if self._progress is None:
                self._progress = _rich_progress()
                self._progress.start()
            label = "  " * run.depth + run.name
            self._bars[run] = self._progress.add_task(_plain(label), total=run.total, unit=run.unit, message="")

    def refresh(self) -> None:
        """Move the bars."""
        with self._lock:
            if self._progress is None:
                return
            for run, bar in self._bars.items():
                self._update(run, bar)
            self._progress.refresh()

    def _update(self, run: Run, bar: TaskID) -> None:
        assert self._progress is not None, "only called while bars are shown"
        text = _plain(run.message) if run.status is Status.ACTIVE else f"{MARKS[run.status]} {run.status}"
        self._progress.update(bar, completed=run.n, total=run.total, message=text)

    def end(self, run: Run) -> None:
        """Settle a bar, or take an inner one away."""
        with self._lock:
            bar = self._bars.pop(run, None)
            if bar is None or self._progress is None:
                return
            self._update(run, bar)
            self._progress.stop_task(bar)
            if run.depth:
                self._progress.remove_task(bar)
            if not self._bars:
                self._progress.refresh()
                self._progress.stop()
                self._progress = None


def _rich_progress() -> RichProgress:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )
    from rich.progress import Progress as RichProgress

    return RichProgress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[unit]}", markup=False),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[message]}", markup=False),
        console=Console(stderr=True),
        auto_refresh=False,
    )


def _plain(text: str) -> str:
    return text.replace("\n", " ")[:80]


class Notebook:
    """One widget per outermost run, with the runs inside it while they are active."""

    def __init__(self) -> None:
        self._shown: dict[Run, tuple[Any, list[Run]]] = {}
        self._lock = threading.RLock()

    def begin(self, run: Run) -> None:
        """Show a widget, or a line in the widget of the run around."""
        from IPython.display import display as show

        with self._lock:
            root = _root(run)
            if root in self._shown:
                self._shown[root][1].append(run)
            elif run is root:
                handle = show(_Picture([run]), display_id=True)  # type: ignore[no-untyped-call]
                self._shown[run] = (handle, [run])

    def refresh(self) -> None:
        """Draw the widgets anew."""
        with self._lock:
            for handle, runs in self._shown.values():
                if handle is not None:
                    handle.update(_Picture(runs))

    def end(self, run: Run) -> None:
        """Draw the last state; the widget of an outermost run stays as it is then."""
        with self._lock:
            root = _root(run)
            handle, runs = self._shown.get(root, (None, []))
            if handle is None:
                return
            if run is root:
                del self._shown[root]
                handle.update(_Picture([run]))
            elif run in runs:
                runs.remove(run)


def _root(run: Run) -> Run:
    """The outermost run around this one that is shown, or itself."""
    root, outer = run, run.outer
    while outer is not None:
        if outer.show:
            root = outer
        outer = outer.outer
    return root


class _Picture:
    def __init__(self, runs: list[Run]) -> None:
        self._runs = list(runs)

    def __repr__(self) -> str:
        return repr(self._runs[0])

    def _repr_html_(self) -> str:
        return "".join(run_html(run) for run in self._runs[:MOST_SHOWN])


def run_html(run: Run) -> str:
    """A run as HTML; its rate is the mean since it began."""
    rate = run.n / run.seconds if run.n and run.seconds else None
    eta = None if rate is None or run.total is None else max(0.0, run.total - run.n) / rate
    progress = Progress(run.n, run.total, unit=run.unit, rate=rate, eta=eta)
    running = pace(progress) if run.status is Status.ACTIVE else ()
    facts = (duration_text(run.seconds), *running, run.message)
    return bar_html(run.name, run.status, progress, facts=facts, depth=run.depth)


def detect() -> Display:
    """The display that fits where this process runs."""
    if in_notebook():
        return Notebook()
    return Terminal() if _is_terminal() else Silent()


def in_notebook() -> bool:
    """Whether this process is the kernel of a notebook."""
    shell = sys.modules.get("IPython")
    instance = None if shell is None else shell.get_ipython()
    return instance is not None and getattr(instance, "kernel", None) is not None


def _is_terminal() -> bool:
    try:
        return sys.stderr is not None and sys.stderr.isatty()
    except ValueError:  # it is closed
        return False
