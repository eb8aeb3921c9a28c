"""`claudia serve`: the hub's server."""

from __future__ import annotations

import gc
import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter
from cyclopts.validators import Number

from claudia_core.address import is_mongodb, store_file
from claudia_core.app import Claudia
from claudia_core.cli.hub import Database
from claudia_core.cli.terminal import complain, configure_logs, say
from claudia_core.errors import InvalidValue, SettingsError
from claudia_core.settings import Settings, load_settings

if TYPE_CHECKING:
    from claudia_core.demo import Package

EVERY_ADDRESS = ("0.0.0.0", "::")  # noqa: S104 - what is looked for, not what is bound
HINT = "Nothing to see yet? Stop, and start with: claudia serve --demo"


def serve(
    folder: Path | None = None,
    /,
    *,
    demo: Annotated[bool, Parameter(negative=())] = False,
    host: str | None = None,
    port: int | None = None,
    database: Database = None,
    grpc: Annotated[bool, Parameter(negative=())] = False,
    pace: Annotated[float, Parameter(validator=Number(gte=0))] = 40.0,
) -> None:
    """Start the hub on this machine: live pages and API behind a token.

    The link that lets a browser in is printed. Ctrl+C stops the hub.

    Args:
        folder: With --demo: the source tree to analyse, instead of Python's own library and site-packages.
        demo: Run the demo job, so that there is something to see: an analysis of real Python source trees.
        host: Address to bind to; one that others reach takes a user who can sign in. 127.0.0.1 unless set otherwise.
        port: Port to bind to; 0 takes a free one. 5006 unless set otherwise.
        grpc: Serve gRPC too, on CLAUDIA_GRPC_PORT (5007 unless set otherwise); needs claudia-core[grpc].
        pace: Most files the demo analyses in a second; 0 for as many as it can.
    """
    if folder is not None and not demo:
        raise InvalidValue(f"the folder {folder} is for the demo", field="folder", hint="claudia serve --demo FOLDER")
    configure_logs()
    packages = _packages(folder) if demo else []
    settings = load_settings(database_url=database, host=host, port=port, display="off")
    _tell_of_servers(settings)
    with (
        closing(_listen(settings)) as listener,
        Claudia(settings=settings) as claudia,
    ):
        _serve(claudia, listener, packages, pace or None, grpc)
    say("The hub has stopped.")


def _tell_of_servers(settings: Settings) -> None:
    """What is wrong with servers that the hub can do without for a while: it starts all the same."""
    if settings.redis_url is None and settings.broker_url is None:
        return
    from claudia_core.cli.doctor.servers import examine_servers

    for finding in examine_servers(settings):
        if finding.cure:
            complain(finding.text, finding.cure)


def _packages(folder: Path | None) -> list[Package]:
    from claudia_core.demo import find_packages

    return find_packages(folder)


def _listen(settings: Settings) -> socket.socket:
    from claudia_core.api.server import is_loopback, listen

    if is_loopback(settings.host):
        return listen(settings.host, settings.port)
    if settings.host in EVERY_ADDRESS and not settings.public_url and _has_login(settings):
        hint = "such as CLAUDIA_PUBLIC_URL=https://hub.example.org"
        raise SettingsError("CLAUDIA_PUBLIC_URL is needed to serve on every address", field="public_url", hint=hint)
    return listen(settings.host, settings.port, has_login=_has_login(settings))


def _has_login(settings: Settings) -> bool:
    """Whether somebody can sign in; a store that is not there yet is not made for that."""
    if settings.oidc_issuer or settings.github_client_id or settings.google_client_id:
        return True
    file = store_file(settings)
    if not is_mongodb(settings) and (file is None or not file.exists()):
        return False
    with Claudia(settings=settings) as claudia:
        return claudia.users.can_sign_in()


@contextmanager
def _demo(claudia: Claudia, packages: list[Package], pace: float | None) -> Iterator[None]:
    if not packages:
        yield
        return
    from claudia_core.demo import Demo

    demo = Demo(claudia, packages, pace=pace).start()
    try:
        yield
    finally:
        demo.stop()


@contextmanager
def _grpc(claudia: Claudia, token: str) -> Iterator[None]:
    from claudia_core.api.grpc import serve_grpc

    server = serve_grpc(claudia, claudia.settings.host, claudia.settings.grpc_port, token)
    say(f"gRPC is served on {claudia.settings.host}:{server.port}, with the token as: authorization: Bearer TOKEN")
    try:
        yield
    finally:
        server.stop()


def _serve(claudia: Claudia, listener: socket.socket, packages: list[Package], pace: float | None, grpc: bool) -> None:
    from claudia_core.api import server
    from claudia_core.api.tokens import server_token

    host = claudia.settings.host
    token = server_token(claudia.settings, store_file(claudia.settings))
    claudia.feed.start()
    claudia.watch_agents()
    claudia.keep_pruned()
    claudia.send_webhooks()
    claudia.send_notifications()
    claudia.export_telemetry()
    claudia.bridge_broker()
    claudia.watch_health()
    with _uncollected():
        app = server.create_app(claudia)
    link = server.address_of(listener, host, token)
    with _grpc(claudia, token) if grpc else nullcontext(), _demo(claudia, packages, pace):
        ready = partial(_announce, claudia, link, "" if packages else HINT)
        server.run(app, listener, host=host, token=token, ready=ready)


@contextmanager
def _uncollected() -> Iterator[None]:
    """What is loaded meanwhile stays for good: the garbage collector looks for none of it, now or later."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


def _announce(claudia: Claudia, link: str, hint: str) -> None:
    say(f"Claudia serves {claudia.store.url}")
    say()
    say(f"    {link}", "bold")
    say()
    say("Open this link in a browser on this machine. Ctrl+C stops the hub.")
    if hint:
        say(hint)
