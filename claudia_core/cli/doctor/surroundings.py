"""What Claudia stands on and beside: its store, the disk, the port."""

from __future__ import annotations

import json
import os
import shutil
import urllib.request
from contextlib import closing
from pathlib import Path

from claudia_core.address import open_store, store_file
from claudia_core.cli.doctor.findings import Finding, State
from claudia_core.cli.rows import size
from claudia_core.errors import ClaudiaError, SettingsError
from claudia_core.ports import LogStatus
from claudia_core.settings import Settings

TIGHT, TOO_TIGHT = 1_000_000_000, 50_000_000
"""Free bytes under which the disk is a warning, and broken."""


def examine_store(settings: Settings) -> list[Finding]:
    """Whether the store opens and answers, its schema, its size and its log. A store that is not there is not made."""
    try:
        file = store_file(settings)
        if file is not None and not file.exists():
            return [_unmade(file)]
        with closing(open_store(settings)) as store:
            return _describe(store.url, store.log_status())
    except ClaudiaError as error:
        return [Finding("store", State.BROKEN, error.message, error.hint or "")]


def examine_hub(settings: Settings) -> Finding:
    """Whether the hub elsewhere that the settings name answers, and lets us in."""
    from claudia_core.clients.http import Connection
    from claudia_core.clients.hub import log_status
    from claudia_core.clients.transport import Address

    token = settings.token.get_secret_value() if settings.token else None
    try:
        address = Address.parse(settings.database_url, token)
        with closing(Connection(address, timeout=settings.connect_timeout, patience=0.0)) as connection:
            log = log_status(connection)
    except ClaudiaError as error:
        return Finding("hub", State.BROKEN, error.message, error.hint or "")
    return Finding("hub", State.GOOD, f"{address.base} answers: {log.events:,} events ({log.oldest:,} to {log.head:,})")


def _unmade(file: Path) -> Finding:
    folder = nearest_folder(file)
    if os.access(folder, os.W_OK):
        return Finding("store", State.NOTE, f"{file} is not made yet: the first use makes it")
    return Finding("store", State.BROKEN, f"{folder} cannot be written", "name another place with --database")


def _describe(url: str, log: LogStatus) -> list[Finding]:
    from claudia_core.stores.schema import SCHEMA_VERSION

    pruned = "never pruned" if log.pruned_at is None else f"last pruned {log.pruned_at:%Y-%m-%d %H:%M} UTC"
    return [
        Finding("store", State.GOOD, f"{url} answers: {size(log.bytes)}, schema version {SCHEMA_VERSION}"),
        Finding("log", State.GOOD, f"{log.events:,} events ({log.oldest:,} to {log.head:,}), {pruned}"),
    ]


def nearest_folder(file: Path) -> Path:
    """The innermost folder above `file` that exists."""
    return next(folder for folder in file.parents if folder.is_dir())


def examine_disk(settings: Settings) -> Finding:
    """How much space there is where the store is."""
    try:
        file = store_file(settings)
    except ClaudiaError:
        file = None
    folder = Path.cwd() if file is None else nearest_folder(file)
    free = shutil.disk_usage(folder).free
    text = f"{size(free)} free in {folder}"
    if free < TOO_TIGHT:
        return Finding("disk", State.BROKEN, text, "make space, or name another place with --database")
    if free < TIGHT:
        return Finding("disk", State.WARNING, text, "make space soon; claudia prune deletes old events")
    return Finding("disk", State.GOOD, text)


def examine_port(settings: Settings) -> Finding:
    """Whether the server's port is free, or a hub is there already."""
    name = f"port {settings.port}"
    if settings.port and _is_hub(settings.host, settings.port):
        return Finding(name, State.GOOD, f"a hub runs at http://{settings.host}:{settings.port}")
    from claudia_core.api.server import listen

    try:
        listen(settings.host, settings.port).close()
    except SettingsError as error:
        return Finding(name, State.WARNING, error.message, error.hint or "")
    return Finding(name, State.GOOD, f"free on {settings.host}: claudia serve can use it")


def _is_hub(host: str, port: int) -> bool:
    name = f"[{host}]" if ":" in host else host
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with direct.open(f"http://{name}:{port}/livez", timeout=2) as answer:
            return bool(json.loads(answer.read(10_000)).get("serviceId") == "claudia")
    except (OSError, ValueError, AttributeError):
        return False
