"""Slim: what Panel, param and Bokeh keep ready in each session for changes that no page makes is let go of.

A page is made of some forty components. For each of them Panel watches every size there is, param keeps a copy of each
parameter that was once asked about, and Bokeh a container for each property that has never been set: two thirds of what
a session takes. All of it is made again should it be needed.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from panel.layout.base import Panel
from panel.pane.base import PaneBase
from panel.viewable import Viewable

from dashboards.theme.part import Part

FOLLOWED = frozenset({"visible", "styles", "css_classes", "sizing_mode", "width", "height", "min_height", "loading"})
"""What every component has and a page may change while it is shown."""

UNFOLLOWED = frozenset(Viewable.param) - FOLLOWED
"""What is as it was made for as long as a page is shown."""


OURS = (Part, PaneBase, Panel)
"""What is made lean: widgets of others tie their parameters to each other in ways of their own."""


def slim(parts: Iterable[Any]) -> None:
    """Have the components watch only what changes while they are shown, and drop copies of parameters."""
    for part in parts:
        if isinstance(part, OURS):
            _slim(part)


def slim_models(models: Iterable[Any]) -> None:
    """Drop the default values of properties that were made to be read once, when the models were sent."""
    for model in models:
        model._unstable_default_values.clear()


def _slim(part: Any) -> None:
    own = part._param__private
    for name in UNFOLLOWED & own.watchers.keys():
        del own.watchers[name]
    for name in [name for name, copy in own.params.items() if not copy.watchers]:
        del own.params[name]
