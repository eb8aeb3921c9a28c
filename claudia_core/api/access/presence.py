"""Who is connected: sockets and streams end within seconds when whoever opened them may not be here any more."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass

from anyio import to_thread

from claudia_core.api.access.access import Access
from claudia_core.errors import ClaudiaError
from claudia_core.logs import get_logger
from claudia_core.model.identity import Identity, Kind

log = get_logger(__name__)

LOOK_SECONDS = 2.0
"""Seconds between two looks at who may still be here."""


@dataclass(eq=False, slots=True)
class Guest:
    """One open connection."""

    identity: Identity
    task: asyncio.Task[object] | None
    was_shown_out: bool = False


class Presence:
    """The open connections of one server, looked at while there are any."""

    def __init__(self, access: Access) -> None:
        self._access = access
        self._guests: set[Guest] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._look: asyncio.Task[None] | None = None

    async def host(self, identity: Identity, connection: Awaitable[None]) -> bool:
        """Let a connection run; False when it was ended because its owner was signed out."""
        guest = Guest(identity, asyncio.current_task())
        self._guests.add(guest)
        self._schedule()
        try:
            await connection
        except asyncio.CancelledError:
            if not guest.was_shown_out:
                raise
        finally:
            self._guests.discard(guest)
        if guest.was_shown_out and guest.task is not None:
            guest.task.uncancel()
        return not guest.was_shown_out

    def _schedule(self) -> None:
        if self._timer is None and self._guests:
            self._timer = asyncio.get_running_loop().call_later(LOOK_SECONDS, self._begin)

    def _begin(self) -> None:
        self._timer = None
        self._look = asyncio.get_running_loop().create_task(self._look_around())

    async def _look_around(self) -> None:
        by_owner: dict[object, list[Guest]] = {}
        for guest in self._guests:
            who = guest.identity
            if who.session or who.kind is Kind.KEY:
                key = (who.kind, who.id, who.session, who.scopes, who.projects)  # all who came in as the same
                by_owner.setdefault(key, []).append(guest)
        try:
            for guests in by_owner.values():
                if not await to_thread.run_sync(self._access.still, guests[0].identity):
                    self._show_out(guests)
        except ClaudiaError as error:  # the store is away: nobody is sent away for that
            log.warning("who may still be here cannot be looked up", error=str(error))
        self._schedule()

    def _show_out(self, guests: list[Guest]) -> None:
        for guest in guests:
            if guest in self._guests and guest.task is not None:
                guest.was_shown_out = True
                guest.task.cancel()
