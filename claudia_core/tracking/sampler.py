"""The thread that looks at this process's runs, saves their progress and shows it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from claudia_core.logs import get_logger
from claudia_core.tracking.display import Display
from claudia_core.tracking.run import Run

log = get_logger(__name__)

PERIOD = 0.1
"""Seconds between two looks."""


class Sampler:
    """Looks at all open runs ten times a second; sleeps while there are none."""

    def __init__(self, display: Display) -> None:
        self._display = display
        self._runs: list[Run] = []
        self._changed = threading.Condition()
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def runs(self) -> list[Run]:
        """The open runs."""
        return list(self._runs)

    def begun(self, run: Run) -> None:
        """Look at this run from now on."""
        with self._changed:
            self._runs.append(run)
            if self._thread is None:
                self._thread = threading.Thread(target=self._look, name="claudia-sampler", daemon=True)
                self._thread.start()
            if len(self._runs) == 1:  # else it is looking, or will in a moment
                self._changed.notify_all()
        if run.show:
            self._show(lambda: self._display.begin(run))

    def ended(self, run: Run) -> None:
        """No more looks at this run."""
        with self._changed:
            if run in self._runs:
                self._runs.remove(run)
        if run.show:
            self._show(lambda: self._display.end(run))

    def stop(self) -> None:
        """End the thread."""
        with self._changed:
            self._ended.set()
            self._changed.notify_all()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(5.0)

    def _look(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._runs or self._ended.is_set())
                if self._ended.is_set():
                    return
                runs = list(self._runs)
            now = time.monotonic()
            for run in runs:
                self._sample(run, now)
            self._show(self._display.refresh)
            self._ended.wait(PERIOD)

    def _sample(self, run: Run, now: float) -> None:
        try:
            run.sample(now)
        except Exception as error:  # noqa: BLE001 - one run must not hurt another
            log.warning("progress could not be noted", task=run.id, error=repr(error))

    def _show(self, step: Callable[[], None]) -> None:
        try:
            step()
        except Exception as error:  # noqa: BLE001 - a broken terminal must not stop the work, nor the saving of progress
            log.debug("the progress could not be shown", error=repr(error))
