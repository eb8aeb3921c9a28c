"""Part: the base of components whose browser side is in `live.js`.

It lives beside that file, because Panel serves a component's module from the component's own folder.
"""

from __future__ import annotations

from functools import cache, partial
from typing import Any
from weakref import WeakSet

import panel as pn
from bokeh.document import Document
from panel.custom import JSComponent

from dashboards.beat.wire import Wire
from dashboards.theme import LIVE
from dashboards.theme.bare import Bare

_PAGES: WeakSet[Document] = WeakSet()
"""The documents that are Claudia's own pages."""


def within_pages() -> None:
    """Tell that this session shows a page of Claudia, so that links from page to page lead somewhere."""
    if pn.state.curdoc is not None:
        _PAGES.add(pn.state.curdoc)


def is_within_pages() -> bool:
    """Whether links from page to page lead somewhere: not in a notebook's cell, nor in somebody else's app."""
    return pn.state.curdoc is not None and pn.state.curdoc in _PAGES


class Part(JSComponent):
    """A component that `live.js` draws under the name of its class; `live.css` goes with it.

    Its styles are its own, not those of a design. Outside of Claudia's pages links
    to them are left out: what has a `key` may still open in place.
    """

    _bundle = LIVE
    _bundle_path = LIVE
    _bundle_css = (LIVE.with_suffix(".css"),)

    _linked_properties: tuple[str, ...] = ()  # browsers tell by messages what happened, and change no property

    __abstract = True

    def __init__(self, **params: Any) -> None:
        super().__init__(**{"design": Bare, **params})  # type: ignore[no-untyped-call]  # Panel annotates no constructor

    def _process_param_change(self, params: dict[str, Any]) -> dict[str, Any]:
        """What the browser is sent of the parameters; where it has no link to `live.css`, the styles themselves."""
        props: dict[str, Any] = super()._process_param_change(params)  # type: ignore[no-untyped-call]  # as above
        if "stylesheets" in props and not _is_served():
            props["stylesheets"] = [*props["stylesheets"], styles()]
        if not is_within_pages():
            props.update({key: unlinked(props[key]) for key in ("items", "initial") if key in props})
        return props

    def share(self, **values: Any) -> None:
        """Change parameters to values that others show too, and nobody changes any more.

        On a page that is brought up to date at a server's beat they go by its `Wire`, past Panel and Bokeh.
        """
        wire = Wire.here()
        if wire is None:
            self.param.update(**values)
            return
        self._param__private.values.update(values)
        sent = values if is_within_pages() else unlinked(values)
        for model, _ in self._models.values():
            model.data._property_values.update(sent)
            for name, value in sent.items():
                wire.change(model.data.id, name, value)

    def _send_msg(self, data: Any) -> None:
        wire, sent = Wire.here(), data if is_within_pages() else unlinked(data)
        if wire is None:
            super()._send_msg(sent)
            return
        for model, _ in self._models.values():
            wire.tell(model.id, sent)

    def _server_event(self, doc: Document, event: Any) -> None:
        """Take a browser's event; what changes no document goes past Panel, which would take four turns for it."""
        if not (event.event_name == "data_event" and self._heed(event.data)):
            super()._server_event(doc, event)

    def _heed(self, data: Any) -> bool:  # noqa: ARG002 - for those who do
        """Take a message of `live.js` that changes no document, in whatever thread it comes; whether it was one."""
        return False

    def _handle_msg(self, data: Any) -> None:
        """Hand a browser's message on with the document's lock held, which Panel does not do by itself."""
        pn.state.execute(partial(self._on_message, data), schedule=True)

    def _on_message(self, data: Any) -> None:
        """Take a message of `live.js`."""


@cache
def styles() -> str:
    """The content of `live.css`."""
    return LIVE.with_suffix(".css").read_text(encoding="utf-8")


def _is_served() -> bool:
    """Whether a server of Panel stands behind the present document, and sends the browser `live.css` by its address."""
    context = pn.state.curdoc.session_context if pn.state.curdoc is not None else None
    return bool(context and context.server_context)


def unlinked(value: Any) -> Any:
    """The same without links to pages; what can be opened in place keeps its place among what the keyboard reaches."""
    if isinstance(value, dict):
        inner = {key: unlinked(one) for key, one in value.items()}
        if "href" in inner:
            inner["href"] = "#" if inner.get("key") else None
        return inner
    return [unlinked(one) for one in value] if isinstance(value, list) else value
