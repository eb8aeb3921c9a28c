"""Starts a real Celery worker of `proj` and asks the hub what became of tasks."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from types import ModuleType

import pytest

from claudia_core.model.task import Task
from claudia_core.testing.waiting import eventually

START = 90.0


class Worker:
    """A worker as its own group of processes."""

    def __init__(self, name: str, folder: Path, environment: Mapping[str, str], *options: str) -> None:
        self.name = f"{name}@tests"
        self.log = folder / f"{name}.log"
        self._command = [sys.executable, "-W", "ignore", "-m", "celery", "-A", "tests.engines.celery.proj", "worker"]
        self._command += ["-n", self.name, "-c", "2", "--loglevel", "INFO", "--without-gossip", "--without-mingle"]
        self._command += options
        self._environment = {**os.environ, **environment}
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self.log.open("ab") as out:
            began = out.tell()
            self.process = subprocess.Popen(
                self._command, env=self._environment, stdout=out, stderr=out, start_new_session=True
            )
        until = time.monotonic() + START
        while f"{self.name} ready." not in self.log.read_text()[began:]:
            if self.process.poll() is not None or time.monotonic() > until:
                self.kill()
                raise RuntimeError(self.log.read_text()[-3_000:])
            time.sleep(0.05)

    def kill(self) -> None:
        """End it and all that it forked at once."""
        process, self.process = self.process, None
        if process is not None:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait(30)

    def stop(self) -> int:
        """Let it end in good order."""
        assert self.process is not None
        self.process.terminate()
        try:
            code = self.process.wait(60)
        finally:
            self.kill()
        return code


@contextmanager
def working(name: str, folder: Path, environment: Mapping[str, str], *options: str) -> Iterator[Worker]:
    worker = Worker(name, folder, environment, *options)
    worker.start()
    try:
        yield worker
    finally:
        worker.kill()


@contextmanager
def loaded(environment: Mapping[str, str]) -> Iterator[ModuleType]:
    """The module `proj` in this process, which sends its tasks; observing ends with it."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        sys.modules.pop("tests.engines.celery.proj", None)
        import tests.engines.celery.proj as proj

        try:
            yield proj
        finally:
            proj.claudia.close()
            proj.app.pool.force_close_all()
            proj.app.close()
            sys.modules.pop("tests.engines.celery.proj", None)


def ended(proj: ModuleType, id: str, timeout: float = 60.0) -> Task:
    """The task once it has ended."""

    def ask() -> Task | None:
        found = {task.id: task for task in proj.claudia.tasks.list(limit=1_000).tasks}.get(id)
        return found if found is not None and found.status.is_terminal else None

    assert eventually(ask, timeout, 0.05) is not None
    task: Task = proj.claudia.tasks.get(id)
    return task
