"""The real `claudia` program as a child process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

COMMAND = (sys.executable, "-W", "error::ResourceWarning", "-m", "claudia_core")
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def environment(**values: str) -> dict[str, str]:
    """This process's variables without Claudia's settings, so that a developer's own do not matter."""
    kept = {name: value for name, value in os.environ.items() if not name.upper().startswith("CLAUDIA_")}
    return {**kept, "NO_COLOR": "1", "PYTHONUNBUFFERED": "1", **values}


def run(folder: Path, *arguments: object, timeout: float = 60, **variables: str) -> subprocess.CompletedProcess[str]:
    """A command to its end, in `folder`."""
    return subprocess.run(
        [*COMMAND, *map(str, arguments)],
        cwd=folder,
        env=environment(**variables),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )


@dataclass
class Serving:
    """A running `claudia serve`."""

    process: subprocess.Popen[str]
    link: str
    printed: str
    log: Path

    @property
    def base(self) -> str:
        return self.link.partition("/?")[0]

    @property
    def token(self) -> str:
        return self.link.partition("token=")[2]

    def get(self, path: str, timeout: float = 20) -> str:
        """A page or answer, asked for with the token."""
        request = urllib.request.Request(self.base + path, headers={"Authorization": f"Bearer {self.token}"})
        with DIRECT.open(request, timeout=timeout) as answer:
            return answer.read().decode()

    def stop(self, how: signal.Signals = signal.SIGTERM, timeout: float = 30) -> float:
        """Stop it; returns the seconds that took."""
        started = time.monotonic()
        self.process.send_signal(how)
        self.process.wait(timeout)
        return time.monotonic() - started


@contextmanager
def serving(folder: Path, *arguments: object, **variables: str) -> Iterator[Serving]:
    """`claudia serve --port 0` once it has printed its link; stopped by its process id at the end."""
    log = folder / "serve.log"
    with log.open("w") as errors:
        process = subprocess.Popen(
            [*COMMAND, "serve", "--port", "0", *map(str, arguments)],
            cwd=folder,
            env=environment(**variables),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
        try:
            yield Serving(process, *link_of(process, log), log)
        finally:
            process.kill() if process.poll() is None else None
            process.wait(10)
            assert process.stdout is not None
            process.stdout.close()


def link_of(process: subprocess.Popen[str], log: Path) -> tuple[str, str]:
    assert process.stdout is not None
    printed = ""
    for line in process.stdout:
        printed += line
        if "token=" in line:
            return line.strip(), printed
    raise AssertionError(f"claudia serve ended without a link: {log.read_text()}")
