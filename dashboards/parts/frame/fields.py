"""Fields: what a table is filtered by, in a row of inputs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import param

from dashboards.theme.part import Part

LONGEST = 500


class Fields(Part):
    """Inputs side by side: free text with what it may be, or a choice. What somebody types is never overwritten."""

    items = param.List(doc="Fields: `key`, `label`, `value`, and perhaps `hint`, `offers` or `choices`.")
    label = param.String("", doc="What is filtered.")

    def __init__(self, *, on_change: Callable[[str, str], None], **params: Any) -> None:
        super().__init__(**{"sizing_mode": "stretch_width", **params})
        self._on_change = on_change

    def _on_message(self, data: Any) -> None:
        key, value = str(data.get("field", "")), str(data.get("value", ""))[:LONGEST]
        if any(item["key"] == key for item in self.items):
            self._on_change(key, value)
