"""The demo job at work: one task for the whole, a child task per package, a few packages at a time."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Self

from claudia_core.demo.analysis import analyse
from claudia_core.demo.figures import PACKAGE_TYPE, PackageFigures
from claudia_core.demo.sources import Package
from claudia_core.errors import ClaudiaError
from claudia_core.logs import get_logger
from claudia_core.model.task import Status

if TYPE_CHECKING:
    from claudia_core.app import Claudia
    from claudia_core.tracking import TaskBlock

log = get_logger(__name__)

BROKEN = (SyntaxError, ValueError, RecursionError, MemoryError, OSError)
"""What reading or parsing a file may raise; a UnicodeDecodeError is a ValueError."""

STOPPED = "the demo was stopped"


class Pace:
    """At most `rate` steps a second, over all threads that wait here; None does not hold anybody up."""

    def __init__(self, rate: float | None) -> None:
        self._gap = 1.0 / rate if rate else 0.0
        self._next = time.monotonic()
        self._lock = threading.Lock()

    def wait(self, stopped: threading.Event) -> bool:
        """Wait for the next step's turn; False when `stopped` was set."""
        with self._lock:
            now = time.monotonic()
            self._next = max(self._next, now) + self._gap
            rest = self._next - now - self._gap
        return not (stopped.wait(rest) if rest > 0 else stopped.is_set())


class Demo:
    """Analyses source packages on threads of its own, through nothing but Claudia's public interface.

    Args:
        claudia: the hub that shows it.
        packages: what `find_packages` found.
        pace: most files a second; None for as many as there can be.
        workers: packages worked on at the same time.
        show: whether a bar is shown where this runs.
    """

    def __init__(
        self,
        claudia: Claudia,
        packages: Sequence[Package],
        *,
        pace: float | None = 40.0,
        workers: int = 3,
        show: bool = False,
    ) -> None:
        self.task_id: str | None = None
        self.total = PackageFigures(package="all packages")
        self._claudia = claudia
        self._packages = packages
        self._pace = Pace(pace)
        self._workers = workers
        self._show = show
        self._stopped = threading.Event()
        self._lock = threading.Lock()
        self._files = 0
        self._thread = threading.Thread(target=self._run_logged, name="claudia-demo", daemon=True)

    def start(self) -> Self:
        """Work in the background."""
        self._thread.start()
        return self

    def stop(self, timeout: float = 5.0) -> None:
        """Stop after the files at hand; open tasks are cancelled and keep their progress. Stopping twice is fine."""
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join(timeout)

    def run(self) -> PackageFigures:
        """Work here until all is done or `stop` is called from another thread; returns the figures of all packages."""
        files = sum(len(package.files) for package in self._packages)
        name = f"analyse {files:,} Python files in {len(self._packages):,} packages"
        trees = list(dict.fromkeys(package.tree for package in self._packages))
        block = self._claudia.task(
            name, type="analysis", estimated_steps=files, unit="files", payload={"trees": trees}, show=self._show
        )
        with block as task:
            self.task_id = task.id
            self._analyse_all(task)
            task.result = self.total.to_document()
            if self._stopped.is_set():
                task.end(Status.CANCELLED, reason=STOPPED)
        return self.total

    def _run_logged(self) -> None:
        try:
            self.run()
        except ClaudiaError as error:
            log.warning("the demo ended early", error=str(error))

    def _analyse_all(self, task: TaskBlock) -> None:
        with ThreadPoolExecutor(self._workers, thread_name_prefix="claudia-demo") as pool:
            jobs = [pool.submit(self._analyse_package, task, package) for package in self._packages]
            try:
                for job in jobs:
                    job.result()
            except BaseException:
                self._stopped.set()
                raise

    def _analyse_package(self, whole: TaskBlock, package: Package) -> None:
        if self._stopped.is_set():
            return
        figures = PackageFigures(package=package.name, tree=package.tree)
        block = self._claudia.task(
            package.name,
            type=PACKAGE_TYPE,
            estimated_steps=len(package.files),
            unit="files",
            parent=whole,
            labels={"tree": package.tree},
            show=False,
        )
        with block as task:
            self._analyse_files(whole, task, package, figures)
        with self._lock:
            self.total.include(figures)

    def _analyse_files(self, whole: TaskBlock, task: TaskBlock, package: Package, figures: PackageFigures) -> None:
        for file in package.files:
            if not self._pace.wait(self._stopped):
                task.end(Status.CANCELLED, reason=STOPPED)
                return
            self._analyse_file(task, package, file, figures)
            task.advance(message=_outcome(figures) if figures.errors else package.name_of(file))
            self._count_file(whole, package)
        task.message = _outcome(figures)
        task.result = figures.to_document()

    def _analyse_file(self, task: TaskBlock, package: Package, file: Path, figures: PackageFigures) -> None:
        name = package.name_of(file)
        try:
            figures.add(analyse(file.read_bytes(), name), name)
        except BROKEN as error:
            figures.add_error()
            self._claudia.errors.capture(error, task_id=task.id, file=name, package=package.name)

    def _count_file(self, whole: TaskBlock, package: Package) -> None:
        with self._lock:
            self._files += 1
            whole.progress(self._files, message=package.name)


def _outcome(figures: PackageFigures) -> str:
    if figures.errors:
        return f"{figures.errors} of {figures.files} files could not be analysed"
    return f"{figures.functions:,} functions, mean complexity {figures.mean_complexity:.1f}"
