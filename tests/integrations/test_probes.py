"""Probes against real servers on this machine."""

from __future__ import annotations

import datetime as dt
import shutil
import socket
import sqlite3
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from claudia_core.integrations.probes import dns, http, redis, sql, tcp
from claudia_core.model.health import Health
from claudia_core.testing.waiting import eventually
from tests.servers import require


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path == "/hang":
            threading.Event().wait(1)
        self.send_response({"/broken": 500, "/moved": 302}.get(self.path, 200))
        self.send_header("location", "http://127.0.0.1:1/")
        self.end_headers()
        self.wfile.write(b'{"status": "ok"}')

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@contextmanager
def served(tls: ssl.SSLContext | None = None) -> Iterator[int]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with served() as found:
        yield found


@pytest.mark.parametrize(
    ("path", "conditions", "status", "words"),
    [
        ("/", {}, "pass", ""),
        ("/", {"contains": '"ok"', "matches": r"status.*ok"}, "pass", ""),
        ("/", {"contains": "ready"}, "fail", "does not contain 'ready'"),
        ("/", {"matches": "^ok"}, "fail", "does not match"),
        ("/", {"slow": 0.0}, "warn", "more than 0 s"),
        ("/broken", {}, "fail", "HTTP 500"),
        ("/broken", {"status": [500]}, "pass", ""),
        ("/moved", {}, "pass", ""),
        ("/moved", {"status": [200]}, "fail", "HTTP 302"),
        ("/hang", {"timeout": 0.05}, "fail", "Timeout"),
    ],
)
def test_http(port: int, path: str, conditions: dict[str, Any], status: str, words: str) -> None:
    """Status, body and time each have their condition; the answer says which was not met."""
    found, output = http(f"http://127.0.0.1:{port}{path}", **conditions)()
    assert found.value == status
    assert words in output


def test_http_that_is_not_there() -> None:
    """Refused connections and addresses that are none are fails, not errors."""
    for url in ("http://127.0.0.1:1/", "nonsense://x"):
        assert http(url)()[0] is Health.FAIL


def certificate(folder: Path, days: float) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Contexts of a server whose certificate ends in so many days, and of a client that trusts it."""
    x509 = pytest.importorskip("cryptography.x509")
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    file = folder / f"{days}.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    public = made.public_bytes(serialization.Encoding.PEM)
    file.write_bytes(private + public)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(file)
    return server, ssl.create_default_context(cadata=public.decode())


def test_certificates_that_end_soon(tmp_path: Path) -> None:
    """Two weeks before its end a certificate warns; one that nobody trusts fails."""
    for days, status in ((30.5, "pass"), (3.5, "warn")):
        server, client = certificate(tmp_path, days)
        with served(server) as port:
            found, output = http(f"https://localhost:{port}/", verify=client)()
            assert found.value == status, output
            assert http(f"https://localhost:{port}/", timeout=2)()[0] is Health.FAIL
    assert "3 days" in output


def test_tcp(port: int) -> None:
    """A port that listens passes, a closed one fails, a slow one warns."""
    assert tcp("127.0.0.1", port)() == (Health.PASS, "")
    assert tcp("127.0.0.1", 1)()[0] is Health.FAIL
    assert tcp("127.0.0.1", port, slow=0.0)()[0] is Health.WARN


def test_dns() -> None:
    """A name with the right address passes, with a strange one warns, without any fails."""
    assert dns("localhost")()[0] is Health.PASS
    assert dns("api.example", expected=["1.1.1.1"], lookup=lambda name: ["1.1.1.1"])()[0] is Health.PASS
    found = dns("api.example", expected=["1.1.1.1"], lookup=lambda name: ["1.1.1.1", "6.6.6.6"])()
    assert found == (Health.WARN, "api.example is at 6.6.6.6")
    assert dns("api.example", lookup=lambda name: [])()[0] is Health.FAIL

    def broken(name: str) -> list[str]:
        raise socket.gaierror("no such name")

    assert dns("api.example", lookup=broken)()[0] is Health.FAIL


def test_sql(tmp_path: Path) -> None:
    """A database that answers passes; one whose table is not there raises, which a check counts as a fail."""
    file = tmp_path / "some.db"
    assert sql(lambda: sqlite3.connect(file))() == (Health.PASS, "")
    with pytest.raises(sqlite3.OperationalError, match="no such table"):
        sql(lambda: sqlite3.connect(file), "SELECT 1 FROM missing")()


@pytest.mark.server
def test_redis(tmp_path: Path) -> None:
    """A Redis that runs passes, one that has stopped fails."""
    program = require("redis-server", shutil.which("redis-server"))
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [str(program), "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(tmp_path)]
    probe = redis(f"redis://127.0.0.1:{port}/0")
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as server:
        try:
            eventually(lambda: probe()[0] is Health.PASS)
        finally:
            server.terminate()
    assert probe()[0] is Health.FAIL
