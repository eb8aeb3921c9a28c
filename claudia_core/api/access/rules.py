"""What each address takes: one table. What no rule names takes an admin, and fails a test that walks the routes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from claudia_core.model.identity import Scope

OPEN = None
"""Anybody may come: the address lets people in, or says that the server lives."""

FIXED: Mapping[str, Scope | None] = {
    "/livez": OPEN,
    "/login": OPEN,
    "/logout": OPEN,
    "/api/v1/auth/token": OPEN,
    "/api/v1/auth/refresh": OPEN,
    "/api/v1/auth/revoke": OPEN,
    "/readyz": Scope.VIEWER,
    "/health": Scope.VIEWER,
    "/metrics": Scope.VIEWER,
    "/ws": Scope.VIEWER,
    "/graphql": Scope.VIEWER,
    "/access": Scope.VIEWER,
    "/access/keys": Scope.ADMIN,
    "/access/users": Scope.ADMIN,
    "/access/audit": Scope.ADMIN,
    "/favicon.ico": Scope.VIEWER,
    "/api/openapi.json": Scope.VIEWER,
}
"""Addresses by name. Operations, fields and channels behind them have scopes of their own."""

BELOW: Mapping[str, Scope | None] = {
    "/api/v1/hooks/": OPEN,  # let in by their signatures
    "/api/v1/ingest/": OPEN,  # let in by the key of their DSN
    "/api/v1/": Scope.VIEWER,
    "/static/": Scope.VIEWER,
    "/components/": Scope.VIEWER,
    "/api/docs": Scope.VIEWER,
    "/graphql/": Scope.VIEWER,
    "/events/": Scope.VIEWER,
    "/ws/tasks/": Scope.VIEWER,
    "/access/sessions/": Scope.VIEWER,
    "/access/keys/": Scope.ADMIN,
    "/access/users/": Scope.ADMIN,
    "/access/audit/": Scope.ADMIN,
}
"""Addresses by their beginning; the first that fits counts."""

ENVELOPE = re.compile(r"/api/[0-9]{1,18}/envelope/")
"""Where programs with `sentry_sdk` tell their errors: the number of a project stands in the middle."""

STREAMS = frozenset({"/api/v1/events/stream"})
"""Addresses of answers that do not end by themselves."""

ENDINGS = ("ws", "autoload.js", "metadata")
"""What Panel serves below each page."""


class Need(NamedTuple):
    """What an address takes; `is_ruled` is False where no rule names it."""

    scope: Scope | None
    is_ruled: bool = True


STRICTEST = Need(Scope.ADMIN, is_ruled=False)


class Rules:
    """The table of one application: the rules above, and those of what is mounted on it."""

    def __init__(self) -> None:
        self._fixed = {path: Need(scope) for path, scope in FIXED.items()}
        self._below = {path: Need(scope) for path, scope in BELOW.items()}
        self.pages: dict[str, Scope] = {}
        self.streams = STREAMS

    def add(self, path: str, scope: Scope | None) -> None:
        """A rule for an address, or for all below it where it ends in `/`; None opens it to anybody."""
        (self._below if path.endswith("/") else self._fixed)[path] = Need(scope)

    def add_page(self, path: str, scope: Scope) -> None:
        """A rule for a page and what Panel serves below it."""
        self.pages[path] = scope
        self._fixed[path] = Need(scope)
        for ending in ENDINGS:
            self._fixed.setdefault(f"{path.rstrip('/')}/{ending}", Need(scope))

    def need(self, path: str) -> Need:
        """What an address takes."""
        found = self._fixed.get(path)
        if found is not None:
            return found
        if ENVELOPE.fullmatch(path):
            return Need(OPEN)  # as those below /api/v1/ingest/
        return next((need for start, need in self._below.items() if path.startswith(start)), STRICTEST)

    def __iter__(self) -> Iterator[tuple[str, Scope | None]]:
        for path, need in (*self._fixed.items(), *self._below.items()):
            yield path, need.scope
