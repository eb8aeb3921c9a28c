"""Agents that are processes of their own, as `claudia agent` starts them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from claudia_core.app import Claudia
from claudia_core.model import AgentStatus
from claudia_core.testing.waiting import eventually

ROOT = Path(__file__).resolve().parents[2]


@contextmanager
def agent(
    database: Path, *options: str, app: str = "tests.engines.app", **environment: str
) -> Iterator[subprocess.Popen[str]]:
    """A `claudia agent` with the handlers of `app`; it is killed at the end when it still runs."""
    command = [sys.executable, "-m", "claudia_core", "agent", "--app", app, "-d", str(database)]
    known = {name: value for name, value in os.environ.items() if not name.startswith("CLAUDIA_")}
    pipe = subprocess.PIPE
    process = subprocess.Popen(
        [*command, *options], cwd=ROOT, env=known | environment, stdout=pipe, stderr=pipe, text=True
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def online(hub: Claudia, number: int = 1, timeout: float = 60.0) -> None:
    """Wait until that many agents that take tasks are online."""
    eventually(
        lambda: sum(bool(agent.capabilities) for agent in hub.agents.list(status=AgentStatus.ONLINE)) >= number, timeout
    )
