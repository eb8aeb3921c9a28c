"""IPython and notebooks: `%load_ext claudia_core` captures the errors of cells, with the source of the cell."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from claudia_core.capture.capturing import HasErrors

LONGEST = 20_000
NAME = "claudia"


class CellErrors:
    """Captures what cells raise, until `remove`. Ctrl-C is no error."""

    def __init__(self, shell: Any, claudia: HasErrors) -> None:
        self._shell = shell
        self._claudia = claudia
        shell.events.register("post_run_cell", self._after)

    def remove(self) -> None:
        """Capture no more."""
        self._shell.events.unregister("post_run_cell", self._after)

    def _after(self, result: Any) -> None:
        error = result.error_in_exec or result.error_before_exec
        if not isinstance(error, Exception):
            return
        source = str(getattr(result.info, "raw_cell", "") or "")[:LONGEST]
        cell = hashlib.sha256(source.encode(errors="replace")).hexdigest()[:8]
        self._claudia.errors.capture(
            error, kind="cell", handled=True, cell=source, execution_count=result.execution_count, cell_hash=cell
        )


def load(shell: Any, hub: type[HasErrors]) -> None:
    """Begin: with the hub that the notebook calls `claudia`, or else with a new `hub` of that name."""
    unload(shell)
    claudia = shell.user_ns.get(NAME)
    if not isinstance(claudia, hub):
        claudia = shell.user_ns[NAME] = hub()
    shell.user_ns_hidden["_claudia_cells"] = CellErrors(shell, claudia)


def unload(shell: Any) -> None:
    """End."""
    cells = shell.user_ns_hidden.pop("_claudia_cells", None)
    if cells is not None:
        cells.remove()
