"""Where an agent's tasks run, as the settings say."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any

from claudia_core.engines.local.engine import LocalEngine
from claudia_core.engines.working import default_capacity
from claudia_core.errors import InvalidValue, MissingExtra, SettingsError
from claudia_core.settings import Settings

WAITING = 100
"""Tasks that wait for a Celery worker at once; those that run do not count."""


def engine_options(settings: Settings) -> dict[str, Any]:
    """What an agent is given on top of its defaults: nothing, or the engine of a Celery app or of a Dask cluster.

    Raises:
        SettingsError: `CLAUDIA_CELERY_APP` names no Celery app, `CLAUDIA_DASK_SCHEDULER` no scheduler, or both are set.
        MissingExtra: Celery or Dask is not installed.
        DaskUnavailable: the scheduler does not answer.
    """
    if settings.celery_app is not None and settings.dask_scheduler is not None:
        raise SettingsError(
            "CLAUDIA_CELERY_APP and CLAUDIA_DASK_SCHEDULER are both set, and an agent has one engine",
            field="dask_scheduler",
            hint="leave one of them out, or choose with claudia agent --engine",
        )
    if settings.celery_app is not None:
        return {"engine": celery_engine(app_of(settings.celery_app)), "capacity": WAITING}
    if settings.dask_scheduler is not None:
        return _dask_options(settings.dask_scheduler, settings.connect_timeout)
    return {}


def named_engine(name: str, settings: Settings) -> dict[str, Any]:
    """The same for an engine that is named: `local`, `celery://MODULE:NAME` or `dask://HOST:PORT`.

    Raises:
        InvalidValue: there is no such engine.
        SettingsError, MissingExtra, DaskUnavailable: as `engine_options`.
    """
    kind, separator, rest = name.partition("://")
    if name == "local":
        return {"engine": LocalEngine, "capacity": default_capacity()}
    if separator and kind == "celery":
        return engine_options(settings.changed(celery_app=rest, dask_scheduler=None))
    if separator and kind in ("dask", "tcp", "tls"):
        return _dask_options(name, settings.connect_timeout)
    hint = "use local, celery://MODULE:NAME or dask://HOST:8786"
    raise InvalidValue(f"there is no engine {name!r:.200}", field="engine", hint=hint)


def _dask_options(address: str, timeout: float) -> dict[str, Any]:
    engine = dask_engine(address)
    from claudia_core.engines.dask.cluster import threads_of

    return {"engine": engine, "capacity": threads_of(address, timeout)}


def dask_engine(what: Any) -> Any:
    """An engine for `Claudia.work(engine=...)`: jobs run in the workers of a Dask client, cluster or address.

    Raises:
        MissingExtra: Dask is not installed.
    """
    try:
        from claudia_core.engines.dask.engine import DaskEngine
    except ModuleNotFoundError as error:
        raise MissingExtra("the Dask engine needs Dask", hint="pip install 'claudia-core[dask]'") from error
    return lambda hub, report: DaskEngine(what, hub, report)


def celery_engine(app: Any) -> Any:
    """An engine for `Claudia.work(engine=...)`: jobs run in the workers of a Celery app, which observe it, too.

    Raises:
        MissingExtra: Celery is not installed.
    """
    try:
        from claudia_core.engines.celery.engine import CeleryEngine
    except ModuleNotFoundError as error:
        raise MissingExtra("the Celery engine needs Celery", hint="pip install 'claudia-core[celery]'") from error
    return lambda hub, report: CeleryEngine(app, hub, report)


def app_of(name: str) -> Any:
    """The Celery app that `MODULE:NAME` names.

    Raises:
        SettingsError: there is none.
    """
    module, _, attribute = name.partition(":")
    if str(Path.cwd()) not in sys.path:
        sys.path.insert(0, str(Path.cwd()))  # as `celery -A` does
    try:
        app = getattr(importlib.import_module(module), attribute or "app")
    except (ImportError, AttributeError, ValueError) as error:
        raise SettingsError(
            f"CLAUDIA_CELERY_APP is {name!r:.200}, which cannot be imported: {error}",
            field="celery_app",
            hint="use MODULE:NAME, such as proj:app",
        ) from error
    if not hasattr(app, "send_task"):
        raise SettingsError(f"{name!r:.200} is no Celery app", field="celery_app", hint="use MODULE:NAME")
    return app
