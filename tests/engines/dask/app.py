"""A hub with handlers, as agents and Dask workers import it; where it is stands in CLAUDIA_DATABASE_URL."""

import os
import signal
import time
from pathlib import Path
from typing import Any

from claudia_core import Claudia
from claudia_core.errors import TaskCancelled
from claudia_core.model.policy import RetryPolicy

claudia = Claudia(display="off", heartbeat=0.5, lease=3)
AT_ONCE = RetryPolicy(delay=0)


@claudia.handler("total")
def total(task: Any, numbers: list[int]) -> int:
    for _ in claudia.track(numbers, name="inside"):
        pass
    task.progress(len(numbers), total=len(numbers), message="added")
    return sum(numbers)


@claudia.handler("doubled")
async def doubled(task: Any, number: int) -> int:
    return 2 * number


@claudia.handler("flop", retries=2, policy=RetryPolicy(delay=0.05))
def flop(task: Any, times: int) -> int:
    if task.attempt <= times:
        raise ConnectionError("away")
    return int(task.attempt)


@claudia.handler("hang", timeout=0.5, grace=0.3)
def hang(task: Any, file: str) -> None:
    Path(file).write_text(str(os.getpid()))
    time.sleep(60)


@claudia.handler("listen", grace=20)
def listen(task: Any, file: str) -> None:
    """Write the process's id to `file`, and look at the hub until it is told to stop."""
    Path(file).write_text(str(os.getpid()))
    until = time.monotonic() + 60
    while time.monotonic() < until:
        try:
            task.progress(message="listening")
        except TaskCancelled:
            Path(f"{file}.stopped").write_text("")
            raise
        time.sleep(0.02)


@claudia.handler("fragile", retries=1, policy=AT_ONCE)
def fragile(task: Any, file: str) -> int:
    """Kill this process, but not twice."""
    if not Path(file).exists():
        Path(file).write_text("")
        os.kill(os.getpid(), signal.SIGKILL)
    return int(task.attempt)


@claudia.handler("once", retries=3, policy=RetryPolicy(lost="fail"))
def once(task: Any, file: str) -> None:
    """Leave a line, and kill this process."""
    with Path(file).open("a") as out:
        out.write("begun\n")
    os.kill(os.getpid(), signal.SIGKILL)


@claudia.handler("large")
def large(task: Any) -> str:
    return "x" * 2_000_000


@claudia.handler("note", retries=5, policy=AT_ONCE)
def note(task: Any, file: str, seconds: float = 0.01) -> None:
    """Leave a line for each time that it ran to its end."""
    time.sleep(seconds)
    with Path(file).open("a") as out:
        out.write(f"{task.id}\n")
