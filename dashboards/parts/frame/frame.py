"""The frame every page stands in on the web: masthead, address, theme, what went wrong, and a clean end."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import parse_qsl, urlencode

import panel as pn
from panel_material_ui.template.base import Page as Window

from dashboards.beat.slim import slim, slim_models
from dashboards.document import template
from dashboards.live import Page, on_session_end
from dashboards.parts.frame.masthead import Banner, Masthead
from dashboards.parts.frame.toasts import Toasts
from dashboards.theme import BODY, PAGE_SX, THEME, page_css
from dashboards.theme.bare import Bare
from dashboards.theme.part import within_pages

MOST_ADDRESS = 2_000


class Frame:
    """Joins a page to its browser window."""

    def __init__(self, page: Page, links: Sequence[dict[str, Any]]) -> None:
        within_pages()
        self.page = page
        self.masthead = Masthead(pages=list(links), on_address=self._on_address)
        self.banner = Banner(sizing_mode="stretch_width", margin=0)
        dark = prefers_dark()
        body = pn.Column(self.banner, page, styles=BODY, sizing_mode="stretch_width", margin=0, design=Bare)
        self.root = Window(
            header=[self.masthead],
            main=[body],
            title="",
            meta_title=f"{page.title} · Claudia",
            meta_name="Claudia",
            dark_theme=dark,
            theme_config=THEME,
            busy_indicator=None,
            sx=PAGE_SX,
            raw_css=[page_css(dark)],
            template=template(),
        )
        self._unlink()
        self._address = ""
        self._reading = False
        self._on_address(pn.state.location.search if pn.state.location else "")
        page.pull()
        self.banner.text = page.problem
        self.masthead.heading = f"{page.title} · Claudia"
        page.param.watch(self._on_problem, "problem")
        page.param.watch(self._on_title, "title")
        page.param.watch(self._on_notice, "notice")
        if page.ADDRESS:
            page.param.watch(self._on_state, list(page.ADDRESS))
        slim(self.root.select())
        self.toasts = Toasts(page.claudia, self.masthead.say)
        pn.state.onload(self.toasts.start)
        pn.state.onload(self._slim)
        on_session_end(self.release)

    def release(self) -> None:
        """Let go of what outlives the session."""
        self._unlink()
        self.toasts.stop()
        if self.page._ticker is not None:
            self.page._ticker.stop()

    def _slim(self) -> None:
        """Let go of what was only needed to send the page."""
        slim(self.root.select())
        if pn.state.curdoc is not None:
            slim_models(pn.state.curdoc.models)

    def _unlink(self) -> None:
        """Drop references to the process: a `pmui.Page` follows `pn.state.busy`, which any session's work changes."""
        for part in self.root.select():
            for _, watcher in part._param__private.ref_watchers:
                watcher.inst.param.unwatch(watcher)

    def _on_address(self, search: str) -> None:
        """Take the page's state from an address; what does not fit is left at its default."""
        given = dict(parse_qsl(search[:MOST_ADDRESS].removeprefix("?")))
        self._reading = True
        try:
            wanted = {name: given.get(name.removesuffix("_prefix"), "") for name in self.page.ADDRESS}
            self.page.param.update(**{name: _fitting(self.page, name, value) for name, value in wanted.items()})
        finally:
            self._reading = False
        self._address = self._present()

    def _present(self) -> str:
        state = {name.removesuffix("_prefix"): getattr(self.page, name) for name in self.page.ADDRESS}
        query = urlencode({name: value for name, value in state.items() if value})
        return f"?{query}" if query else ""

    def _on_state(self, *events: Any) -> None:
        address = self._present()
        if not self._reading and address != self._address:
            self._address = address
            self.masthead.go(address, push=any(event.name not in self.page.TYPED for event in events))

    def _on_title(self, event: Any) -> None:
        self.masthead.heading = f"{event.new} · Claudia"

    def _on_problem(self, event: Any) -> None:
        self.banner.text = event.new

    def _on_notice(self, event: Any) -> None:
        self.masthead.say(*event.new[:2])


def _fitting(page: Page, name: str, value: str) -> Any:
    options = getattr(page.param[name], "objects", None)
    return value if options is None or value in options else page.param[name].default


def prefers_dark() -> bool:
    """Whether this browser wears dark: as chosen here before, or else as its system did when it last came."""
    cookies = pn.state.cookies or {}
    return (cookies.get("claudia-theme") or cookies.get("claudia-system")) == "dark"
