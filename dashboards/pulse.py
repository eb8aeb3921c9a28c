"""The beat that brings open pages up to date: one for all sessions of a server, so that they share the same news."""

from __future__ import annotations

import asyncio
from typing import Any, Protocol
from weakref import WeakKeyDictionary

import panel as pn
from panel.io.state import set_curdoc

PERIOD = 0.15
"""Seconds between two beats."""

AT_ONCE = 4
"""Sessions that are brought up to date side by side; a slow one holds up no other for long."""

_PULSES: WeakKeyDictionary[asyncio.AbstractEventLoop, Pulse] = WeakKeyDictionary()


class Beaten(Protocol):
    """What the pulse brings up to date."""

    def is_due(self) -> bool:
        """Whether there may be something new. Called on the server's loop: it only compares."""
        ...

    def tick(self) -> None:
        """Bring it up to date. Called in a thread, with the document's lock held and its changes gathered."""
        ...


class Pulse:
    """Beats while there are sessions. What they send after a beat goes out as one message each.

    Panel's periodic callbacks would do the same with a timer, four changes of thread and a message per changed property
    for each session, and tell all other sessions that the server is busy.
    """

    def __init__(self) -> None:
        self._sessions: dict[Beaten, Any] = {}
        self._busy: set[Beaten] = set()
        self._limit = asyncio.Semaphore(AT_ONCE)
        self._beating: asyncio.Task[None] | None = None

    @classmethod
    def here(cls) -> Pulse:
        """The pulse of the running loop."""
        return _PULSES.setdefault(asyncio.get_running_loop(), cls())

    def add(self, beaten: Beaten, session: Any) -> None:
        """Bring `beaten` up to date until it is dropped, or its `session` (Bokeh's `ServerSession`) ends."""
        self._sessions[beaten] = session
        if self._beating is None or self._beating.done():
            self._beating = asyncio.get_running_loop().create_task(self._beat())

    def drop(self, beaten: Beaten) -> None:
        """Forget it; safe from any thread."""
        self._sessions.pop(beaten, None)

    async def _beat(self) -> None:
        while self._sessions:
            await asyncio.sleep(PERIOD)
            await asyncio.gather(*self._due())

    def _due(self) -> list[Any]:
        due = []
        for beaten, session in list(self._sessions.items()):
            if session.destroyed:
                self.drop(beaten)
            elif session.connection_count and beaten not in self._busy and beaten.is_due():
                due.append(self._update(beaten, session))
        return due

    async def _update(self, beaten: Beaten, session: Any) -> None:
        self._busy.add(beaten)
        try:
            async with self._limit:
                if not session.destroyed:
                    await session.with_document_locked(_gathered, beaten, session.document)
        finally:
            self._busy.discard(beaten)


async def _gathered(beaten: Beaten, document: Any) -> None:
    with set_curdoc(document), pn.io.hold():
        await asyncio.to_thread(beaten.tick)


def forget_busy_events() -> None:
    """Start Panel's own timer that forgets old busy events; call it on the server's loop, before the first session.

    Panel starts it with the first event of a browser. It does so in a thread, where it cannot start, so it is put off
    to the next turn of the loop, which Bokeh runs in a thread again: a core is busy for as long as the server runs.
    """
    pn.state._schedule_busy_cleanup()
