"""Where an agent's tasks run, as the settings say."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any

from claudia_core.errors import MissingExtra, SettingsError
from claudia_core.settings import Settings

WAITING = 100
"""Tasks that wait for a Celery worker at once; those that run do not count."""


def engine_options(settings: Settings) -> dict[str, Any]:
    """What an agent is given on top of its defaults: nothing, or the engine of a Celery app.

    Raises:
        SettingsError: `CLAUDIA_CELERY_APP` names no Celery app.
        MissingExtra: Celery is not installed.
    """
    if settings.celery_app is None:
        return {}
    return {"engine": celery_engine(_app_of(settings.celery_app)), "capacity": WAITING}


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


def _app_of(name: str) -> Any:
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
