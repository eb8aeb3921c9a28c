"""Part: the base of components whose browser side is in `live.js`.

It lives beside that file, because Panel serves a component's module from the component's own folder.
"""

from __future__ import annotations

from typing import Any

from panel.custom import JSComponent

from dashboards.theme import LIVE


class Part(JSComponent):
    """A component that `live.js` draws under the name of its class; `live.css` goes with it."""

    _bundle = LIVE

    __abstract = True

    def __init__(self, **params: Any) -> None:
        super().__init__(**params)  # type: ignore[no-untyped-call]  # Panel annotates no constructor
