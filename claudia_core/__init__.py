"""Claudia: mission control for long-running Python work."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from claudia_core.app import Claudia
    from claudia_core.errors import ClaudiaError, TaskCancelled
    from claudia_core.model import Event, Progress, Status, Task
    from claudia_core.model.policy import RetryPolicy
    from claudia_core.services.events import NewEvent

__all__ = [
    "Claudia",
    "ClaudiaError",
    "Event",
    "NewEvent",
    "Progress",
    "RetryPolicy",
    "Status",
    "Task",
    "TaskCancelled",
    "__version__",
]

_HOMES = {
    "Claudia": "app",
    "ClaudiaError": "errors",
    "Event": "model",
    "NewEvent": "services.events",
    "Progress": "model",
    "RetryPolicy": "model.policy",
    "Status": "model",
    "Task": "model",
    "TaskCancelled": "errors",
}


def __getattr__(name: str) -> Any:
    """Public names are loaded when first used, so that `import claudia_core` costs next to nothing."""
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(f"{__name__}.{home}"), name)


def load_ipython_extension(shell: Any) -> None:
    """`%load_ext claudia_core`: errors of cells are captured, with the source of the cell."""
    from claudia_core.app import Claudia
    from claudia_core.integrations.ipython import load

    load(shell, Claudia)


def unload_ipython_extension(shell: Any) -> None:
    """`%unload_ext claudia_core`: no more."""
    from claudia_core.integrations.ipython import unload

    unload(shell)
