"""Which of other people's task systems can be observed, each in a package of its own that is loaded when it is met."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from claudia_core.errors import InvalidValue, MissingExtra


class Observer(Protocol):
    """Tells a hub what a task system does."""

    def stop(self) -> None:
        """Observe no more."""
        ...


def observer_of(what: Any, hub: Any) -> Observer:
    """Let `hub` be told what `what` does.

    Raises:
        InvalidValue: it is nothing that can be observed.
        MissingExtra: an address, and Dask is not installed.
        SettingsError, DaskUnavailable: a Dask cluster that cannot be reached.
    """
    if isinstance(what, str):
        return _dask(what, hub)
    packages = {kind.__module__.partition(".")[0] for kind in type(what).__mro__}
    for package, observe in KINDS.items():
        if package in packages:
            return observe(what, hub)
    hint = "give it a Celery app, or a Dask client, cluster or address"
    raise InvalidValue(f"{type(what).__name__} cannot be observed", field="what", hint=hint)


def _celery(app: Any, hub: Any) -> Observer:
    from claudia_core.engines.celery import CeleryObserver

    return CeleryObserver(app, hub)


def _dask(cluster: Any, hub: Any) -> Observer:
    try:
        from claudia_core.engines.dask import DaskObserver
    except ModuleNotFoundError as error:
        raise MissingExtra("a Dask cluster needs Dask", hint="pip install 'claudia-core[dask]'") from error
    return DaskObserver(cluster, hub)


KINDS: dict[str, Callable[[Any, Any], Observer]] = {"celery": _celery, "distributed": _dask}
"""By the package that made it."""
