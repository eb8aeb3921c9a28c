"""What Dask workers do in tests."""

import os
import time
from pathlib import Path
from typing import Any


def add(x: int, y: int) -> int:
    return x + y


def total(numbers: list[int]) -> int:
    return sum(numbers)


def whoami() -> dict[str, Any]:
    return {"pid": os.getpid()}


def steps(total: int, file: str) -> str:
    from claudia_core.engines.dask.progress import progress  # this scheduler, which reads graphs, has no Claudia

    for step in range(total):
        progress(step + 1, total=total, message=f"step {step + 1}")
    return wait(file)


def fail(word: str) -> None:
    raise ValueError(f"{word} is no number")


def fail_some(number: int) -> int:
    if number % 10 == 3:
        raise ValueError("three")
    if number % 10 == 4:
        raise KeyError("four")
    return number


def wait(file: str, seconds: float = 60.0) -> str:
    """Write the process's id to `file` and wait until `file`.go is there."""
    Path(file).write_text(str(os.getpid()))
    until = time.monotonic() + seconds
    while not Path(f"{file}.go").exists() and time.monotonic() < until:
        time.sleep(0.02)
    return "went on"
