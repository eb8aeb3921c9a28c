"""`claudia.show(...)`: pages and parts in a notebook's cell, from whatever package brings them."""

from __future__ import annotations

from importlib.metadata import entry_points
from typing import Any

from claudia_core.errors import MissingExtra
from claudia_core.tracking.display import in_notebook

VIEWS = "claudia.views"
"""The entry point `default` of this group is `view(claudia: Claudia, name: str, **options) -> a Panel viewer`."""

CURE = "pip install --upgrade claudia-core: its pages are the package `dashboards`"


def show(claudia: object, name: str, options: dict[str, Any]) -> Any:
    """Make a view and, in a notebook, display it.

    Raises:
        MissingExtra: no package with views is installed, or it cannot be loaded.
        InvalidValue: there is no view of that name; the hint lists them.
    """
    view = _maker()(claudia, name, **options)
    if not in_notebook():
        return view
    from IPython.display import display

    display(view)  # type: ignore[no-untyped-call]
    return None


def _maker() -> Any:
    found = entry_points(group=VIEWS)
    if "default" not in found.names:
        raise MissingExtra("there are no pages here to show", hint=CURE)
    try:
        return found["default"].load()
    except ImportError as error:
        raise MissingExtra(f"the pages cannot be loaded: {error}", hint=CURE) from error
