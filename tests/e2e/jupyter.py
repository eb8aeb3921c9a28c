"""A real JupyterLab for tests: on this machine alone, with a folder, settings and a token of its own."""

import contextlib
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx2

from claudia_core.testing.waiting import eventually

SETTINGS = {
    "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False, "doNotDisturbMode": True},
    "notebook-extension/tracker": {"windowingMode": "none", "recordTiming": False},
    "docmanager-extension/plugin": {"autosave": False},
}
"""No news, no updates; all cells of a notebook are in the document, also those that are not in sight."""

OPTIONS = [
    "--no-browser",
    "--allow-root",
    "--ServerApp.ip=127.0.0.1",
    "--ServerApp.port_retries=0",
    "--ServerApp.terminals_enabled=False",
    "--LabApp.extension_manager=readonly",
    "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    "--LabApp.news_url=",
]


@contextlib.contextmanager
def jupyterlab(folder: Path, private: Path):
    """A server for the notebooks in `folder`, keeping its own files in `private`; yields its address with the token."""
    for name, values in SETTINGS.items():
        file = private / "settings" / "@jupyterlab" / f"{name}.jupyterlab-settings"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(values), encoding="utf-8")
    token, port = secrets.token_hex(16), free_port()
    command = [sys.executable, "-m", "jupyter", "lab", *OPTIONS, f"--ServerApp.port={port}"]
    command += [f"--IdentityProvider.token={token}", f"--ServerApp.root_dir={folder}"]
    with (private / "server.log").open("wb") as log:
        server = subprocess.Popen(command, cwd=folder, env=environment(private), stdout=log, stderr=log)
    address = f"http://127.0.0.1:{port}"
    try:
        eventually(lambda: answers(server, f"{address}/api/status?token={token}", private), timeout=90, pause=0.2)
        yield f"{address}/lab/tree/{{}}?token={token}"
    finally:
        stop(server)


def environment(private: Path) -> dict[str, str]:
    """That of this process, without a hub's settings, and with Jupyter's own files out of the way of anybody's."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("CLAUDIA_", "JUPYTER"))}
    places = {
        "JUPYTER_CONFIG_DIR": "config",
        "JUPYTER_DATA_DIR": "data",
        "JUPYTER_RUNTIME_DIR": "runtime",
        "JUPYTERLAB_SETTINGS_DIR": "settings",
        "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
        "IPYTHONDIR": "ipython",
    }
    return {**kept, **{name: str(private / place) for name, place in places.items()}, "PYTHONUNBUFFERED": "1"}


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return listening.getsockname()[1]


def answers(server: subprocess.Popen, url: str, private: Path) -> bool:
    assert server.poll() is None, (private / "server.log").read_text(encoding="utf-8")[-3000:]
    try:
        return httpx2.get(url, timeout=5).status_code == 200
    except httpx2.TransportError:
        return False


def stop(server: subprocess.Popen) -> None:
    """Ask it to end, which ends its kernels; the hard way after a while."""
    server.send_signal(signal.SIGTERM)
    try:
        server.wait(20)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait(10)
