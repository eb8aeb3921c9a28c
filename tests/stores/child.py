"""Pieces of Python run in a process of their own."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[2]


@contextmanager
def started(code: str, *arguments: object) -> Iterator[subprocess.Popen[str]]:
    """A process that runs `code`; it says a line when it is ready, and ends when its input does or the test leaves."""
    command = [sys.executable, "-c", code, *map(str, arguments)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    process = subprocess.Popen(command, text=True, cwd=ROOT, **pipes)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def told(code: str, *arguments: object) -> str:
    """What a process that runs `code` says; it must end well."""
    with started(code, *arguments) as process:
        said, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    return said.strip()
