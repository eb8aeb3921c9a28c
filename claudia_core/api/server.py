"""The server: FastAPI with everything on it, its socket, and its life from start to a prompt end."""

from __future__ import annotations

import errno
import html
import ipaddress
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import EntryPoint, entry_points
from urllib.parse import urlencode, urlsplit

import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import Response

import claudia_core
from claudia_core.api import graphql, health, hooks, ingest, metrics, probes, problems, realtime, refusals, rest
from claudia_core.api.access import login, pages
from claudia_core.api.access.access import Access
from claudia_core.api.access.rules import Rules
from claudia_core.api.auth import Guard
from claudia_core.api.elsewhere import routes as elsewhere
from claudia_core.api.limits import connections
from claudia_core.api.limits.door import Door
from claudia_core.api.limits.rates import Rates
from claudia_core.api.limits.throttle import Throttle
from claudia_core.api.policy import Policy
from claudia_core.api.realtime.serving import UVICORN, drop_dead_peers
from claudia_core.app import Claudia
from claudia_core.errors import SettingsError
from claudia_core.logs import get_logger
from claudia_core.settings import Settings

log = get_logger(__name__)

PARTS = (problems, metrics, probes, hooks, ingest, login, pages, rest, graphql)
"""What the gateway is made of; each has `mount(app: FastAPI, claudia: Claudia) -> None`."""

PAGES = "claudia.pages"
"""Entry points in this group are `mount(app: FastAPI, claudia: Claudia) -> None`."""

NO_PAGE = """<h1>Nothing is at this address</h1>
<p>It may be an old link, or a slip of the pen.</p>
<p><a href="{home}">To the overview</a></p>"""

PATIENCE = 2
"""Seconds that requests and sockets get to end when the server stops."""

NO_PAGES = """<h1>The hub runs, but has no pages</h1>
<p>It records tasks and answers its API. The pages come with the package <code>dashboards</code>, which is not installed
or could not be loaded: the server said why at its start.</p>
<p class="soft">From a terminal, <code>claudia tasks</code> and <code>claudia watch</code> show what happens.</p>"""


def create_app(claudia: Claudia) -> FastAPI:
    """The application without its guard: health, and the pages that are installed.

    Its `state` holds the `hub`, the `rules` that say what each address takes, `sign_in_links`: label and address of
    each way to sign in elsewhere, and its `front`, which leads requests of the API past what only pages need.
    """
    app = FastAPI(title="Claudia", version=claudia_core.__version__, docs_url=None, redoc_url=None, openapi_url=None)
    app.state.hub, app.state.rules, app.state.sign_in_links = claudia, Rules(), []
    app.include_router(health.router(claudia))
    for part in PARTS:
        part.mount(app, claudia)
    elsewhere.mount(app, claudia)
    mounted = [_mount(entry, app, claudia) for entry in entry_points(group=PAGES)]
    if not any(mounted):
        app.add_api_route("/", _no_pages, include_in_schema=False)
    app.add_exception_handler(404, _not_found)
    realtime.mount(app, claudia)  # after the pages: what comes later stands in front
    app.add_middleware(probes.BesidePage, claudia=claudia)
    directory = app.state.directory
    app.state.front = rest.Direct(app, directory, metrics.Metered(directory.handle, app.state.meter))
    return app


def _mount(entry: EntryPoint, app: FastAPI, claudia: Claudia) -> bool:
    try:
        entry.load()(app, claudia)
    except Exception:  # a hub that records work is worth more than its pages
        log.exception("pages could not be loaded", pages=entry.value)
        return False
    return True


async def _no_pages() -> Response:
    return refusals.page("No pages", NO_PAGES)


async def _not_found(request: Request, error: Exception) -> Response:
    """A page for people; a problem for programs, and for everybody below /api."""
    if refusals.is_browser(request.headers) and not request.url.path.startswith("/api/"):
        return refusals.page(
            "Nothing here", NO_PAGE.format(home=html.escape(f"{request.scope.get('root_path', '')}/")), 404
        )
    return await problems.on_http_exception(request, error)


