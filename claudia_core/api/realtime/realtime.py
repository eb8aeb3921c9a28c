"""What all sockets and streams of a process share: the relay, the limits, who may read what, how many are open."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from starlette.types import Scope

from claudia_core.api.access.perform import caller
from claudia_core.api.realtime.limits import Limits
from claudia_core.api.realtime.relay import Relay
from claudia_core.app import Claudia
from claudia_core.errors import NotFound, StoreError, TooManyConnections
from claudia_core.model.identity import Kind
from claudia_core.model.identity import Scope as Role
from claudia_core.services.notifications import people

type Authorize = Callable[[Scope, str], bool]
"""Whether a connection (its ASGI scope) may read a channel (its name). Called on the event loop: it must not wait."""


def by_identity(scope: Scope, channel: str) -> bool:
    """Viewers may read every channel, except that `user:NAME` is for that user (by id or name) and for admins.

    Of somebody confined to projects it is the only one: which project another event is of cannot be waited for.
    """
    identity = caller(scope)
    if not identity.may(Role.VIEWER):
        return False
    word, _, rest = channel.partition(":")
    own = (identity.id, identity.name) if identity.kind is Kind.USER else ()
    if word == "user" and rest in own:
        return True
    return not identity.is_confined and (word != "user" or identity.may(Role.ADMIN))


def reads_all(scope: Scope) -> bool:
    """Whether a connection is told of everybody's notices by any channel."""
    return people.reads_all(caller(scope))


class Realtime:
    """One for each application. `close` ends its streams; under the protocols of `serving` they end without it."""

    def __init__(self, claudia: Claudia, authorize: Authorize, limits: Limits) -> None:
        self.claudia = claudia
        self.authorize = authorize
        self.limits = limits
        self.relay = Relay(claudia, limits)
        self.connections = 0
        self.is_closing = False

    @contextmanager
    def place(self) -> Iterator[bool]:
        """A place among the connections for as long as the block lasts; False when there is none left."""
        if self.connections >= self.limits.connections:
            yield False
            return
        self.connections += 1
        try:
            yield True
        finally:
            self.connections -= 1

    async def own_name(self, scope: Scope, channel: str) -> str:
        """A channel by the name that events know it by: that of a user by their id, who may be named, too."""
        word, _, named = channel.partition(":")
        if word != "user":
            return channel
        identity = caller(scope)
        if identity.kind is Kind.USER and named == identity.name:
            return f"user:{identity.id}"
        try:
            return f"user:{await asyncio.to_thread(self.claudia.notifications.people.id_of, named)}"
        except (NotFound, StoreError):  # nobody yet, or a hub elsewhere, which has no users
            return channel

    def full(self) -> TooManyConnections:
        """What a client is told that finds no place."""
        most = self.limits.connections
        return TooManyConnections(f"{most} connections are open, the most of this server", hint="try again later")

    def close(self) -> None:
        """End all streams at their next step, which is now; from any thread."""
        self.is_closing = True
        self.relay.close()
