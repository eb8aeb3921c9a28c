"""Which of other people's task systems can be observed, each in a package of its own that is loaded when it is met."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from claudia_core.errors import InvalidValue


class Observer(Protocol):
    """Tells a hub what a task system does."""

    def stop(self) -> None:
        """Observe no more."""
        ...


def observer_of(what: Any, hub: Any) -> Observer:
    """Let `hub` be told what `what` does.

    Raises:
        InvalidValue: it is nothing that can be observed.
    """
    packages = {kind.__module__.partition(".")[0] for kind in type(what).__mro__}
    for package, observe in KINDS.items():
        if package in packages:
            return observe(what, hub)
    raise InvalidValue(
        f"{type(what).__name__} cannot be observed", field="what", hint=f"give it the app of: {', '.join(KINDS)}"
    )


def _celery(app: Any, hub: Any) -> Observer:
    from claudia_core.engines.celery import CeleryObserver

    return CeleryObserver(app, hub)


KINDS: dict[str, Callable[[Any, Any], Observer]] = {"celery": _celery}
"""By the package that made it."""
