"""Where tasks run."""

from claudia_core.engines.observing import Observer, observer_of

__all__ = ["Observer", "observer_of"]
