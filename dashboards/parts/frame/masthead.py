"""Masthead: navigation, connection, theme and address of a page."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import param

from dashboards.assets import BOOT
from dashboards.theme import LOGO
from dashboards.theme.part import Part


class Banner(Part):
    """A sentence about trouble; takes no room while there is none."""

    text = param.String("", doc="The sentence.")

    def __init__(self, **params: Any) -> None:
        super().__init__(**{"visible": False, **params})
        self.param.watch(self._on_text, "text")

    def _on_text(self, event: Any) -> None:
        self.visible = bool(event.new)


class Masthead(Part):
    """The bar on top. It tells `on_address` when the browser goes back or forward."""

    pages = param.List(doc="Pages: `title`, `href`, `icon`, `here`.")
    heading = param.String("Claudia", doc="What the browser's tab says.")
    boot = param.String(BOOT, doc="Which process serves the page: another one does not know its session.")
    home = param.String("./", doc="Where the name leads.")
    logo = param.String(LOGO, doc="The logo's path.")

    def __init__(self, *, on_address: Callable[[str], None], **params: Any) -> None:
        super().__init__(**{"sizing_mode": "stretch_width", "margin": 0, **params})
        self._on_address = on_address

    def go(self, address: str, *, push: bool) -> None:
        """Show `address` (`?query` or nothing) in the browser, as a new entry of its history with `push`."""
        self._send_msg({"address": address, "push": push})

    def say(self, text: str, tone: str) -> None:
        """Show a sentence for a while."""
        self._send_msg({"say": text, "tone": tone})

    def _on_message(self, data: Any) -> None:
        if "address" in data:
            self._on_address(str(data["address"]))
