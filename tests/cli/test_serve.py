"""`claudia serve`: the real server as a real process."""

import re
import signal
import socket
import stat
import subprocess
import sys
import urllib.error
from pathlib import Path

import pytest
from websockets.sync.client import connect

from claudia_core import Claudia
from claudia_core.api import server
from tests.cli.program import DIRECT, environment, run, serving

ROOT = Path(__file__).parents[2]
PROMPT = 10.0
"""Most seconds to stop, with room for a busy machine; in quiet it takes one or two."""


def page_socket(served):
    """The socket that a page's script opens: Bokeh's, with the session's token that the page brought."""
    session = re.search(r'"token":"([^"]+)"', served.get("/tasks", timeout=60)).group(1)
    return connect(
        f"ws{served.base[4:]}/tasks/ws",
        additional_headers={"Authorization": f"Bearer {served.token}"},
        subprotocols=["bokeh", session],
        proxy=None,
        open_timeout=30,
    )


@pytest.fixture
def tree(tmp_path):
    folder = tmp_path / "tree"
    folder.mkdir()
    for number in range(500):
        (folder / f"m{number}.py").write_text("def f(a):\n    return a or 1\n")
    (folder / "m0.py").write_text("def broken(:\n")
    return folder


def test_the_printed_link_lets_in_and_nothing_else_does(tmp_path):
    """Only the link opens the pages; without it only liveness answers. The token is a file of the owner's."""
    with serving(tmp_path) as served:
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+/\?token=[\w-]{43}", served.link)
        assert "<html" in served.get("/").lower()
        assert '"status":"pass"' in served.get("/readyz")
        for path in ("/", "/readyz", "/api/v1/tasks", "/static/js/bokeh.min.js"):
            with pytest.raises(urllib.error.HTTPError, match="401"):
                DIRECT.open(served.base + path, timeout=10)
        with DIRECT.open(served.base + "/livez", timeout=10) as answer:
            assert answer.status == 200
        file = tmp_path / ".claudia" / "token"
        assert file.read_text().strip() == served.token
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert served.token not in served.log.read_text()


def test_it_hints_at_the_demo(tmp_path):
    """A page without tasks is not a riddle: the start says how to get some."""
    with serving(tmp_path) as served:
        assert served.stop() < PROMPT
        assert "claudia serve --demo" in served.process.stdout.read()


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT], ids=lambda how: how.name)
def test_it_stops_promptly_with_open_sockets_and_a_running_demo(tmp_path, tree, how):
    """Either signal ends it in good order: exit code 0, no traceback, open tasks cancelled with their progress."""
    with serving(tmp_path, "--demo", tree, "--pace", "50") as served:
        with page_socket(served) as opened:
            opened.recv(timeout=20)
            assert served.stop(how) < PROMPT
        assert served.process.returncode == 0
        assert "Traceback" not in served.log.read_text()
    shown = run(tmp_path, "tasks").stdout
    assert re.search(r"■ cancelled +analyse 500 Python files", shown)
    assert "▶ active" not in shown


def test_a_taken_port_is_a_clear_error(tmp_path):
    """No traceback, the way out, exit code 2; and no store was made."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        shown = run(tmp_path, "serve", "--port", port)
    assert shown.returncode == 2
    assert f"port {port} on 127.0.0.1 is taken" in shown.stderr
    assert "--port 0" in shown.stderr
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "example.org"])
def test_other_machines_are_kept_out(tmp_path, host):
    """Without a login the hub serves this machine only; the refusal says what to do instead."""
    shown = run(tmp_path, "serve", "--host", host, "--port", "0")
    assert shown.returncode == 2
    assert "no login" in shown.stderr
    assert not list(tmp_path.iterdir())


def test_with_a_login_other_addresses_are_bound(tmp_path):
    """Once somebody can sign in; every address at once takes the name that people open, too."""
    with Claudia(tmp_path / ".claudia" / "claudia.db", display="off") as hub:
        hub.users.add("ann", scope="admin")
        shown = run(tmp_path, "serve", "--host", "0.0.0.0", "--port", "0")
        assert (shown.returncode, "no login" in shown.stderr) == (2, True), "she has no password yet"
        hub.users.change(hub.users.named("ann").id, password="four random words")
    shown = run(tmp_path, "serve", "--host", "0.0.0.0", "--port", "0")
    assert (shown.returncode, "CLAUDIA_PUBLIC_URL" in shown.stderr) == (2, True)
    server.listen("0.0.0.0", 0, has_login=True).close()


def test_a_folder_without_the_demo_is_refused(tmp_path, tree):
    """A folder has a meaning for the demo only."""
    shown = run(tmp_path, "serve", tree)
    assert (shown.returncode, "--demo" in shown.stderr) == (2, True)


def test_panel_serve_is_the_same(tmp_path):
    """`python panel_serve.py` takes the same options and ends with the same codes."""
    shown = subprocess.run(
        [sys.executable, ROOT / "panel_serve.py", "--host", "0.0.0.0"],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (shown.returncode, "no login" in shown.stderr) == (2, True)


def test_grpc_is_served_on_its_own_port(tmp_path):
    """With --grpc the hub answers gRPC too, health to everyone and the rest with the token."""
    grpc = pytest.importorskip("grpc")
    from grpc_health.v1 import health_pb2, health_pb2_grpc

    with serving(tmp_path, "--grpc", CLAUDIA_GRPC_PORT="0") as served:
        target = re.search(r"gRPC is served on (\S+:\d+)", served.printed).group(1)
        with grpc.insecure_channel(target) as channel:
            answer = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=20)
        assert answer.status == health_pb2.HealthCheckResponse.SERVING
