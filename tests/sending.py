"""A server that sends to others, in a process of its own, which tells when it is its turn."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[1]

SERVER = """
import sys, time
from claudia_core import Claudia
with Claudia(sys.argv[1], display="off", outgoing_allow=("127.0.0.0/8",), lease=2.0, heartbeat=1.0) as claudia:
    sender = getattr(claudia, sys.argv[2])()
    was = None
    for _ in range(6_000):
        if sender.is_sending != was:
            was = sender.is_sending
            print("sending" if was else "waiting", flush=True)
        time.sleep(0.01)
"""


@contextmanager
def server(path: Path, method: str) -> Iterator[subprocess.Popen[str]]:
    """A process that sends by the hub's `method`, such as `send_webhooks`; killed at the end at the latest."""
    command = [sys.executable, "-c", SERVER, str(path), method]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        try:
            yield process
        finally:
            process.kill()


def follow(process: subprocess.Popen[str], state: str) -> None:
    """Wait until the server tells that it is in that state; it may have been in the other before, or not."""
    while (told := line(process)) != state:
        assert told, "the server ended"


def line(process: subprocess.Popen[str]) -> str:
    """What it tells next."""
    assert process.stdout is not None
    return process.stdout.readline().strip()
