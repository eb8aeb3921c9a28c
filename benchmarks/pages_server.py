"""`python -m benchmarks.pages_server KIND [STORE]`: what `benchmarks.pages` looks at, in a process of its own.

`empty`, `counters` and `hub` are servers of the same form, uvicorn with FastAPI and `add_applications`; each prints its
port. `counters` takes events as lines of its input. `writer` is no server: it commits events into the store, and tells
when.
"""

from __future__ import annotations

import itertools
import socket
import sys
import threading
import time
from collections import Counter
from typing import Any

import orjson

RATE = 200
"""Events per second."""

RUNNING = 8
"""Tasks that run at a time."""

PERIOD = 250
"""Milliseconds between two looks of the bare app at its counters."""

OPTIONS = {"unused_session_lifetime_milliseconds": 3000, "check_unused_sessions_milliseconds": 500}
COUNTERS = ("Running", "Failed", "Completed", "Throughput", "Errors")


def empty() -> Any:
    """A server of an empty page of panel-material-ui."""
    import panel_material_ui as pmui
    from fastapi import FastAPI
    from panel.io.fastapi import add_applications

    app = FastAPI()
    add_applications({"/": lambda: pmui.Page(title="Empty")}, app=app, title="Empty", **OPTIONS)
    return app


def counters() -> Any:
    """A server of a bare Panel app: the five counters of the overview, looked at by each session on its own timer."""
    import panel as pn
    from fastapi import FastAPI
    from panel.io.fastapi import add_applications

    counts = Counter(dict.fromkeys(COUNTERS, 0))

    def read() -> None:
        for line in sys.stdin:
            counts[line.strip()] += 1

    def page() -> Any:
        numbers = {name: pn.indicators.Number(name=name, value=counts[name]) for name in COUNTERS}

        def update() -> None:
            with pn.io.hold():
                for name, number in numbers.items():
                    number.value = counts[name]

        pn.state.add_periodic_callback(update, period=PERIOD)
        return pn.Row(*numbers.values())

    threading.Thread(target=read, daemon=True).start()
    app = FastAPI()
    add_applications({"/": page}, app=app, title="Counters", **OPTIONS)
    return app


def hub(store: str) -> Any:
    """A server of the pages of the hub on that store."""
    from fastapi import FastAPI

    import dashboards
    from claudia_core import Claudia

    app = FastAPI()
    dashboards.mount(app, Claudia(store, display="off"), **OPTIONS)
    return app


def serve(app: Any) -> None:
    """Serve on a free port of this machine until the end."""
    import uvicorn

    from claudia_core.api.realtime.serving import UVICORN

    with socket.create_server(("127.0.0.1", 0), backlog=2048) as listener:
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        print(listener.getsockname()[1], flush=True)
        uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False, **UVICORN)).run(sockets=[listener])


def write(store: str) -> None:
    """Commit events, most of them progress, until the input ends; tell at which time each progress was on its way.

    Ten events: seven steps of the running tasks, and a task that is made, started and completed.
    """
    from claudia_core import Claudia

    told: list[tuple[int, int, float]] = []
    ended = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), ended.set()), daemon=True).start()
    with Claudia(store, display="off") as claudia:
        tasks = [claudia.tasks.create(f"task {n}", start=True, estimated_steps=100_000) for n in range(RUNNING)]
        print("ready", flush=True)
        steps = itertools.count(1)
        began = time.perf_counter()
        for turn in itertools.count(1):
            for step in itertools.islice(steps, 7):
                at = step % RUNNING
                told.append((at, step, time.time()))
                claudia.progress.update(tasks[at].id, step, message=f"at {at}/{step};")
                time.sleep(10 / RATE / 20)
            claudia.tasks.complete(claudia.tasks.create("short", start=True).id)
            if ended.wait(max(0.0, began + turn * 10 / RATE - time.perf_counter())):
                break
        spent = time.perf_counter() - began
        for task in tasks:
            claudia.tasks.complete(task.id)
    print(orjson.dumps({"told": told, "rate": 10 * turn / spent}).decode(), flush=True)


if __name__ == "__main__":
    kind, *rest = sys.argv[1:]
    if kind == "writer":
        write(*rest)
    else:
        serve({"empty": empty, "counters": counters, "hub": hub}[kind](*rest))
