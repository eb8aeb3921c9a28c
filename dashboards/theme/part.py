"""Part: the base of components whose browser side is in `live.js`.

It lives beside that file, because Panel serves a component's module from the component's own folder.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import panel as pn
from panel.custom import JSComponent

from dashboards.theme import LIVE


class Part(JSComponent):
    """A component that `live.js` draws under the name of its class; `live.css` goes with it."""

    _bundle = LIVE
    _bundle_path = LIVE
    _bundle_css = (LIVE.with_suffix(".css"),)

    __abstract = True

    def __init__(self, **params: Any) -> None:
        super().__init__(**params)  # type: ignore[no-untyped-call]  # Panel annotates no constructor

    def _handle_msg(self, data: Any) -> None:
        """Hand a browser's message on with the document's lock held, which Panel does not do by itself."""
        pn.state.execute(partial(self._on_message, data), schedule=True)

    def _on_message(self, data: Any) -> None:
        """Take a message of `live.js`."""
