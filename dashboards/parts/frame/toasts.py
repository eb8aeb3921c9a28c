"""Toasts: what somebody is notified of while they look at a page."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import panel as pn

from claudia_core.model.identity import current
from claudia_core.services.notifications.people import owner_of
from dashboards.beat.pulse import Pulse
from dashboards.live import on_session_end

if TYPE_CHECKING:
    from claudia_core import Claudia

MOST = 3
"""Toasts at a time; of more the number is told."""

TONES = {"info": "good"}


class Toasts:
    """Shows the notices of whoever opened the page, as they come; those of before are in their list.

    Args:
        claudia: the hub.
        say: shows a text in a tone for a while.
    """

    def __init__(self, claudia: Claudia, say: Callable[[str, str], None]) -> None:
        self._board = claudia.boards.notices
        self._owner = owner_of(current())
        self._say = say
        self._seen = self._board.version
        self._pulse: Pulse | None = None

    def start(self) -> None:
        """Look at every beat of the server, until the session ends."""
        context = pn.state.curdoc.session_context if pn.state.curdoc is not None else None
        session = getattr(context, "session", None)
        if session is None:
            return

        async def join() -> None:
            self._pulse = Pulse.here()
            self._pulse.add(self, session)

        on_session_end(self.stop)
        session.document.add_next_tick_callback(join)

    def stop(self) -> None:
        """Look no more."""
        if self._pulse is not None:
            self._pulse.drop(self)
        self._pulse = None

    def is_due(self) -> bool:
        """Whether anybody was notified."""
        return self._board.version != self._seen

    def prepare(self) -> bool:
        """Nothing is asked."""
        return True

    def tick(self) -> None:
        """Show what came."""
        seen, self._seen = self._seen, self._board.version
        notices = self._board.since(seen, self._owner)
        for notice in notices[:MOST]:
            self._say(words(notice), TONES.get(notice["level"], "bad"))
        if len(notices) > MOST:
            self._say(f"and {len(notices) - MOST:,} more notifications", "bad")


def words(notice: dict[str, Any]) -> str:
    """A notice as a text of two lines at most."""
    first = next(iter(str(notice["text"]).splitlines()), "")
    return "\n".join(filter(None, (str(notice["title"]), first[:200])))
