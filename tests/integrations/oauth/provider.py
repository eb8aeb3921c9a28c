"""A real OpenID provider in a process of its own, and one of ours in a thread that can be told to lie."""

from __future__ import annotations

import contextlib
import http.client
import json
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey

from claudia_core.testing.waiting import eventually

RUN = """
import sys
from socket import create_server
from oidc_provider_mock import app, User
from werkzeug.serving import make_server
users = [User(sub="ada@example.org", claims={"email": "ada@example.org", "email_verified": True,
                                             "preferred_username": "ada", "name": "Ada <b>L</b>", "groups": ["sre"]}),
         User(sub="eve@evil.example", claims={"email": "ada@example.org", "email_verified": False})]
server = make_server("127.0.0.1", 0, app(require_nonce=True, user_claims=users), threaded=True)
print(server.server_port, flush=True)
server.serve_forever()
"""


@contextlib.contextmanager
def provider_process():
    """`oidc-provider-mock` as a process; yields its issuer."""
    command = [sys.executable, "-W", "ignore", "-c", RUN]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        try:
            port = int(process.stdout.readline())
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()


def agree(url: str, sub: str) -> dict[str, str]:
    """What a browser brings back after somebody agreed at the provider: the query of the redirect."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=10)
    try:
        headers = {"content-type": "application/x-www-form-urlencoded"}
        connection.request("POST", f"{parts.path}?{parts.query}", urlencode({"sub": sub}), headers)
        answer = connection.getresponse()
        assert answer.status in (302, 303), answer.read()
        found = parse_qs(urlsplit(answer.headers["location"]).query)
        return {name: values[0] for name, values in found.items()}
    finally:
        connection.close()


class Liar:
    """An OpenID provider whose answers a test chooses.

    `claims` overrides what its id tokens say, None takes a claim out; `token` replaces a whole id token. `keys` are
    published, and the first of them signs. `asked` lists the paths and forms of what was asked.
    """

    def __init__(self, port: int) -> None:
        self.issuer = f"http://127.0.0.1:{port}"
        self.keys = [RSAKey.generate_key(2048, {"kid": "one", "use": "sig"})]
        self.claims: dict[str, Any] = {}
        self.token: str | None = None
        self.nonce = ""
        self.metadata: dict[str, Any] = {}
        self.userinfo: dict[str, Any] = {}
        self.answers: dict[str, tuple[int, bytes, dict[str, str]]] = {}
        self.asked: list[tuple[str, dict[str, str], dict[str, str]]] = []

    def id_token(self, **header: Any) -> str:
        now = int(time.time())
        told = {"iss": self.issuer, "aud": "me", "sub": "1", "iat": now, "exp": now + 60, "nonce": self.nonce}
        told = {name: value for name, value in {**told, **self.claims}.items() if value is not None}
        key = self.keys[0]
        return jwt.encode({"alg": "RS256", "kid": key.kid, **header}, told, key)

    def answer(self, path: str) -> Any:
        if path == "/.well-known/openid-configuration":
            return {
                "issuer": self.issuer,
                "authorization_endpoint": f"{self.issuer}/authorize",
                "token_endpoint": f"{self.issuer}/token",
                "jwks_uri": f"{self.issuer}/keys",
                "userinfo_endpoint": f"{self.issuer}/userinfo",
                **self.metadata,
            }
        if path == "/keys":
            return KeySet(self.keys).as_dict()
        if path == "/userinfo":
            return {"sub": "1", **self.userinfo}
        token = self.token if self.token is not None else self.id_token()
        return {"access_token": "at", "token_type": "Bearer", "expires_in": 60, "id_token": token}


@contextlib.contextmanager
def liar():
    """A `Liar` that serves on a free port of this machine."""

    class Handler(BaseHTTPRequestHandler):
        told: ClassVar[Liar]

        def _serve(self) -> None:
            length = int(self.headers.get("content-length") or 0)
            form = {name: values[0] for name, values in parse_qs(self.rfile.read(length).decode()).items()}
            path = urlsplit(self.path).path
            self.told.asked.append((path, form, {name.lower(): value for name, value in self.headers.items()}))
            status, body, headers = self.told.answers.get(path) or (
                200,
                json.dumps(self.told.answer(path)).encode(),
                {},
            )
            self.send_response(status)
            for name, value in {"content-type": "application/json", **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            with contextlib.suppress(ConnectionError):
                self.wfile.write(body)

        do_GET = do_POST = _serve  # noqa: N815 - the names http.server looks for

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Handler.told = Liar(server.server_port)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield Handler.told
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)
        eventually(lambda: not thread.is_alive())
