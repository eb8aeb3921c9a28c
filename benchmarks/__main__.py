"""`python -m benchmarks [NAME ...]`: measure, print the figures, exit 1 when an aim is missed.

`pages` stands for all that begin with `pages.`.
"""

from __future__ import annotations

import importlib
import os
import sys

from benchmarks.figure import machine

BENCHMARKS = {
    "tracking": "track() against a bare loop and tqdm",
    "store": "durable state changes and coalesced progress against raw executemany",
    "writers": "two processes that write to one file all the time",
    "cache": "a hit of the cache against a raw GET and decode on the same Redis",
    "amqp": "events forwarded to RabbitMQ against raw confirmed publishing with the same window",
    "mongodb": "the MongoDB store against raw bulk writes; two processes that share it",
    "agents": "tasks that agents run, how soon they begin, and claims of many processes, against raw state changes",
    "feed": "a commit's way into another process",
    "history": "lists and searches with a million tasks against ten thousand",
    "server": "start, first page, idle",
    "pages.load": "first row against an empty page, with a thousand and with a million tasks",
    "pages.refresh": "every filter and order of the tasks page with a million tasks",
    "pages.sessions": "a hundred open pages: delay, and CPU against a bare Panel app",
    "pages.memory": "memory of an open page against one of a bare Panel app",
    "pages.closed": "what a thousand closed pages leave behind",
    "realtime": "fan-out to a thousand clients against websockets.broadcast",
    "errors": "capturing, taking 50 kB errors, finding among a thousand issues",
    "resilience": "circuit breaker, metrics and all guards of a call against a bare one",
    "webhooks": "durable deliveries to a receiver in another process, alone and beside dead endpoints",
    "rest": "posts of a task and batches of events over HTTP against a bare FastAPI endpoint",
    "celery": "an observed Celery worker against one that is not",
    "dask": "an observed Dask scheduler against one that is not",
    "workers": "an agent beside Celery workers of as many slots, from the first submit to the last end",
    "auth": "what the guard adds to a request with a token, a key or a cookie",
}


def main() -> int:
    """Run the named benchmarks, or all."""
    wanted = sys.argv[1:] or list(BENCHMARKS)
    found = {name: [known for known in BENCHMARKS if name in (known, known.partition(".")[0])] for name in wanted}
    unknown = [name for name in wanted if not found[name]]
    if unknown:
        print(f"no benchmark {', '.join(unknown)}; there are: {', '.join(BENCHMARKS)}", file=sys.stderr)
        return 2
    names = [known for name in wanted for known in found[name]]
    print(machine())
    missed = 0
    for name in names:
        print(f"\n{name}: {BENCHMARKS[name]}; load average {os.getloadavg()[0]:.1f}", flush=True)
        for figure in importlib.import_module(f"benchmarks.{name}").run():
            print(figure, flush=True)
            missed += figure.is_met is False
    print(f"\n{missed} aims missed" if missed else "\nall aims met")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
