"""The beat that brings open pages up to date: one for all sessions of a server, so that they share the same news."""

from __future__ import annotations

import asyncio
from typing import Any, Protocol
from weakref import WeakKeyDictionary

import panel as pn
from panel.io.document import _WRITE_BLOCK
from panel.io.state import set_curdoc

from dashboards.beat.glance import MOMENT
from dashboards.beat.wire import Wire, frames, is_free, lines

PERIOD = 0.08
"""Seconds from beat to beat."""

BREAK = 0.03
"""Least seconds between the end of a beat and the next: others have the loop, too."""

AT_ONCE = 4
"""Sessions that are brought up to date side by side; a slow one holds up no other for long."""

BREATH = 8
"""Sessions after which others of the loop get a turn."""

_PULSES: WeakKeyDictionary[asyncio.AbstractEventLoop, Pulse] = WeakKeyDictionary()


class Beaten(Protocol):
    """What the pulse brings up to date."""

    def is_due(self) -> bool:
        """Whether there may be something new. Called on the server's loop: it only compares."""
        ...

    def prepare(self) -> bool:
        """Ask the store for what the next tick shows, in a thread; whether that tick will ask for nothing more."""
        ...

    def tick(self) -> None:
        """Bring it up to date, with the document's lock held and its changes gathered.

        Called in a thread, unless `prepare` has said that nothing more is asked for: then on the loop, with a `Wire`.
        """
        ...


class Pulse:
    """Beats while there are sessions. What they send after a beat goes out as one message each.

    Panel's periodic callbacks would do the same with a timer, four changes of thread and a message per changed property
    for each session, and tell all other sessions that the server is busy.
    """

    def __init__(self) -> None:
        self._sessions: dict[Beaten, Any] = {}
        self._busy: dict[Beaten, asyncio.Task[None]] = {}
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
        loop, began = asyncio.get_running_loop(), 0.0
        while self._sessions:
            await asyncio.sleep(max(BREAK, began + PERIOD - loop.time()))
            began = loop.time()
            due = self._due()
            if not due:
                continue
            MOMENT.set(object())
            light = await asyncio.to_thread(_light, [beaten for beaten, _ in due])
            turn = 0
            for beaten, session in due:
                if session.destroyed:
                    continue
                if beaten not in light or lines(session) is None:
                    self._begin(beaten, session)
                    continue
                _update_at_once(beaten, session)
                turn += 1
                if turn % BREATH == 0:
                    await asyncio.sleep(0)

    def _due(self) -> list[tuple[Beaten, Any]]:
        due = []
        for beaten, session in list(self._sessions.items()):
            if session.destroyed:
                self.drop(beaten)
            elif session.connection_count and beaten not in self._busy and beaten.is_due():
                due.append((beaten, session))
        return due

    def _begin(self, beaten: Beaten, session: Any) -> None:
        """Bring it up to date in a task of its own."""
        self._busy[beaten] = asyncio.create_task(self._update(beaten, session))

    async def _update(self, beaten: Beaten, session: Any) -> None:
        try:
            async with self._limit:
                if not session.destroyed:
                    await session.with_document_locked(_tick, beaten, session.document)
        finally:
            del self._busy[beaten]


def _light(due: list[Beaten]) -> set[Beaten]:
    return {beaten for beaten in due if beaten.prepare()}


def _update_at_once(beaten: Beaten, session: Any) -> None:
    """On the loop itself: threads that compute would keep it waiting whenever it writes to a socket.

    It waits for nothing. A session whose document is being changed or sent, or whose browser does not take what it was
    sent, is left for the next beat.
    """
    document = session.document
    if session._lock.locked() or document in _WRITE_BLOCK or not is_free(session):
        return
    wire = Wire()
    with set_curdoc(document), wire.open(), pn.io.hold():
        beaten.tick()
    parts = wire.parts()
    if parts is not None:
        data = frames(parts)
        for line in lines(session) or ():
            line.write(data)


async def _tick(beaten: Beaten, document: Any) -> None:
    with set_curdoc(document), pn.io.hold():
        await asyncio.to_thread(beaten.tick)


def forget_busy_events() -> None:
    """Start Panel's own timer that forgets old busy events; call it on the server's loop, before the first session.

    Panel starts it with the first event of a browser. It does so in a thread, where it cannot start, so it is put off
    to the next turn of the loop, which Bokeh runs in a thread again: a core is busy for as long as the server runs.
    """
    pn.state._schedule_busy_cleanup()
