"""Dask: the computations of a cluster as tasks of a hub."""

from claudia_core.engines.dask.observer import DaskObserver

__all__ = ["DaskObserver"]
