"""What the guard adds to a request: who calls is found out, and may go there. Against the same endpoint without it."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message

from benchmarks.figure import Figure, best_of
from claudia_core import Claudia
from claudia_core.api.access.access import Access
from claudia_core.api.access.login import pair
from claudia_core.api.access.rules import Rules
from claudia_core.api.auth import Guard
from claudia_core.model.session import TOKENS

REQUESTS = 3_000
ROUNDS = 7
TOKEN = "bench-token-bench-token"
PORT = 5006


def run() -> Iterator[Figure]:
    """The server's token, an access token, an API key and a session's cookie, all known by heart but once a second."""
    with Claudia("memory://", display="off") as hub:
        access = Access(hub, TOKEN, PORT)
        app = FastAPI(openapi_url=None)
        app.router.routes.append(Route("/api/v1/thing", thing))
        guard = Guard(app, access, Rules(), host="127.0.0.1")
        shown = credentials(hub, access)
        costs: dict[str, list[float]] = {name: [] for name in ("open", *shown)}
        for _ in range(ROUNDS):  # in turns, so that a busy moment of the machine meets all alike
            costs["open"].append(asyncio.run(measure(app, [])))
            for name, header in shown.items():
                costs[name].append(asyncio.run(measure(guard, [header])))
        best = {name: min(found) for name, found in costs.items()}
        raw = f"the endpoint open: {best['open']:.0f} us"
        for name, aim in (("the server's token", 60), ("an access token", 60), ("an API key", 100), ("a cookie", None)):
            yield Figure(f"added to a request with {name}", best[name] - best["open"], "us", aim, True, raw)
        yield Figure("an access token that is not known by heart", uncached(access, shown["an access token"]), "us")


async def thing(_: Request) -> Response:
    """The endpoint: it does next to nothing."""
    return Response(b"{}")


def credentials(hub: Claudia, access: Access) -> dict[str, tuple[bytes, bytes]]:
    """A header for each way to be known."""
    key, text = hub.keys.create("bench")
    identity = key.identity()
    session, secret = hub.sessions.begin(identity, timedelta(days=1), kind=TOKENS)
    tokens = pair(access, identity, session.id, secret)
    cookie = f"{access.cookie_name}={access.begin(access.by_token())}"
    return {
        "the server's token": (b"authorization", f"Bearer {TOKEN}".encode()),
        "an access token": (b"authorization", f"Bearer {tokens.access_token}".encode()),
        "an API key": (b"authorization", f"Bearer {text}".encode()),
        "a cookie": (b"cookie", cookie.encode()),
    }


async def measure(app: ASGIApp, headers: list[tuple[bytes, bytes]]) -> float:
    """Microseconds of a request, answered by the application itself, without a socket."""
    usual = [(b"host", b"127.0.0.1:5006"), (b"user-agent", b"bench"), (b"accept", b"*/*")]
    scope: dict[str, Any] = {
        "type": "http",
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": "/api/v1/thing",
        "raw_path": b"/api/v1/thing",
        "query_string": b"",
        "root_path": "",
        "client": ("127.0.0.1", 50_000),
        "server": ("127.0.0.1", PORT),
        "headers": [*usual, *headers],
    }
    statuses: set[int] = set()

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            statuses.add(message["status"])

    await app(dict(scope), receive, send)
    started = time.perf_counter()
    for _ in range(REQUESTS):
        await app(dict(scope), receive, send)
    seconds = time.perf_counter() - started
    assert statuses == {200}, json.dumps(sorted(statuses))
    return seconds / REQUESTS * 1e6


def uncached(access: Access, header: tuple[bytes, bytes]) -> float:
    """Microseconds to verify a token and look its session up, as happens once a second."""
    text = header[1].decode().removeprefix("Bearer ")

    def once() -> float:
        started = time.perf_counter()
        for _ in range(200):
            access.hub.revisions.move()
            access.bearer(text, "127.0.0.1")
        return (time.perf_counter() - started) / 200 * 1e6

    return best_of(5, once)
