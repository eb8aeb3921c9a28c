"""A Celery app as somebody has it, with the two lines that let a hub observe it; where that is stands in PROJ_*."""

import os
import signal
import time
from pathlib import Path
from typing import Any

from celery import Celery, chain, group
from celery.exceptions import Ignore, SoftTimeLimitExceeded

from claudia_core import Claudia
from claudia_core.errors import TaskCancelled
from claudia_core.model.policy import RetryPolicy
from claudia_core.settings import default_settings

app = Celery("proj", broker=os.environ["PROJ_BROKER"], backend=os.environ.get("PROJ_BACKEND") or None)
app.conf.update(
    broker_connection_retry_on_startup=True,
    worker_prefetch_multiplier=1,
    task_default_queue=os.environ.get("PROJ_QUEUE", "proj"),
    broker_transport_options={"confirm_publish": True},  # else a broker that is killed forgets what it took
    worker_cancel_long_running_tasks_on_connection_loss=False,
)
claudia = Claudia(
    settings=default_settings(
        database_url=os.environ["PROJ_HUB"], token=os.environ.get("PROJ_TOKEN"), heartbeat=0.5, lease=3, display="off"
    )
)
claudia.observe(app)


@app.task
def add(x: int, y: int, password: str = "") -> int:
    return x + y


@app.task
def nothing() -> None:
    pass


@app.task
def pause(seconds: float) -> None:
    time.sleep(seconds)


@app.task
def fail(word: str) -> None:
    raise ValueError(f"{word} is no number")


@app.task(bind=True, max_retries=3, default_retry_delay=0.05)
def flaky(self: Any, times: int) -> str:
    if self.request.retries < times:
        raise self.retry(exc=ConnectionError("the other side is away"))
    return f"after {self.request.retries}"


@app.task
def steps(total: int) -> None:
    for step in range(total):
        claudia.current_task().progress(step + 1, total=total, message=f"step {step + 1}")


@app.task(bind=True)
def states(self: Any, total: int) -> None:
    for step in range(total):
        self.update_state(state="PROGRESS", meta={"current": step + 1, "total": total, "status": "copying"})


@app.task
def loop(items: int) -> int:
    return sum(claudia.track(range(items), name="inner loop"))


@app.task
def family() -> None:
    group(add.s(1, 1), add.s(2, 2)).apply_async()
    chain(add.s(3, 3), add.s(4)).apply_async()


@app.task
def wait(file: str, seconds: float = 60.0) -> str:
    """Write the process's id to `file` and wait until `file`.go is there."""
    Path(file).write_text(str(os.getpid()))
    until = time.monotonic() + seconds
    while not Path(f"{file}.go").exists() and time.monotonic() < until:
        claudia.current_task().progress(message="waiting")
        time.sleep(0.02)
    return "went on"


@app.task
def stubborn(file: str) -> None:
    """Without a look at the hub; it notes that it was told to stop."""
    Path(file).write_text(str(os.getpid()))
    try:
        time.sleep(60)
    except SoftTimeLimitExceeded:
        Path(f"{file}.stopped").write_text("")
        raise


@app.task(soft_time_limit=0.3)
def slow() -> None:
    time.sleep(60)


@app.task(acks_late=True)
def dies() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


@app.task
def ignored() -> None:
    raise Ignore


@claudia.handler("total")
def total(task: Any, numbers: list[int]) -> int:
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


@claudia.handler("hang", timeout=0.3, grace=0.3)
def hang(task: Any) -> None:
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


@claudia.handler("fragile", retries=1)
def fragile(task: Any, file: str) -> int:
    """Kill this process, but not twice."""
    if not Path(file).exists():
        Path(file).write_text("")
        os.kill(os.getpid(), signal.SIGKILL)
    return int(task.attempt)
