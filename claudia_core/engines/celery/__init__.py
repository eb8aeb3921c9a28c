"""Celery: the tasks of an app as tasks of a hub."""

from claudia_core.engines.celery.observer import CeleryObserver

__all__ = ["CeleryObserver"]