def listen(host: str, port: int, *, has_login: bool = False) -> socket.socket:
    """A listening socket; connections wait in it from now on. Port 0 takes a free one.

    Raises:
        SettingsError: the host is not this machine alone and nobody can sign in, or the port is taken or not allowed.
    """
    if not has_login:
        _require_loopback(host)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        raise _cannot_listen(host, port, error) from error
    # Connections inherit it. asyncio sets it for sockets it makes itself, not for this one: answers would wait 40 ms.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    drop_dead_peers(listener)
    return listener


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches that address."""
    try:
        return host.lower() == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _require_loopback(host: str) -> None:
    if not is_loopback(host):
        raise SettingsError(
            f"the server may not bind to {host!r} while there is no login: others would reach it",
            field="host",
            hint="add somebody first with: claudia user add NAME --scope admin; or leave --host out, and reach it from "
            "another machine with: ssh -L 5006:127.0.0.1:5006 THIS_MACHINE",
        )


def _cannot_listen(host: str, port: int, error: OSError) -> SettingsError:
    if error.errno == errno.EADDRINUSE:
        hint = (
            f"open http://{host}:{port} if that is a hub, choose another with --port, or let --port 0 take a free one"
        )
        return SettingsError(f"port {port} on {host} is taken", field="port", hint=hint)
    if error.errno == errno.EACCES:
        return SettingsError(f"port {port} needs more rights", field="port", hint="use a port from 1024 on")
    return SettingsError(f"{host}:{port} cannot be bound: {error.strerror}", field="host", hint="use 127.0.0.1")


def address_of(listener: socket.socket, host: str, token: str) -> str:
    """The link that lets a browser in."""
    name = f"[{host}]" if ":" in host else host
    return f"http://{name}:{listener.getsockname()[1]}/?{urlencode({'token': token})}"


def configured(app: FastAPI, listener: socket.socket, *, host: str, token: str) -> uvicorn.Server:
    """A server for `app` (of `create_app`) behind its guard, not yet running."""
    access = Access(app.state.hub, token, listener.getsockname()[1], app.state.sign_in_links)
    settings: Settings = app.state.hub.settings
    rates = Rates(settings)
    public = urlsplit(settings.public_url).hostname or ""
    guard = Guard(Throttle(getattr(app.state, "front", app), rates), access, app.state.rules, host=host, public=public)
    door = Door(guard, rates, max_body=settings.max_body)
    config = uvicorn.Config(
        Policy(door, ancestors=settings.frame_ancestors),
        log_config=None,
        access_log=False,  # its lines would hold tokens
        lifespan="on",
        server_header=False,
        timeout_graceful_shutdown=PATIENCE,
        proxy_headers=bool(settings.trusted_proxies),
        forwarded_allow_ips=settings.trusted_proxies.replace(",", " ").split(),
        **{**UVICORN, **connections.options(UVICORN["http"], settings.max_connections)},
    )
    return uvicorn.Server(config)


def run(app: FastAPI, listener: socket.socket, *, host: str, token: str, ready: Callable[[], None]) -> None:
    """Serve until SIGINT or SIGTERM; open requests and sockets then get a moment to end. Call from the main thread.

    `ready` is called once requests and signals are taken care of: the place to say that the server runs.
    """
    program = configured(app, listener, host=host, token=token)
    with _stopped_by_signals(program):
        ready()
        program.run(sockets=[listener])


@contextmanager
def _stopped_by_signals(program: uvicorn.Server) -> Iterator[None]:
    """Also before and after uvicorn's own handlers hold: it raises the signal once more at its end."""
    stops = (signal.SIGINT, signal.SIGTERM)
    before = {stop: signal.signal(stop, program.handle_exit) for stop in stops}
    try:
        yield
    finally:
        for stop, handler in before.items():
            signal.signal(stop, handler)
