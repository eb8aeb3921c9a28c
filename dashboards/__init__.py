"""Claudia's pages. Importing this is cheap: Panel is loaded by `mount`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

from claudia_core.model.identity import Kind, Scope, current

if TYPE_CHECKING:
    from fastapi import FastAPI

    from claudia_core import Claudia

__all__ = ["PAGES", "PageSpec", "make_page", "mount", "serve_here"]


@dataclass(frozen=True, slots=True)
class PageSpec:
    """One page: its address, its class as `module:name`, what the navigation calls it, and its icon in `theme`.

    `scope` is what it takes to open it.
    """

    path: str
    target: str
    title: str
    icon: str
    scope: Scope = Scope.VIEWER

    @property
    def href(self) -> str:
        """The address relative to any page, so that a prefix before all of them does no harm."""
        return f".{self.path}"

    def load(self) -> type[Any]:
        """The page's class."""
        module, _, name = self.target.partition(":")
        found: type[Any] = getattr(import_module(module), name)
        return found


PAGES = (
    PageSpec("/", "dashboards.pages.overview:Overview", "Overview", "overview"),
    PageSpec("/tasks", "dashboards.pages.tasks:TasksPage", "Tasks", "tasks"),
    PageSpec("/agents", "dashboards.pages.agents:AgentsPage", "Agents", "agents"),
    PageSpec("/errors", "dashboards.pages.errors:ErrorsPage", "Errors", "errors"),
    PageSpec("/health", "dashboards.pages.health:HealthPage", "Health", "health"),
    PageSpec("/integrations", "dashboards.pages.integrations:IntegrationsPage", "Integrations", "plug", Scope.OPERATOR),
    PageSpec("/events", "dashboards.pages.events:EventsPage", "Events", "events"),
)
"""All pages. Navigation, addresses, titles and the tests of every page derive from this table."""


KEY = "M12.6 10a5 5 0 1 0 0 4H16v3h3v-3h3v-4h-9.4ZM8 14a2 2 0 1 1 0-4 2 2 0 0 1 0 4Z"
"""The icon of access: a key."""

KEPT_FROM_SCRIPTS: dict[str, Any] = {
    "include_headers": ["host", "user-agent"],
    "include_cookies": ["claudia-theme", "claudia-system"],
}
"""What of a request is written into its page for the socket to repeat: never the cookie or token that let it in."""


def mount(app: FastAPI, claudia: Claudia, **options: Any) -> None:
    """Add all pages to a FastAPI application. Guards for login belong outside of it, as a middleware.

    `options` are those of `panel.io.fastapi.add_applications`, such as `prefix`.
    """
    from bokeh.core.validation import silence
    from bokeh.core.validation.warnings import EMPTY_LAYOUT
    from panel.io.fastapi import add_applications

    from dashboards.assets import Assets
    from dashboards.document import keep_bundles

    silence(EMPTY_LAYOUT)  # a place that is filled when something is opened is no fault of a page
    keep_bundles()
    for spec in PAGES:
        spec.load()  # once, here: not in the first session
    claudia.boards.tasks  # noqa: B018 - folded from now on, so that the first page does not wait for it
    pages: dict[str, Any] = {spec.path: _maker(spec, claudia) for spec in PAGES}
    titles = {spec.path: f"{spec.title} · Claudia" for spec in PAGES}
    add_applications(pages, app=app, title=titles, **KEPT_FROM_SCRIPTS, **options)
    app.add_middleware(Assets)
    for spec in PAGES if hasattr(app.state, "rules") else ():
        app.state.rules.add_page(f"{options.get('prefix', '')}{spec.path}", spec.scope)


def _maker(spec: PageSpec, claudia: Claudia) -> Callable[[], Any]:
    return lambda: make_page(spec, claudia)  # a plain function: Panel would show a partial as an object


def make_page(spec: PageSpec, claudia: Claudia) -> Any:
    """A page in its frame, for one session."""
    from dashboards.parts.frame.frame import Frame

    return Frame(spec.load()(claudia), links(spec.path)).root


def links(here: str) -> list[dict[str, Any]]:
    """The navigation, as seen from the page at `here`."""
    from dashboards.theme import ICONS

    who = current()
    pages: list[dict[str, Any]] = [
        {"title": spec.title, "href": spec.href, "icon": ICONS[spec.icon], "here": spec.path == here}
        for spec in PAGES
        if who.may(spec.scope)
    ]
    if who.kind is not Kind.LOCAL:  # only a server knows who is signed in
        pages.append({"title": "Access", "href": "./access", "icon": KEY, "here": False})
    return pages


def serve_here(page: type[Any]) -> None:
    """Show a page from its own file, run by `panel serve`; the hub is opened from the settings, once per process."""
    import panel as pn

    from claudia_core import Claudia
    from dashboards.parts.frame.frame import Frame

    pn.extension()
    claudia = pn.state.as_cached("claudia", Claudia)
    path = next(spec.path for spec in PAGES if spec.target.endswith(f":{page.__name__}"))
    Frame(page(claudia), links(path)).root.servable()
