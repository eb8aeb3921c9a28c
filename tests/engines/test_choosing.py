"""Which engine an agent gets, as the settings say."""

import sys
from pathlib import Path

import pytest

from claudia_core.engines.celery.engine import CeleryEngine
from claudia_core.engines.choosing import WAITING, engine_options
from claudia_core.errors import SettingsError
from claudia_core.settings import default_settings


def test_none() -> None:
    """Without a setting the agent keeps its own."""
    assert engine_options(default_settings()) == {}


def test_a_celery_app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`CLAUDIA_CELERY_APP` names an app in a module, as `celery -A` does."""
    (tmp_path / "some_app.py").write_text("from celery import Celery\nwork = Celery('some', set_as_current=False)\n")
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.chdir(tmp_path)
    options = engine_options(default_settings(celery_app="some_app:work"))
    assert options["capacity"] == WAITING
    engine = options["engine"](None, lambda _: None)
    assert isinstance(engine, CeleryEngine)
    engine.close()


@pytest.mark.parametrize("name", ["no_such_module:app", "json:app", "json:dumps", ":app"])
def test_what_is_none(name: str) -> None:
    """What is no app is refused with the variable's name."""
    with pytest.raises(SettingsError, match=r"CLAUDIA_CELERY_APP|is no Celery app") as refusal:
        engine_options(default_settings(celery_app=name))
    assert refusal.value.field == "celery_app"
