"""The Celery app of `benchmarks.celery` and `benchmarks.workers`, for their workers.

It is observed where BENCH_HUB is set. Where BENCH_RESULTS says where results are kept, messages are confirmed, too,
and acknowledged only when their task is done.
"""

import os
import time

from celery import Celery

app = Celery("bench", broker=os.environ["BENCH_BROKER"])
app.conf.update(task_ignore_result=True, task_default_queue="idle", broker_connection_retry_on_startup=True)

if os.environ.get("BENCH_RESULTS"):
    app.conf.update(
        result_backend=os.environ["BENCH_RESULTS"],
        task_ignore_result=False,
        task_acks_late=True,
        broker_transport_options={"confirm_publish": True},
    )

if os.environ.get("BENCH_HUB"):
    from claudia_core import Claudia

    claudia = Claudia(os.environ["BENCH_HUB"], display="off")
    claudia.observe(app)


@app.task
def nothing() -> None:
    pass


@app.task
def work(seconds: float) -> None:
    """Work on the processor for that long."""
    until = time.thread_time() + seconds
    while time.thread_time() < until:
        pass


@app.task
def wait(seconds: float) -> None:
    """Wait for something else for that long."""
    time.sleep(seconds)
