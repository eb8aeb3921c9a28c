"""`python -m benchmarks.pages.server KIND [STORE]`: what these benchmarks look at, in a process of its own.

`empty`, `counters` and `hub` are servers of the same form, uvicorn with FastAPI and `add_applications`; each prints its
port. `counters` takes events as lines of its input.
"""

from __future__ import annotations

import socket
import sys
import threading
from collections import Counter
from typing import Any

from benchmarks.pages.census import census

RATE = 200
"""Events per second."""

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
    """Serve on a free port of this machine until the end; at `/census`, what the process has."""
    import uvicorn

    from claudia_core.api.realtime.serving import UVICORN

    app.get("/census")(census)
    with socket.create_server(("127.0.0.1", 0), backlog=2048) as listener:
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        print(listener.getsockname()[1], flush=True)
        uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False, **UVICORN)).run(sockets=[listener])


if __name__ == "__main__":
    chosen, *rest = sys.argv[1:]
    serve({"empty": empty, "counters": counters, "hub": hub}[chosen](*rest))
