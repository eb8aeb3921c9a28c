"""An app with handlers of every kind, for agents that are processes of their own."""

import ctypes
import os
import subprocess
import sys
import time
from pathlib import Path

from claudia_core import Claudia
from claudia_core.model.policy import RetryPolicy

claudia = Claudia(display="off")
AT_ONCE = RetryPolicy(delay=0)


@claudia.handler("noop", retries=3, policy=AT_ONCE)
def noop(task, payload):
    return payload


@claudia.handler("note", retries=5, policy=AT_ONCE)
def note(task, file: str, seconds: float = 0.01):
    """Leaves a line for each time that it ran to its end."""
    time.sleep(seconds)
    with Path(file).open("a") as out:
        out.write(f"{task.id} {task.attempt}\n")


@claudia.handler("once")
def once(task, file: str):
    """Leaves a line when it begins, is done at once, and is not tried again."""
    with Path(file).open("a") as out:
        out.write(f"{task.id}\n")


@claudia.handler("where", engine="process")
def where(task):
    for _ in claudia.track(range(2), name="inside"):
        task.advance()
    return os.getpid()


@claudia.handler("spin", engine="process")
def spin(task, seconds: float):
    """Works one core."""
    until = time.process_time() + seconds
    while time.process_time() < until:
        pass
    return os.getpid()


@claudia.handler("hang", engine="process", timeout=0.3, grace=0.2)
def hang(task):
    """Does not return, and does not listen."""
    subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    with claudia.task("inside"):
        while True:
            time.sleep(60)


@claudia.handler("listen", engine="process", grace=20)
def listen(task):
    """Goes on until it is asked to stop."""
    while True:
        task.advance()
        time.sleep(0.02)


@claudia.handler("bad", engine="process")
def bad(task, how: str):
    """Ends in the way that it is asked to."""
    return {
        "raise": lambda: 1 / 0,
        "sys.exit": lambda: sys.exit(3),
        "os._exit": lambda: os._exit(7),
        "abort": os.abort,
        "segfault": lambda: ctypes.string_at(0),
        "object": object,
        "lambda": lambda: lambda: None,
        "fork": _fork,
        "forks and exits": _fork_and_exit,
    }[how]()


def _fork():
    """Both go on: the copy returns from the handler, too."""
    return "parent" if os.fork() else "copy"


def _fork_and_exit():
    """The copy holds the pipe, the parent is gone."""
    if os.fork():
        os._exit(9)
    time.sleep(30)


@claudia.handler("memory", engine="process", memory=200_000_000)
def memory(task):
    """Takes more than it may."""
    return len(bytearray(4_000_000_000))


@claudia.handler("coroutine")
async def coroutine(task):
    import asyncio

    await asyncio.sleep(0.01)
    return "awaited"
