"""Tiles and tabs: a few numbers at a glance, and a choice between a few."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import param

from dashboards.theme.part import Part


class Tiles(Part):
    """Numbers in a row, each a link to what is behind it."""

    items = param.List(doc="Tiles: `label`, `value`, `unit`, `hint`, `href`, `tone`.")
    label = param.String("Key figures", doc="What the figures are about.")

    def __init__(self, **params: Any) -> None:
        super().__init__(**{"sizing_mode": "stretch_width", **params})


class Tabs(Part):
    """A choice of one among a few, each with its count."""

    items = param.List(doc="Choices: `key`, `label`, `count`, `mark`.")
    value = param.String("", doc="The chosen key.")
    label = param.String("", doc="What is chosen.")

    def __init__(self, *, on_choose: Callable[[str], None], **params: Any) -> None:
        super().__init__(**{"sizing_mode": "stretch_width", **params})
        self._on_choose = on_choose

    def _on_message(self, data: Any) -> None:
        chosen = str(data.get("choose", ""))
        if any(item["key"] == chosen for item in self.items):
            self._on_choose(chosen)
