"""Bare: a design of Panel's that adds nothing, for what brings all its styles itself."""

from __future__ import annotations

from typing import Any

from panel.theme import Design


class Bare(Design):
    """No styles. Other designs look theirs up, on the disk too, whenever anything of a component changes."""

    def params(self, viewable: Any, doc: Any = None) -> tuple[dict[str, Any], dict[str, Any]]:  # noqa: ARG002 - as Panel asks
        """Nothing for the component, nothing for what is within."""
        return {}, {}
