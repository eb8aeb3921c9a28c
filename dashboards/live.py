"""Ties a page to its session: a tick that pulls when something is new, and a clean end.

Nothing that outlives the session is watched (STYLE.md): the tick compares version numbers and asks for values.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar, TextIO

import panel as pn
import param
from panel.viewable import Viewer

from claudia_core.errors import ClaudiaError
from claudia_core.logs import get_logger
from dashboards.beat.pulse import Pulse
from dashboards.flow import Flow

if TYPE_CHECKING:
    from claudia_core import Claudia

log = get_logger(__name__)

PERIOD = 250
"""Milliseconds between two looks at the version, where no server beats for all sessions."""

AT_REST = 5.0
"""Seconds after which a view is refreshed though nothing happened: minutes turn."""

AWAY = (
    "The hub's store cannot be read now: {}. What you see is the last that was known. "
    "Reading is tried again all the time, and the page goes on by itself."
)


class LiveView(Viewer):
    """Something that shows a hub and follows it, in a page, in any Panel app or in a notebook cell.

    A view that is part of another is placed as `part.layout`, and refreshed by that other one.
    """

    problem = param.String("", doc="What keeps the view from following the hub; empty while all is well.")

    __abstract = True

    def __init__(self, claudia: Claudia, **params: Any) -> None:
        super().__init__(**params)  # type: ignore[no-untyped-call]  # Panel annotates no constructor
        self.claudia = claudia
        self.layout: Any = None
        self._ticker: Ticker | None = None

    def __panel__(self) -> Any:
        if self._ticker is None:
            self._ticker = Ticker(self)
            pn.state.onload(self._ticker.start)
        return self.layout

    def refresh(self) -> None:
        """Bring the view up to date with the hub; costs next to nothing when nothing changed."""
        raise NotImplementedError

    def prepare(self) -> bool:
        """Have ready what `refresh` will show; whether it then neither asks the store nor computes for long."""
        return False

    def pull(self) -> None:
        """Refresh; what the core refuses or cannot do is told in the view instead of raised."""
        try:
            self.refresh()
        except ClaudiaError as error:
            self.problem = str(error)
        else:
            trouble = self.claudia.feed.error
            self.problem = AWAY.format(trouble) if trouble else ""

    def save(self, path: str | os.PathLike[str] | TextIO, title: str | None = None, **options: Any) -> None:
        """Write what this shows now as one file that needs nothing else; see `dashboards.report.save`."""
        from dashboards.report import save  # not needed to show anything

        save(self, path, title, **options)


class Page(LiveView):
    """A view with an address of its own. Its parameters in `ADDRESS` are its state, and are kept in the URL."""

    title = param.String("", doc="What the browser's tab and history say.")
    notice = param.Tuple(("", "", 0), doc="Text and tone of the last thing to tell, and a counter.")

    ADDRESS: ClassVar[tuple[str, ...]] = ()
    TYPED: ClassVar[tuple[str, ...]] = ()
    """Those of them that change while somebody types: they replace the address instead of adding to the history."""

    __abstract = True

    def __init__(self, claudia: Claudia, **params: Any) -> None:
        super().__init__(claudia, **params)
        if self.ADDRESS:
            self.param.watch(self._on_state, list(self.ADDRESS))

    def _on_state(self, *_: Any) -> None:
        if self.layout is not None:
            pn.state.execute(self.pull, schedule=True)  # with the document's lock held

    def say(self, text: str, tone: str = "good") -> None:
        """Tell what an action did; the frame shows it for a while."""
        self.notice = (text, tone, self.notice[2] + 1)


class Ticker:
    """Refreshes a view as long as it is shown: at the server's beat, or in a notebook by a timer of its own."""

    def __init__(self, view: LiveView) -> None:
        self._view = view
        self._callback: Any = None
        self._pulse: Pulse | None = None
        self._seen = -1
        self._trouble: Exception | None = None
        self._at = 0.0
        self._flow = Flow.here()

    def start(self) -> None:
        """Look for the first time soon, and from then on periodically."""
        session = _session()
        if session is not None:
            session.document.add_next_tick_callback(self._join)
            return
        self.tick()
        self._callback = pn.state.add_periodic_callback(self.tick, period=PERIOD)

    async def _join(self) -> None:
        self._pulse = Pulse.here()
        self._pulse.add(self, _session())

    def stop(self) -> None:
        """Let go of the view."""
        if self._callback is not None:
            self._callback.stop()
        if self._pulse is not None:
            self._pulse.drop(self)
        self._callback = self._pulse = None

    def is_due(self) -> bool:
        """Whether the board moved on, the feed fell into trouble or out of it, or all was at rest for a while.

        Not while the browser does not keep up.
        """
        if self._flow.is_full and not self._flow.is_lost:
            return False
        claudia = self._view.claudia
        moved = claudia.boards.tasks.version != self._seen or claudia.feed.error is not self._trouble
        return moved or time.monotonic() - self._at >= AT_REST

    def prepare(self) -> bool:
        """Have ready what the next tick will show; whether that tick is a short one."""
        try:
            return self._view.prepare()
        except ClaudiaError:
            return False  # the tick will tell

    def tick(self) -> None:
        """Refresh the view if it is due."""
        view = self._view
        if self._callback is not None and not view.layout._models:
            self.stop()  # a notebook's cell was cleared
            return
        try:
            if not self.is_due():
                return
            self._seen, self._trouble = view.claudia.boards.tasks.version, view.claudia.feed.error
            self._at = time.monotonic()
            with pn.io.hold():
                view.pull()
        except Exception as error:
            log.exception("a page cannot be refreshed", page=type(view).__name__)
            view.problem = f"This page has a fault and stopped following the hub ({type(error).__name__}). Reload it."
            self.stop()


def _session() -> Any:
    """The server's session that the present document belongs to; None in a notebook or without a server."""
    context = pn.state.curdoc.session_context if pn.state.curdoc is not None else None
    return getattr(context, "session", None)


def on_session_end(callback: Callable[[], None]) -> None:
    """Call back when the present session ends; nothing happens outside of one."""
    if pn.state.curdoc is not None and pn.state.curdoc.session_context is not None:
        pn.state.on_session_destroyed(lambda _: callback())
